"""One HTTP exchange with the API: bounded in time and size, and certain about whether anything was sent."""

from __future__ import annotations

import io
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from preflight.errors import ServiceError, UnreachableError
from preflight.removal.wire import BODY_LIMIT, Reply, clean

ANSWER_LIMIT = 30.0
"""Seconds: "the API's maximum response time is 30s" (API page, Sample Request)."""

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_thread = threading.local()


class NoAnswerError(ServiceError):
    """Bytes were sent and no whole answer came; `partial` is what came of it."""

    retryable = True
    outcome_unknown = True
    partial: Reply | None = None


def _mark_sent() -> None:
    _thread.sent = True


class _Bounded(io.RawIOBase):
    """A reply's bytes until `end`: one now and then would keep every read's own time-out from coming."""

    def __init__(self, raw: io.RawIOBase, end: float) -> None:
        super().__init__()
        self._raw, self._end = raw, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if time.monotonic() > self._end:
            raise TimeoutError
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if (patience := getattr(_thread, "patience", None)) is not None:
            self.fp = io.BufferedReader(_Bounded(self.fp.detach(), time.monotonic() + patience))


class _Http(urllib3.connection.HTTPConnection):
    """Notes the moment from which the server may have the request."""

    response_class = _Response

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _mark_sent()
        super().send(data)


class _Https(urllib3.connection.HTTPSConnection):
    """The same behind TLS: a failed handshake has sent nothing."""

    response_class = _Response

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _mark_sent()
        super().send(data)


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager


class _HideQueries(logging.Filter):
    """urllib3's debug lines and warnings carry request paths; their query strings are credentials."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = re.sub(r"\?[^\s\")]*", "?[hidden]", record.getMessage())
        record.args = ()
        return True


_hide_queries = _HideQueries()


def session(base: str) -> requests.Session:
    """Return a session for `base`: proxies from the environment except on loopback, never a .netrc."""
    made = requests.Session()
    made.mount("http://", _Adapter())
    made.mount("https://", _Adapter())
    made.trust_env = urlsplit(base).hostname not in _LOOPBACK
    # A callable auth keeps requests from looking into .netrc, whose header would spoil presigned URLs.
    made.auth = lambda request: request
    for name in ("connectionpool", "connection", "util.retry"):
        logging.getLogger(f"urllib3.{name}").addFilter(_hide_queries)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to send."""

    method: str
    url: str
    params: Mapping[str, str | bytes]
    json: Any = None
    headers: Mapping[str, str]


def exchange(http: requests.Session, call: Call, *, timeout: float, verify: str | bool) -> Reply:
    """Send `call` once and return the whole reply, which may take about `timeout` seconds to come.

    Raises UnreachableError when nothing was sent, NoAnswerError when something was. No text of `requests` is passed
    on: it holds the URL, whose query is a credential.
    """
    _thread.sent = False
    _thread.patience = timeout
    body = bytearray()
    partial: Reply | None = None
    try:
        with http.request(
            call.method,
            call.url,
            params=call.params,
            json=call.json,
            headers={"Accept-Encoding": "identity", **call.headers},
            timeout=timeout,
            verify=verify,
            allow_redirects=False,
            stream=True,
        ) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            partial = Reply(status=response.status_code, body=b"", headers=headers)
            _read(response, into=body)
            return replace(partial, body=bytes(body))
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        host = urlsplit(call.url).netloc.rpartition("@")[2]
        if _thread.sent:
            lost = NoAnswerError(f"{host} was asked and gave no answer: {reason(error)}.", hint="Try again later.")
            lost.partial = replace(partial, body=bytes(body)) if partial is not None else None
            raise lost from None
        raise UnreachableError(
            f"{host} can't be reached: {reason(error)}.",
            hint="Check the network and the setting api_domain; `preflight doctor` tests both.",
        ) from None
    finally:
        _thread.patience = None


def _read(response: requests.Response, *, into: bytearray) -> None:
    # Not decompressed here: what is wrong with the compression must not hide a task id.
    while chunk := response.raw.read1(1 << 16, decode_content=False):
        into += chunk
        if len(into) > BODY_LIMIT:
            raise requests.exceptions.ContentDecodingError


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "its TLS certificate is not trusted"),
    (urllib3.exceptions.NameResolutionError, "the name can't be resolved"),
    (ssl.SSLError, "the TLS handshake failed"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "connection reset"),
    (urllib3.exceptions.TimeoutError, "it took too long"),
    (urllib3.exceptions.ProxyError, "the proxy failed"),
    (TimeoutError, "it took too long"),
    (requests.Timeout, "it took too long"),
    (requests.exceptions.ContentDecodingError, "the answer is unreadable or larger than 1 MiB"),
    (urllib3.exceptions.IncompleteRead, "the answer was cut off"),
)


def reason(error: BaseException) -> str:
    """Return why, in words that cannot hold a URL."""
    chain: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        item = pending.pop(0)
        if isinstance(item, BaseException) and item not in chain:
            chain.append(item)
            pending += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
    for kind, words in _REASONS:
        if any(isinstance(item, kind) for item in chain):
            return words
    system = next((item for item in chain if isinstance(item, OSError) and item.strerror), None)
    return clean(system.strerror) if isinstance(system, OSError) else type(error).__name__
