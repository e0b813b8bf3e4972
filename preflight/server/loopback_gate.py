"""ASGI middleware that keeps browsers away from a server on loopback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


class LoopbackGate:
    """Refuses requests that a web page may have caused, before the application sees them.

    A page of another site can make a browser send requests to 127.0.0.1. They carry an `Origin` header, or, after DNS
    rebinding, a `Host` header with a foreign name. Neither is sent by an HTTP client library.
    """

    def __init__(self, app: Application, *, check_host: bool) -> None:
        """Wrap `app`; with `check_host`, the host name of each request has to be one of LOOPBACK_NAMES."""
        self._app = app
        self._check_host = check_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 to a refused request, and pass the others on."""
        if scope["type"] == "http" and not self._is_admitted(scope["headers"]):
            body = b"Requests of web pages are refused.\n"
            headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
            return
        await self._app(scope, receive, send)

    def _is_admitted(self, headers: list[tuple[bytes, bytes]]) -> bool:
        names = [name.lower() for name, _ in headers]
        hosts = [value.decode("latin-1") for name, value in headers if name.lower() == b"host"]
        if b"origin" in names or len(hosts) != 1:
            return False
        return not self._check_host or _name_of(hosts[0]) in LOOPBACK_NAMES


def _name_of(host: str) -> str | None:
    """Return the host name in a `Host` header, or None for a malformed one."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
