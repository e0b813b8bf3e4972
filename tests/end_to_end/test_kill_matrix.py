import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures import clips
from preflight.ledger import Ledger, State
from preflight.settings import Settings
from tests.end_to_end.kills import Scene, digest, scene

LIMIT = {"PREFLIGHT_MAX_DURATION": "2"}
"""Seconds: what makes a short clip long enough to be split."""

Calm = Callable[[Path], dict[str, str]]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video beyond 1080p, which needs a fix."""
    return clips.clip(tmp_path_factory.mktemp("large") / "clip.mp4", size=(2048, 1152), seconds=0.2)


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
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that has to be split."""
    return clips.clip(tmp_path_factory.mktemp("long") / "clip.mp4", seconds=3, output=("-g", "25"))


@pytest.fixture(scope="module")
def undisturbed(stack: Settings, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], dict[str, str]]:
    """The digests that a run nobody disturbs leaves."""

    @functools.cache
    def results(source: Path) -> dict[str, str]:
        calm = scene(source, tmp_path_factory.mktemp("calm"), stack, **LIMIT)
        outcome = calm.run()
        assert outcome.code == 0, outcome.err
        return calm.results

    return results


def judge(stage: Scene, calm: dict[str, str]) -> None:
    """Whatever happened: every job paid once, and the same bytes under the same names as without the kill."""
    found = stage.go_on()
    assert {job.state for job in stage.jobs} == {State.FETCHED}
    assert sorted(stage.results) == sorted(calm), found
    for name in ("clip.cleaned.mp4", "clip.before-after.jpg"):
        assert stage.results[name] == calm[name], (name, found)
    assert len(stage.accepted) == len(stage.jobs), found
    # Only an upload whose id was not known yet is left behind; `preflight uploads` shows it.
    assert len(stage.begun) <= 1, found


@pytest.mark.parametrize("number", [4, 8, 11])
def test_killed_at_a_ledger_write_nothing_is_lost_or_paid_twice(
    stack: Settings, clip: Path, tmp_path: Path, undisturbed: Calm, number: int
) -> None:
    calm = undisturbed(clip)
    stage = scene(clip, tmp_path, stack)
    assert stage.killed_at("fdatasync", number)
    judge(stage, calm)


def test_killed_between_the_segments_of_a_split_each_is_paid_once(
    stack: Settings, long: Path, tmp_path: Path, undisturbed: Calm
) -> None:
    calm = undisturbed(long)
    stage = scene(long, tmp_path, stack, **LIMIT)
    assert stage.killed_at("fdatasync", 20)
    judge(stage, calm)
    assert len(stage.jobs) > 1


def test_killed_between_the_parts_of_an_upload_the_same_one_goes_on(
    stack: Settings, heavy: Path, tmp_path: Path, undisturbed: Calm
) -> None:
    calm = undisturbed(heavy)
    stage = scene(heavy, tmp_path, stack)
    assert stage.killed_at("sendto", 20)
    assert [job.state for job in stage.jobs] == [State.UPLOADING]
    assert len(stage.begun) == 1
    judge(stage, calm)
    assert stage.begun == []


def test_finished_file_is_not_taken_for_a_segment(
    stack: Settings, long: Path, tmp_path: Path, undisturbed: Calm
) -> None:
    calm = undisturbed(long)
    stage = scene(long, tmp_path, stack, **LIMIT)
    assert stage.run().code == 0
    with Ledger(stage.settings.ledger) as ledger, ledger.lease(stage.jobs[-1].id) as last:
        # As after a kill when the first segments' end is recorded and the last one's is not.
        ledger.advance(last.id, State.DONE, cause="the process was killed")
    assert stage.resume().code == 0
    assert {job.state for job in stage.jobs} == {State.FETCHED}
    made = {job.file for job in stage.jobs}
    assert [digest(file) for file in made if file is not None] == [calm["clip.cleaned.mp4"]]


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64", "sendto", "recvfrom", "rename", "connect", "unlink"])
@pytest.mark.parametrize("kind", ["long", "heavy", "large", "clip"])
def test_killed_anywhere_nothing_is_lost_or_paid_twice(
    stack: Settings, tmp_path: Path, undisturbed: Calm, call: str, kind: str, request: pytest.FixtureRequest
) -> None:
    source: Path = request.getfixturevalue(kind)
    calm = undisturbed(source)
    # A long list of calls is sampled: the state between two neighbours is mostly the same.
    for number in (*range(1, 20), *range(20, 1000, 7)):
        stage = scene(source, tmp_path / str(number), stack, **LIMIT)
        if not stage.killed_at(call, number):
            break
        judge(stage, calm)
        print(f"{kind}: killed at {call} {number}: whole, paid once")  # noqa: T201 - the proof's own count
    assert number > 1
