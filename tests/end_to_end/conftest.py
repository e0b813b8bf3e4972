from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import clips
from preflight.settings import Settings
from tests.service_stack import local_stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A store and a service with a stand-in engine, which live longer than any run."""
    with local_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running.settings


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid video, which is sent as it is."""
    return clips.clip(tmp_path_factory.mktemp("valid") / "clip.mp4")
