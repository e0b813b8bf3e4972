"""An HTTP server in a thread of this process: on loopback, without a log, and gone when stopped."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from preflight.errors import ToolError, UsageError

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"
"""The address that the servers listen on by default: this machine's own."""

START_SECONDS = 30.0
"""Seconds after which a server that does not answer is given up; a start takes less than 1 s."""

SHUTDOWN_SECONDS = 2
"""Seconds that open requests have to end after a stop."""

BACKLOG = 128
"""Connections that wait to be accepted."""


def listen(host: str, port: int, name: str) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises UsageError for a port in use.

    Args:
        host: address of the interface.
        port: number of the port.
        name: what the port is for, for the error.
    """
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise UsageError(
            f"Port {port} of {host} can't be used for the {name}: {os.strerror(error.errno or 0)}.",
            hint="Stop what uses it, or choose another port (0 takes a free one).",
        ) from error


class HttpServer:
    """Serves an ASGI application by uvicorn from `start` until `stop`.

    The port is taken at once, so that the application can be told its address (`host:port`) before it starts.
    """

    def __init__(self, name: str, *, host: str = HOST, port: int = 0) -> None:
        """Listen on a port; 0 takes a free one. Raises UsageError for a port in use."""
        self._name = name
        self._socket = listen(host, port, name)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.address = f"{host}:{self._socket.getsockname()[1]}"
        self.url = f"http://{self.address}"

    def start(self, app: Any) -> None:
        """Serve `app`; return once requests are answered. Raises ToolError."""
        import uvicorn

        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="on",
            ws="none",
            # A client in the middle of a download must not delay Ctrl-C.
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        self._server = uvicorn.Server(config)
        run = {"sockets": [self._socket]}
        self._thread = threading.Thread(
            target=self._server.run, kwargs=run, name=f"preflight-{self._name}", daemon=True
        )
        self._thread.start()
        end = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                self.stop()
                raise ToolError(f"The local {self._name} did not start.", hint="Run with --debug for the reason.")
            time.sleep(0.01)

    def stop(self) -> None:
        """Return once the application has shut down and the port is free."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        self._socket.close()
