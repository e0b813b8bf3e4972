"""A server that answers a byte at a time and never comes to an end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from preflight.errors import SubmitUnknownError
from preflight.model.job import RemovalOptions, SecretUrl
from preflight.removal import RemovalClient
from preflight.removal.transport import NoAnswerError
from preflight.settings import Secret, Settings

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"


@pytest.fixture(params=[HEAD + b"X-Long: ", HEAD + b"\r\n"], ids=["headers", "body"])
def settings(request: pytest.FixtureRequest) -> Iterator[Settings]:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(request.param)
                    while not stop.wait(0.02):
                        connection.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield Settings(
            access_key_name="name", access_key_secret=Secret("secret"), api_domain=address, request_timeout=0.5
        )
        stop.set()
        thread.join()


def test_poll_is_given_up(settings: Settings) -> None:
    with RemovalClient(settings) as client, pytest.raises(NoAnswerError, match="took too long"):
        client.query("task")


def test_submit_is_unknown(settings: Settings) -> None:
    with RemovalClient(settings) as client, pytest.raises(SubmitUnknownError, match="took too long"):
        client.submit(SecretUrl("http://127.0.0.1/x.mp4"), RemovalOptions())
