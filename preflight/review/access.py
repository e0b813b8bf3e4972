"""Who may use the review server: one browser of the person who started it. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http.cookies import CookieError, SimpleCookie

COOKIE = "preflight-review"
"""Start of the cookie's name; the port follows, since cookies of one host are shared by its ports."""


class Admission(Enum):
    """What becomes of a request."""

    ADMITTED = auto()
    EXCHANGED = auto()
    """The token was right: it is worth a cookie now, and nothing from then on."""
    WRONG_HOST = auto()
    """The name of another host leads here: a page of that host rebinds its name."""
    FOREIGN_ORIGIN = auto()
    NO_TOKEN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """The secrets of one run of the server; `token` is None once it was used."""

    port: int
    token: str | None
    session: str

    @property
    def cookie(self) -> str:
        """The cookie's name."""
        return f"{COOKIE}-{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """What the Host header may be."""
        return frozenset(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost"))

    def admit(self, headers: Mapping[str, str], token: str | None) -> Admission:
        """Return what becomes of a request.

        Args:
            headers: By their names in lower case.
            token: The value of the query's `token`, None without one.
        """
        if headers.get("host") not in self.hosts:
            return Admission.WRONG_HOST
        origin = headers.get("origin")
        if origin is not None and origin not in {f"http://{host}" for host in self.hosts}:
            return Admission.FOREIGN_ORIGIN
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            # A link on another page may lead here only with the token, which that page does not know.
            return Admission.FOREIGN_ORIGIN
        if token is not None and self.token is not None and _equal(token, self.token):
            return Admission.EXCHANGED
        if _equal(_cookie(headers.get("cookie", ""), self.cookie), self.session):
            return Admission.ADMITTED
        return Admission.NO_TOKEN


def _cookie(header: str, name: str) -> str:
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
