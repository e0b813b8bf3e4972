"""A video that is replaced or grows while it is on its way: noticed, and never half of it sent."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import preflight
from fixtures import clips
from preflight.errors import FileChangedError
from preflight.events import Progress, Stage
from preflight.ledger import Ledger
from preflight.settings import Settings


def grow(path: Path, _: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(1000))


def replaced(path: Path, other: Path) -> None:
    Path(shutil.copy(other, path.with_name("other.mp4"))).replace(path)


@pytest.mark.parametrize("happens", [grow, replaced])
@pytest.mark.parametrize("stage", [Stage.CHECK, Stage.UPLOAD])
def test_change_on_the_way_is_noticed(
    stack: Settings, clip: Path, tmp_path: Path, happens: Callable[[Path, Path], None], stage: Stage
) -> None:
    path = Path(shutil.copy(clip, tmp_path / "clip.mp4"))
    other = clips.clip(tmp_path / "longer.mp4", seconds=1.4)
    done: list[Stage] = []

    def listen(progress: Progress) -> None:
        if progress.stage is stage and progress.done == progress.total and not done:
            done.append(progress.stage)
            happens(path, other)

    settings = replace(stack, home=tmp_path / "home")
    result = preflight.run(path, settings=settings, output=tmp_path / "out", listener=listen)
    assert done
    assert isinstance(result, preflight.Failed)
    assert isinstance(result.error, FileChangedError)
    with Ledger(settings.ledger) as ledger:
        assert not [job for job in ledger.jobs() if job.task_id]
