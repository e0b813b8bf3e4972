"""Video URL -> file, for the service: http(s) only, bounded in bytes and time while streaming."""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3

from preflight.local.reading import invalid
from preflight.local.replies import declined

SECONDS = 20.0
"""The API answers within 30 s, and the check of the video has to fit in as well."""

_REDIRECTS = 3
_CHUNK = 1 << 18


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
    """
    end = time.monotonic() + seconds
    try:
        with requests.Session() as http:
            # Nothing of the machine's own (proxies, .netrc) belongs into a request that a caller asked for.
            http.trust_env = False
            with _follow(http, url, end) as response:
                _write(response, destination, limit, end)
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError):
        raise declined(500, "The video could not be fetched from videoUrl.") from None


def _follow(http: requests.Session, url: str, end: float) -> requests.Response:
    for _ in range(_REDIRECTS + 1):
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
    """Raise RefusalError for a URL that is not plain http(s), or that leads to a link-local or unusable address.

    Loopback is allowed: the embedded store is there. Link-local is where clouds keep their machines' credentials.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise invalid("videoUrl is not a URL.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or "\\" in url:
        raise invalid("videoUrl has to be an http or https URL.")
    try:
        found = socket.getaddrinfo(parts.hostname, port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise invalid("The host of videoUrl can't be resolved.") from None
    for *_, address in found:
        ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
        plain = getattr(ip, "ipv4_mapped", None) or ip
        if plain.is_link_local or plain.is_multicast or plain.is_unspecified or plain.is_reserved:
            raise invalid("The host of videoUrl is not fetched from.")


def _write(response: requests.Response, destination: Path, limit: int, end: float) -> None:
    done = 0
    with destination.open("wb") as file:
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            done += len(chunk)
            if done > limit:
                raise declined(701)
            if time.monotonic() > end:
                raise requests.Timeout
            file.write(chunk)
