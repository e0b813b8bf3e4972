from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import stores
from preflight.settings import Settings

SERVERS = ("embedded", "moto", "moto-tls", pytest.param("swift", marks=pytest.mark.swift))


def open_server(name: str, folder: Path) -> AbstractContextManager[Settings]:
    if name == "embedded":
        return stores.embedded(folder)
    if name == "moto":
        return stores.moto()
    return stores.swift(folder) if name == "swift" else stores.moto_tls(folder)


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with open_server(request.param, tmp_path_factory.mktemp(request.param)) as settings:
        yield settings


@pytest.fixture
def settings(server: Settings) -> Settings:
    return replace(server, prefix=stores.fresh_prefix())


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 MiB and a bit: three parts, no two blocks alike."""
    path = tmp_path_factory.mktemp("big") / "big.mp4"
    path.write_bytes(b"".join(number.to_bytes(8, "big") for number in range(12 * 1024 * 128 + 5)))
    return path
