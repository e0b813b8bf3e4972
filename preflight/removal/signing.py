"""The API's signature: who asks and when. The body is not signed, so neither are GET's business parameters."""

from __future__ import annotations

import hashlib
import hmac


def sign(secret: str, timestamp: str) -> str:
    """Return upper-case hex HMAC-SHA256 with key `secret` over `secret + timestamp` (the platform's Quick Start)."""
    return hmac.new(secret.encode(), (secret + timestamp).encode(), hashlib.sha256).hexdigest().upper()


def signed_query(key: str, secret: str, *, now: float) -> dict[str, str]:
    """Return the query parameters that every call carries; `now` is in seconds since the epoch."""
    timestamp = str(int(now * 1000))
    return {
        "partner_id": "aidge",
        "sign_method": "sha256",
        "sign_ver": "v2",
        "app_key": key,
        "timestamp": timestamp,
        "sign": sign(secret, timestamp),
    }
