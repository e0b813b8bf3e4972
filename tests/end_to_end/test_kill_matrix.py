import functools
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures import clips
from preflight.ledger import State
from preflight.settings import Settings
from tests.end_to_end.kills import Scene, tasks
from tests.service_stack import local_stack

Calm = Callable[[Path], dict[str, str]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with local_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running.settings


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid video, which is sent as it is."""
    return clips.clip(tmp_path_factory.mktemp("valid") / "clip.mp4")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video beyond 1080p, which needs a fix."""
    return clips.clip(tmp_path_factory.mktemp("large") / "clip.mp4", size=(2048, 1152), seconds=0.6)


@pytest.fixture(scope="module")
def heavy(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid video that goes up in several parts: 20 MB of padding behind it, in a box that players skip."""
    path = tmp_path_factory.mktemp("heavy") / "clip.mp4"
    size = 20_000_000
    path.write_bytes(
        clip.read_bytes() + size.to_bytes(4, "big") + b"free" + hashlib.shake_256(b"padding").digest(size - 8)
    )
    return path


@pytest.fixture(scope="module")
def undisturbed(stack: Settings, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], dict[str, str]]:
    """The digests that a run nobody disturbs leaves."""

    @functools.cache
    def results(source: Path) -> dict[str, str]:
        calm = scene(source, tmp_path_factory.mktemp("calm"), stack)
        outcome = calm.run()
        assert outcome.code == 0, outcome.err
        return calm.results

    return results


def scene(source: Path, folder: Path, stack: Settings) -> Scene:
    return Scene(source=source, folder=folder, stack=stack, known=frozenset(tasks(stack)))


def judge(scene: Scene, calm: dict[str, str]) -> None:
    """Whatever happened: one paid job, and the same bytes under the same names as without the kill."""
    found = scene.go_on()
    (job,) = scene.jobs
    assert job.state is State.FETCHED
    assert sorted(scene.results) == sorted(calm), found
    for name in ("clip.cleaned.mp4", "clip.before-after.png"):
        assert scene.results[name] == calm[name], (name, found)
    assert len(scene.accepted) == 1, found


@pytest.mark.parametrize("number", [1, 4, 7, 10, 13])
def test_killed_at_a_ledger_write_nothing_is_lost_or_paid_twice(
    stack: Settings, clip: Path, tmp_path: Path, undisturbed: Calm, number: int
) -> None:
    calm = undisturbed(clip)
    stage = scene(clip, tmp_path, stack)
    assert stage.killed_at("fdatasync", number)
    judge(stage, calm)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64", "sendto", "recvfrom", "rename", "connect", "unlink"])
@pytest.mark.parametrize("kind", ["clip", "large", "heavy"])
def test_killed_anywhere_nothing_is_lost_or_paid_twice(
    stack: Settings, tmp_path: Path, undisturbed: Calm, call: str, kind: str, request: pytest.FixtureRequest
) -> None:
    source: Path = request.getfixturevalue(kind)
    calm = undisturbed(source)
    # A long list of calls is sampled: the state between two neighbours is mostly the same.
    for number in (*range(1, 20), *range(20, 1000, 7)):
        stage = scene(source, tmp_path / str(number), stack)
        if not stage.killed_at(call, number):
            break
        judge(stage, calm)
        print(f"{kind}: killed at {call} {number}: whole, paid once")  # noqa: T201 - the proof's own count
    assert number > 1
