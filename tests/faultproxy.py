"""A reverse proxy that misbehaves on purpose, between any HTTP client of ours and any server.

It reads each request whole, asks a script which fault to commit, and commits it before or after the server has seen the
request. Works for the removal API, for results and for S3 (`Expect: 100-continue` included).

    with FaultProxy(service_url, once("*/removal", Fault.DROP_REPLY)) as proxy:
        client = RemovalClient(replace(settings, api_domain=proxy.url))
    proxy.log          # what came, in order: Seen(method, path, number, fault, accepted)

A script is any `Callable[[Seen], Fault | None]`; `Seen.number` counts from 1 the requests with that method and path.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatch
from http.client import HTTPMessage, HTTPResponse, parse_headers
from typing import Any, BinaryIO, Self
from urllib.parse import urlsplit


class Fault(StrEnum):
    """What goes wrong. BEFORE: the server never sees a whole request. AFTER: it has seen and answered it."""

    # Before the server has the request.
    DROP_REQUEST = "request read, connection closed, nothing forwarded"
    RESET_REQUEST = "request read, connection reset, nothing forwarded"
    TRUNCATE_REQUEST = "half of the request forwarded, then both sides closed"
    SWALLOW_REQUEST = "request read, nothing forwarded, silence"
    ANSWER_429 = "429 with Retry-After, nothing forwarded"
    ANSWER_502 = "502 of a proxy, nothing forwarded"
    ANSWER_503 = "503 of a proxy, nothing forwarded"
    # On the way.
    DELAY_REQUEST = "request forwarded late, answered in time"
    DUPLICATE_REQUEST = "request forwarded twice, the first reply passed on"
    # After the server has answered.
    DROP_REPLY = "reply read, connection closed, nothing passed on"
    RESET_REPLY = "reply read, connection reset, nothing passed on"
    SWALLOW_REPLY = "reply read, nothing passed on, silence"
    TRUNCATE_REPLY = "half of the reply's body passed on"
    TRUNCATE_HEADERS = "reply cut inside its headers"
    GARBLE_REPLY = "reply's body replaced by as many other bytes"
    HTML_REPLY = "200 with a page of HTML instead of the reply"
    ANSWER_504 = "504 of a proxy although the server answered"
    DELAY_REPLY = "reply passed on late, but in time"
    DRIBBLE_REPLY = "reply passed on byte by byte"
    DUPLICATE_REPLY = "reply passed on twice in one connection"


BEFORE = (
    Fault.DROP_REQUEST,
    Fault.RESET_REQUEST,
    Fault.TRUNCATE_REQUEST,
    Fault.SWALLOW_REQUEST,
    Fault.ANSWER_429,
    Fault.ANSWER_502,
    Fault.ANSWER_503,
)
HARMLESS = (Fault.DELAY_REQUEST, Fault.DELAY_REPLY, Fault.DRIBBLE_REPLY, Fault.DUPLICATE_REPLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request: `path` is without its query, `headers` and the start of its `body` are as sent.

    `accepted` counts how often the server answered it.
    """

    method: str
    path: str
    number: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: Fault | None = None
    accepted: int = 0


Script = Callable[[Seen], Fault | None]


def once(pattern: str, fault: Fault, *, number: int = 1, method: str | None = None) -> Script:
    """Commit `fault` on the request number `number` to a path that matches the shell `pattern`."""
    return times(pattern, fault, first=number, last=number, method=method)


def times(pattern: str, fault: Fault, *, first: int = 1, last: int = 10**9, method: str | None = None) -> Script:
    """Commit `fault` on every request from number `first` to `last` to a path that matches the shell `pattern`."""

    def script(seen: Seen) -> Fault | None:
        wanted = fnmatch(seen.path, pattern) and method in {None, seen.method} and first <= seen.number <= last
        return fault if wanted else None

    return script


class FaultProxy:
    """Serves on a free loopback port while the `with` block lasts; `silence` and `delay` are in seconds.

    With `tls` it speaks HTTPS to the client.
    """

    def __init__(
        self,
        upstream: str,
        script: Script | None = None,
        *,
        silence: float = 2.0,
        delay: float = 0.2,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.script = script or (lambda _: None)
        self.silence = silence
        self.delay = delay
        self.log: list[Seen] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    _Exchange(proxy, self.request).run()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = False
            allow_reuse_address = True
            request_queue_size = 128

            def get_request(self) -> tuple[socket.socket, Any]:
                connection, address = super().get_request()
                if tls is not None:
                    # A failed handshake is an OSError, after which the server goes on with the next connection.
                    with connection:
                        connection = tls.wrap_socket(connection, server_side=True)
                return connection, address

            def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
                # No orderly shutdown here: a fault may have chosen to reset.
                assert isinstance(request, socket.socket)
                request.close()

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def requests(self, pattern: str) -> list[Seen]:
        """Return the requests to paths that match the shell `pattern`."""
        return [seen for seen in self.log if fnmatch(seen.path, pattern)]

    def note(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Seen]:
        """Count a request, choose its fault, and return its place in the log."""
        with self._lock:
            self._counts[method, path] += 1
            number = self._counts[method, path]
            seen = Seen(method=method, path=path, number=number, headers=headers, body=body[:_KEPT])
            seen = replace(seen, fault=self.script(seen))
            self.log.append(seen)
            return len(self.log) - 1, seen

    def accepted(self, place: int) -> None:
        """Note that the server has answered."""
        with self._lock:
            self.log[place] = replace(self.log[place], accepted=self.log[place].accepted + 1)

    def keep_silent(self) -> None:
        """Wait for `silence` seconds, or for the end."""
        self._closing.wait(self.silence)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    line: bytes
    headers: HTTPMessage
    body: bytes

    @property
    def raw(self) -> bytes:
        kept = [(name, value) for name, value in self.headers.items() if name.lower() not in _HOP]
        kept += [("Connection", "close"), ("Content-Length", str(len(self.body)))]
        head = "".join(f"{name}: {value}\r\n" for name, value in kept).encode("latin-1")
        return self.line + head + b"\r\n" + self.body


_HOP = {"connection", "expect", "content-length", "transfer-encoding"}
_KEPT = 4096
"""Bytes of a body that are noted: all of a call, and little of a file."""
_BOUNDARY = b"\r\n\r\n"


class _Exchange:
    """One request on one connection, and what becomes of it."""

    def __init__(self, proxy: FaultProxy, client: socket.socket) -> None:
        self.proxy = proxy
        self.client = client
        self.place = 0

    def run(self) -> None:
        with self.client.makefile("rb") as stream:
            request = self._read(stream)
            if request is None:
                return
            method, target, _ = request.line.decode("latin-1").split(" ", 2)
            path, headers = urlsplit(target).path, dict(request.headers.items())
            self.place, seen = self.proxy.note(method, path, headers, request.body)
            self._commit(seen.fault, request)

    def _read(self, stream: BinaryIO) -> _Request | None:
        line = stream.readline(1 << 16)
        if not line.strip():
            return None
        headers = parse_headers(stream)
        if headers.get("Expect", "").lower() == "100-continue":
            self.client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b"".join(_chunks(stream))
        else:
            body = stream.read(int(headers.get("Content-Length") or 0))
        return _Request(line=line, headers=headers, body=body)

    def _commit(self, fault: Fault | None, request: _Request) -> None:
        match fault:
            case Fault.RESET_REQUEST:
                self._reset()
            case Fault.DROP_REQUEST:
                pass
            case Fault.SWALLOW_REQUEST:
                self.proxy.keep_silent()
            case Fault.TRUNCATE_REQUEST:
                self._forward_half(request)
            case Fault.ANSWER_429:
                self._answer(429, b"slow down", "Retry-After: 1\r\n")
            case Fault.ANSWER_502 | Fault.ANSWER_503:
                self._answer(int(fault.value[:3]), b"<html>bad gateway</html>")
            case _:
                self._pass_on(fault, request)

    def _pass_on(self, fault: Fault | None, request: _Request) -> None:
        if fault is Fault.DELAY_REQUEST:
            time.sleep(self.proxy.delay)
        reply = self._ask(request)
        if fault is Fault.DUPLICATE_REQUEST:
            self._ask(request)
        match fault:
            case Fault.RESET_REPLY:
                self._reset()
            case Fault.SWALLOW_REPLY:
                self.proxy.keep_silent()
            case Fault.HTML_REPLY:
                self._answer(200, b"<html>log in to the network</html>")
            case Fault.ANSWER_504:
                self._answer(504, b"<html>gateway time-out</html>")
            case Fault.DRIBBLE_REPLY:
                self._dribble(reply)
            case _:
                if fault is Fault.DELAY_REPLY:
                    time.sleep(self.proxy.delay)
                self.client.sendall(_spoilt(fault, reply))

    def _ask(self, request: _Request) -> bytes:
        """Send the request to the server and return its whole reply as bytes with a Content-Length."""
        with socket.create_connection(self.proxy.upstream, timeout=30) as server:
            server.sendall(request.raw)
            response = HTTPResponse(server, method=request.line.split(b" ", 1)[0].decode("ascii"))
            with response:
                response.begin()
                body = response.read()
        self.proxy.accepted(self.place)
        length = response.getheader("Content-Length") if not body else str(len(body))
        head = f"HTTP/1.1 {response.status} {response.reason}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in response.getheaders() if name.lower() not in _HOP)
        head += f"Content-Length: {length or 0}\r\nConnection: close\r\n\r\n"
        return head.encode("latin-1") + body

    def _forward_half(self, request: _Request) -> None:
        with socket.create_connection(self.proxy.upstream, timeout=30) as server:
            server.sendall(request.raw[: len(request.raw) - max(1, len(request.body) // 2)])

    def _answer(self, status: int, body: bytes, headers: str = "") -> None:
        head = f"HTTP/1.1 {status} Fault\r\n{headers}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.client.sendall(head.encode() + body)

    def _dribble(self, reply: bytes) -> None:
        # The head whole and a bounded number of slices: slow is meant, not a test of minutes.
        head, _, body = reply.partition(_BOUNDARY)
        self.client.sendall(head + _BOUNDARY)
        step = max(1, len(body) // 20)
        for start in range(0, len(body), step):
            self.client.sendall(body[start : start + step])
            time.sleep(self.proxy.delay / 20)

    def _reset(self) -> None:
        # A linger time of 0 makes close() send RST.
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _spoilt(fault: Fault | None, reply: bytes) -> bytes:
    head, _, body = reply.partition(_BOUNDARY)
    match fault:
        case Fault.DROP_REPLY:
            return b""
        case Fault.TRUNCATE_REPLY:
            return head + _BOUNDARY + body[: len(body) // 2]
        case Fault.TRUNCATE_HEADERS:
            return head[: len(head) // 2]
        case Fault.GARBLE_REPLY:
            return head + _BOUNDARY + bytes(255 - byte for byte in body)
        case Fault.DUPLICATE_REPLY:
            return reply + reply
    return reply


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while size := int(stream.readline().split(b";")[0], 16):
        yield stream.read(size)
        stream.readline()
    stream.readline()
