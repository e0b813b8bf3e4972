"""Video URL -> file, for the service: http(s) only, from checked addresses, bounded in bytes and in time."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from preflight.server.request_params import invalid
from preflight.server.responses import declined

SECONDS = 20.0
"""The API answers within 30 s, and the check of the video has to fit in as well."""

METADATA_HOSTS = frozenset(
    map(
        ipaddress.ip_address,
        ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254", "fd00:42::42"),
    )
)
"""Addresses outside link-local where clouds keep their machines' credentials: Alibaba Cloud, Azure, Oracle Cloud, and
over IPv6 Amazon EC2, Google Cloud and Scaleway (their documentation of the instance metadata service)."""

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""Addresses that a gateway translates to the IPv4 address in their last 32 bits (RFC 6052)."""

REDIRECTS = 3
"""Redirects that are followed."""

CHUNK = 262_144
"""Bytes read at once."""


def suffix(url: str) -> str:
    """Return the extension in the URL's path, in lower case with its dot, or '' when there is no usable one."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        return ""
    match = re.search(r"\.([A-Za-z0-9]{1,8})$", path)
    return f".{match[1].lower()}" if match else ""


def download(url: str, destination: Path, *, limit: int, seconds: float = SECONDS) -> None:
    """Write the video at `url` to `destination`.

    Raises RefusalError: 701 as soon as more than `limit` bytes came, InvalidParameter for a URL that is not fetched or
    that its server refuses, 500 when its server is down or too slow.

    Args:
        url: of the video.
        destination: the file to write.
        limit: bytes.
        seconds: for the whole download.
    """
    end = time.monotonic() + seconds
    try:
        with requests.Session() as http, _Guard(seconds) as guard:
            http.mount("http://", guard)
            http.mount("https://", guard)
            # Nothing of the machine's own (proxies, .netrc) belongs into a request that a caller asked for.
            http.trust_env = False
            with _follow(http, url, end) as response:
                _write(response, destination, limit, end)
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError):
        raise declined(500, "The video could not be fetched from videoUrl.") from None


def _follow(http: requests.Session, url: str, end: float) -> requests.Response:
    for _ in range(REDIRECTS + 1):
        _permit(url)
        left = max(0.1, end - time.monotonic())
        headers = {"Accept-Encoding": "identity"}
        response = http.get(url, headers=headers, timeout=left, stream=True, allow_redirects=False)
        if response.status_code == 200:
            return response
        response.close()
        if not response.is_redirect:
            break
        url = urljoin(url, response.headers["Location"])
    if response.status_code >= 500:
        raise declined(500, f"videoUrl answered HTTP {response.status_code}.")
    raise invalid(f"videoUrl answered HTTP {response.status_code}.")


def _permit(url: str) -> None:
    """Raise RefusalError for a URL that is not plain http(s)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise invalid("videoUrl is not a URL.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or "\\" in url:
        raise invalid("videoUrl has to be an http or https URL.")


def _addresses(host: str, port: int) -> list[str]:
    """Resolve a name once. Raises RefusalError when it leads to a link-local or unusable address.

    Loopback is allowed: the embedded store is there. Link-local is where clouds keep their machines' credentials.
    """
    try:
        found = [str(at[0]) for *_, at in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise invalid("The host of videoUrl can't be resolved.") from None
    for address in found:
        ip = ipaddress.ip_address(address.partition("%")[0])
        plain = _embedded_ipv4(ip) or ip
        if (
            plain in METADATA_HOSTS
            or plain.is_link_local
            or plain.is_multicast
            or plain.is_unspecified
            or plain.is_reserved
        ):
            raise invalid("The host of videoUrl is not fetched from.")
    return found


def _embedded_ipv4(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to: mapped, 6to4 (RFC 3056) or NAT64 (RFC 6052)."""
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


class _Guard(HTTPAdapter):
    """Connects to the very addresses that were checked, and cuts its connections `seconds` after its block began.

    A name that is resolved for the check and again for the connection may lead elsewhere the second time. The time-outs
    of a socket begin anew with each byte, so a server that sends its headers slowly enough would never be left.
    """

    def __init__(self, seconds: float) -> None:
        self._lines: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        super().__init__()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        for line in self._lines:
            line.close()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Give the pools connections that are opened here; names stay as they are for Host, SNI and certificate."""
        super().init_poolmanager(*args, **kwargs)
        connect = self._connect

        class Http(urllib3.connection.HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return connect(self)

        class Https(urllib3.connection.HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return connect(self)

        http = type("HttpPool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": Http})
        https = type("HttpsPool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": Https})
        self.poolmanager.pool_classes_by_scheme = {"http": http, "https": https}

    def _connect(self, connection: urllib3.connection.HTTPConnection) -> socket.socket:
        failed: OSError | None = None
        for address in _addresses(connection.host, connection.port):
            try:
                made = socket.create_connection((address, connection.port), connection.timeout)
            except OSError as error:
                failed = error
            else:
                # A second handle on the connection: TLS takes the first one over.
                self._lines.append(made.dup())
                return made
        raise urllib3.exceptions.NewConnectionError(connection, "no address of the host answers") from failed

    def _cut(self) -> None:
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


def _write(response: requests.Response, destination: Path, limit: int, end: float) -> None:
    done = 0
    with destination.open("wb") as file:
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            done += len(chunk)
            if done > limit:
                raise declined(701)
            file.write(chunk)
            _require_time(end)
    # A connection that was cut looks like one that came to its end.
    _require_time(end)


def _require_time(end: float) -> None:
    if time.monotonic() >= end:
        raise requests.Timeout
