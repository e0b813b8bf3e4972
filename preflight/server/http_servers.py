"""HTTP servers in threads of this process: on loopback, quiet, and gone when stopped."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from preflight.errors import ToolError, UsageError
from preflight.server.s3_auth import NotSignedError, SignedRequest, require_signature

HOST = "127.0.0.1"
LOOPBACK = frozenset({HOST, "localhost", "::1"})
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
    """An S3-compatible server (moto) with its objects in memory and temporary files, until `stop`.

    It answers only S3 requests on `bucket` that are signed with `key` and `secret`, in a header or a presigned URL.
    """

    def __init__(self, *, bucket: str, key: str, secret: str, host: str = HOST, port: int = 0) -> None:
        from moto.moto_server.werkzeug_app import create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server
        from werkzeug.test import Client

        class Quiet(WSGIRequestHandler):
            def log(self, *_: Any, **__: Any) -> None:
                """Say nothing: a request line holds a presigned query."""

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        # The S3 application alone: moto's own control pages, which can wipe everything, are not part of it.
        inner = create_backend_app("s3")
        if Client(inner).put(f"/{bucket}").status_code != 200:
            raise ToolError("The local store did not make its bucket.", hint="Reinstall the packages of extra `local`.")
        with listen(host, port, "store") as sock:
            port = sock.getsockname()[1]
            # Behind another name, as in a container, the signature says which host was meant.
            hosts = {f"{name}:{port}" for name in (HOST, "localhost")} if host in LOOPBACK else None
            app = SignedOnly(inner, bucket=bucket, key=key, secret=secret, hosts=hosts)
            self._server = make_server(host, port, app, threaded=True, request_handler=Quiet, fd=sock.fileno())
        self.url = f"http://{host}:{port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="preflight-store", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Return once the port is free."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class SignedOnly:
    """WSGI middleware: passes on what is signed with our key and addressed to us, and no web page can send."""

    def __init__(
        self, app: Callable[..., Iterable[bytes]], *, bucket: str, key: str, secret: str, hosts: Collection[str] | None
    ) -> None:
        self._app = app
        self._bucket = bucket
        self._key = key
        self._secret = secret
        self._hosts = hosts

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        try:
            self._require_ours(environ)
        except NotSignedError as error:
            body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{error.code}</Code></Error>'.encode()
            headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body))), ("Connection", "close")]
            start_response("403 Forbidden", headers)
            return [body] if environ["REQUEST_METHOD"] != "HEAD" else []

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [header for header in headers if not header[0].lower().startswith("access-control-")]
            return start_response(status, kept, *more)

        return self._app(environ, start)

    def _require_ours(self, environ: dict[str, Any]) -> None:
        path, _, query = environ["REQUEST_URI"].partition("?")
        # A browser names the page's origin in whatever a script may read the answer of.
        if "HTTP_ORIGIN" in environ or (self._hosts is not None and environ.get("HTTP_HOST") not in self._hosts):
            raise NotSignedError("AccessDenied")
        if path != f"/{self._bucket}" and not path.startswith(f"/{self._bucket}/"):
            raise NotSignedError("AccessDenied")
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name in {"CONTENT_TYPE", "CONTENT_LENGTH"}
        }
        request = SignedRequest(method=environ["REQUEST_METHOD"], path=path, query=query, headers=headers)
        require_signature(request, key=self._key, secret=self._secret, now=time.time())
