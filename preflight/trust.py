"""Which settings files of the current folder are trusted: those that a person has confirmed, with the same content.

A folder that was downloaded may hold a `preflight.toml`. It must not choose the programs that are run, nor the hosts
and buckets that get videos and credentials. A fill model counts as a program: it decides what is drawn into the videos,
and native code interprets it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

RESTRICTED = frozenset(
    {
        "access_key_name",
        "access_key_secret",
        "api_domain",
        "bucket",
        "ca_bundle",
        "ffmpeg",
        "fill_model",
        "home",
        "kms_key",
        "ledger_url",
        "public_url",
        "query_path",
        "s3_endpoint",
        "s3_key",
        "s3_secret",
        "service",
        "submit_path",
    }
)
"""Settings that only a trusted file may have: programs, models, hosts, destinations, credentials, places to write."""

_LIST = "trusted.json"


def is_trusted(file: Path, *, home: Path) -> bool:
    """Return whether `trust` was called for this file with this content."""
    return _known(home).get(str(file.resolve())) == _digest(file)


def trust(file: Path, *, home: Path) -> None:
    """Note in the state folder `home` that a settings file is trusted, with its present content. Raises OSError."""
    known = _known(home) | {str(file.resolve()): _digest(file)}
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = home / f"{_LIST}.new"
    draft.write_text(json.dumps(known, indent=2), encoding="utf-8")
    draft.replace(home / _LIST)


def _known(home: Path) -> dict[str, str]:
    try:
        found = json.loads((home / _LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
