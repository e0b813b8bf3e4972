"""Seeded disasters of a cluster with PostgreSQL: nothing lost, nothing paid twice, the same outputs."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures import clips
from preflight.settings import Settings
from preflight.workflow import run
from tests.chaos import media, roles
from tests.chaos.stage import Clip, Cluster, Scenario, Stage, report
from tests.postgres import server

SAMPLE = range(1, 4)
"""Seeds of `make test`."""

BATCH = 25
"""Seeds of one test of `make exhaustive`, which plays 300."""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    folder = tmp_path_factory.mktemp("pool")
    settings = Settings(home=folder / "home", service="aidge", access_key_name="key", bucket="bucket")
    paths = [clips.clip(folder / f"v{n}.mp4", size=(160, 96), seconds=0.3 + n / 10) for n in range(4)]
    found = []
    for path in paths:
        media.remember(path, settings)
        found.append(Clip(path=path, digest=hashlib.sha256(path.read_bytes()).hexdigest()))
    return found


@pytest.fixture(scope="module")
def play(pool: list[Clip], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], None]]:
    """What plays a seed, with a cluster and a server that all seeds share."""
    with (
        pytest.MonkeyPatch.context() as patched,
        server() as database,
        Cluster(tmp_path_factory.mktemp("c")) as cluster,
    ):
        for work in (media.inspect, media.prepare, media.collect):
            patched.setattr(run, work.__name__, work)
        for module, name in ((roles.owner, "STALE_AFTER"), (roles.ledger_module, "BEAT_INTERVAL")):
            patched.setattr(module, name, roles.LEASE if name == "STALE_AFTER" else roles.BEAT)

        def play_one(seed: int) -> None:
            Stage(Scenario.draw(seed, pool), tmp_path_factory.mktemp(f"seed-{seed}-"), cluster, database).play()

        yield play_one


@pytest.mark.parametrize("seed", SAMPLE)
def test_disaster_of_a_cluster_loses_nothing_and_pays_once(seed: int, play: Callable[[int], None]) -> None:
    play(seed)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(1000, 1300, BATCH))
def test_three_hundred_disasters(first: int, play: Callable[[int], None]) -> None:
    print(report(range(first, first + BATCH), play))  # noqa: T201 - the proof's own count


def test_scenarios_are_drawn_from_their_seed(pool: list[Clip], tmp_path: Path) -> None:
    del tmp_path
    assert Scenario.draw(7, pool) == Scenario.draw(7, pool)
    assert Scenario.draw(7, pool) != Scenario.draw(8, pool)
