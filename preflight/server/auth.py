"""Who may call the service: the platform's signature and timestamp. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from preflight.server.responses import refused

CLOCK_WINDOW = 600.0
"""Seconds that a caller's clock may be off. The platform's own window is not published."""

SIGNATURE_NAMES = frozenset({"partner_id", "sign_method", "sign_ver", "app_key", "timestamp", "sign"})


def admit(query: Mapping[str, str], *, key: str, secret: str, now: float) -> None:
    """Return when `query` is signed with `key` and `secret` at about `now` (seconds since the epoch).

    Raises RefusalError in the gateway's shape: IncompleteSignature, InvalidAppKey or IllegalTimestamp.
    """
    missing = sorted(SIGNATURE_NAMES - query.keys())
    if missing:
        raise refused("IncompleteSignature", f"Missing: {', '.join(missing)}.")
    fixed = (query["partner_id"], query["sign_method"], query["sign_ver"])
    if fixed != ("aidge", "sha256", "v2"):
        raise refused("IncompleteSignature", "partner_id, sign_method and sign_ver have to be aidge, sha256 and v2.")
    if not hmac.compare_digest(query["app_key"].encode(), key.encode()):
        raise refused("InvalidAppKey", "The app_key is unknown.")
    timestamp = query["timestamp"]
    expected = hmac.new(secret.encode(), (secret + timestamp).encode(), hashlib.sha256).hexdigest().upper()
    if not hmac.compare_digest(query["sign"].encode(), expected.encode()):
        raise refused("IncompleteSignature", "The request signature does not match.")
    if not re.fullmatch(r"\d{1,15}", timestamp, re.ASCII) or abs(int(timestamp) / 1000 - now) > CLOCK_WINDOW:
        raise refused("IllegalTimestamp", f"The timestamp is not within {CLOCK_WINDOW:g} s of the service's clock.")
