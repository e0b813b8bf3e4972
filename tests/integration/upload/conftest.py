from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import stores
from preflight.settings import Settings


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with stores.moto() as address:
        yield address


@pytest.fixture
def settings(endpoint: str) -> Settings:
    return stores.settings_for(endpoint, prefix=stores.fresh_prefix())


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 MiB and a bit: three parts, no two blocks alike."""
    path = tmp_path_factory.mktemp("big") / "big.mp4"
    path.write_bytes(b"".join(number.to_bytes(8, "big") for number in range(20 * 1024 * 128 + 5)))
    return path
