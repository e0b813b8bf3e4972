import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from preflight.server.responses import RefusalError
from preflight.server.source_download import download


@contextmanager
def server(*, drip: bool) -> Iterator[tuple[int, list[bytes]]]:
    """Answer one request with a file, or with headers that never end; give the port and what was asked."""
    asked: list[bytes] = []
    gone = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            line, _ = listening.accept()
            with line:
                asked.append(line.recv(65536))
                if not drip:
                    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nvideo")
                    return
                line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not gone.wait(0.05):
                    try:
                        line.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield listening.getsockname()[1], asked
        finally:
            gone.set()
            thread.join()


def resolver(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let names lead to one answer after the other, as a hostile name server does; return who was asked for."""
    real, left, names = socket.getaddrinfo, list(answers), list[str]()

    def resolve(host: str, *args: Any, **kwargs: Any) -> Any:
        if not host.endswith(".test"):
            return real(host, *args, **kwargs)
        names.append(host)
        return real(left.pop(0), *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return names


def test_name_that_changes_its_address_is_fetched_from_the_checked_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = resolver(monkeypatch, "127.0.0.1", "169.254.169.254")
    with server(drip=False) as (port, asked):
        download(f"http://rebound.test:{port}/a.mp4", tmp_path / "a.mp4", limit=100)
    assert (tmp_path / "a.mp4").read_bytes() == b"video"
    assert names == ["rebound.test"]
    assert f"Host: rebound.test:{port}".encode() in asked[0]


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::a9fe:a9fe",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "0.0.0.0",
    ],
)
def test_metadata_addresses_of_clouds_are_not_fetched_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    resolver(monkeypatch, address)
    with pytest.raises(RefusalError, match="not fetched from"):
        download("http://metadata.test/a.mp4", tmp_path / "a.mp4", limit=100)
    assert not (tmp_path / "a.mp4").exists()


@pytest.mark.timeout(60)
def test_headers_that_never_end_are_left_at_the_deadline(tmp_path: Path) -> None:
    with server(drip=True) as (port, asked), pytest.raises(RefusalError, match="could not be fetched"):
        download(f"http://127.0.0.1:{port}/a.mp4", tmp_path / "a.mp4", limit=100, seconds=1)
    assert asked
