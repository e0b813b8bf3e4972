"""Seeded disasters: nothing lost, nothing paid twice, the same outputs, nothing left."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

import preflight
from fixtures import clips
from preflight.model.limits import Limits
from tests.scenarios.scenario import LONGEST, Clip, Scenario, Stage, report, undisturbed

SAMPLE = range(1, 7)
"""Seeds of `make test`."""

BATCH = 25
"""Seeds of one test of `make exhaustive`, which plays 500."""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    """Small videos of which one has to be remuxed, one scaled and one split."""
    folder = tmp_path_factory.mktemp("pool")
    paths = [
        clips.clip(folder / "one.mp4", size=(160, 96), seconds=0.6),
        clips.clip(folder / "two.mp4", size=(176, 96), seconds=0.8),
        clips.clip(folder / "three.avi", size=(192, 96), seconds=0.6),
        clips.clip(folder / "four.ts", size=(208, 96), seconds=0.6),
        clips.clip(folder / "five.mp4", size=(2048, 1152), seconds=0.12),
        clips.clip(folder / "six.mp4", size=(224, 96), seconds=3, output=("-g", "25")),
    ]
    return [undisturbed(path, tmp_path_factory.mktemp("calm")) for path in paths]


@pytest.fixture(scope="module")
def play(pool: list[Clip], tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], None]:
    short = clips.clip(tmp_path_factory.mktemp("short") / "short.mp4", size=(160, 96), seconds=2).read_bytes()

    def play_one(seed: int) -> None:
        Stage(Scenario.draw(seed, pool), tmp_path_factory.mktemp(f"seed-{seed}-"), short).play()

    return play_one


@pytest.mark.parametrize("seed", SAMPLE)
def test_disaster_loses_nothing_and_pays_once(seed: int, play: Callable[[int], None]) -> None:
    play(seed)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(1000, 1500, BATCH))
def test_five_hundred_disasters(first: int, play: Callable[[int], None]) -> None:
    print(report(range(first, first + BATCH), play))  # noqa: T201 - the proof's own count


def test_pool_holds_a_video_that_is_split(pool: list[Clip]) -> None:
    limits = Limits(max_seconds=Fraction(LONGEST))
    assert [len(preflight.plan(preflight.check(clip.path, limits=limits)).cuts) > 0 for clip in pool].count(True) == 1


def test_scenarios_are_drawn_from_their_seed(pool: list[Clip], tmp_path: Path) -> None:
    del tmp_path
    assert Scenario.draw(7, pool) == Scenario.draw(7, pool)
    assert Scenario.draw(7, pool) != Scenario.draw(8, pool)
