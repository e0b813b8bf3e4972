"""HTTP servers in threads of this process: on loopback, quiet, and gone when stopped."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from typing import Any

from preflight.errors import ToolError, UsageError

HOST = "127.0.0.1"
_START_SECONDS = 30.0


def listen(host: str, port: int, name: str) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises UsageError for a port in use."""
    try:
        return socket.create_server((host, port), backlog=128)
    except OSError as error:
        raise UsageError(
            f"Port {port} of {host} can't be used for the {name}: {os.strerror(error.errno or 0)}.",
            hint="Stop what uses it, or choose another port (0 takes a free one).",
        ) from error


class ApiServer:
    """An ASGI application served by uvicorn until `stop`."""

    def __init__(self, app: Any, *, host: str = HOST, port: int = 0) -> None:
        import uvicorn

        self._socket = listen(host, port, "service")
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="on",
            ws="none",
            # A client in the middle of a download must not hold up Ctrl-C.
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        run = {"sockets": [self._socket]}
        self._thread = threading.Thread(target=self._server.run, kwargs=run, name="preflight-api", daemon=True)

    def start(self) -> None:
        """Return once requests are answered. Raises ToolError."""
        self._thread.start()
        end = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                self.stop()
                raise ToolError("The local service did not start.", hint="Run with --debug for the reason.")
            time.sleep(0.01)

    def stop(self) -> None:
        """Return once the application has shut down and the port is free."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()


class StoreServer:
    """An S3-compatible server (moto) with its objects in memory and temporary files, until `stop`."""

    def __init__(self, *, host: str = HOST, port: int = 0) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, *_: Any, **__: Any) -> None:
                """Say nothing: a request line holds a presigned query."""

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        with listen(host, port, "store") as sock:
            port = sock.getsockname()[1]
            app = DomainDispatcherApplication(create_backend_app)
            self._server = make_server(host, port, app, threaded=True, request_handler=Quiet, fd=sock.fileno())
        self.url = f"http://{host}:{port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="preflight-store", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def create_bucket(self, name: str) -> None:
        """Create a bucket, which is what a first PUT on its path does."""
        import requests

        with requests.Session() as http:
            http.trust_env = False
            http.put(f"{self.url}/{name}", timeout=30).raise_for_status()

    def stop(self) -> None:
        """Return once the port is free."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
