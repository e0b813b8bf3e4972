"""Where a process that loads pickled settings gets the secrets from, which no pickle holds.

A worker on another machine has them in its own environment. A worker on this machine reads them from a file of the
state folder that only this user can read, and that exists as long as the run which shares it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECRETS = {"access_key_secret": "AIDGE_ACCESS_KEY_SECRET", "s3_secret": "PREFLIGHT_S3_SECRET"}
"""The settings that are secrets, and the variable of each."""

_NAMES = {
    "access_key_secret": ("access_key_name", "AIDGE_ACCESS_KEY_NAME"),
    "s3_secret": ("s3_key", "PREFLIGHT_S3_KEY"),
}
"""Setting and variable of the public name that belongs to a secret."""

_FOLDER = "worker-secrets"


def recall(values: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets for settings whose other `values` are given, as far as this process knows them.

    A file that a run on this machine shares stands before the environment, whose secret is taken unless it belongs to
    another key.
    """
    folder, digest = _place(values)
    known = next((found for file in folder.glob(f"{digest}.*") if (found := _read(file))), {})
    for name, variable in SECRETS.items():
        setting, public = _NAMES[name]
        if not values.get(setting):
            known.pop(name, None)
        elif name not in known and environment.get(variable):
            owner = environment.get(public)
            if owner is None or owner == values[setting]:
                known[name] = environment[variable]
    return known


@contextmanager
def shared(values: Mapping[str, Any]) -> Iterator[None]:
    """Let other processes of this user load the settings with these `values` from a pickle during a block.

    Raises OSError.
    """
    folder, digest = _place(values)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(folder)
    file = folder / f"{digest}.{os.getpid()}.{secrets.token_hex(4)}"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as writing:
            json.dump({name: str(values[name]) for name in SECRETS if values.get(name)}, writing)
        yield
    finally:
        file.unlink(missing_ok=True)
        # Another run's file keeps it.
        with suppress(OSError):
            folder.rmdir()


def _place(values: Mapping[str, Any]) -> tuple[Path, str]:
    """Return the folder of shared secrets, and how the files for settings with these values begin."""
    named = ("access_key_name", "api_domain", "s3_key", "s3_endpoint", "bucket")
    reached = "\0".join(str(values.get(name) or "") for name in named)
    return Path(values["home"]) / _FOLDER, hashlib.sha256(reached.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _sweep(folder: Path) -> None:
    """Remove what killed processes left."""
    if os.name != "posix":
        return
    for file in folder.iterdir():
        pid = file.name.split(".")[1] if file.name.count(".") == 2 else ""
        try:
            os.kill(int(pid), 0)
        except (ProcessLookupError, ValueError):
            file.unlink(missing_ok=True)
        except PermissionError:
            continue


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: str(found[name]) for name in SECRETS if name in found} if isinstance(found, dict) else {}
