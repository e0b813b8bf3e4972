"""Addresses of objects in S3 stores, which stand wherever a path may stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from preflight.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Address:
    """An object, a folder (the key ends in a slash or is empty) or a pattern: `s3://bucket/key`."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str | Path) -> S3Address | None:
        """Return the address that a text or a path means, None for a path of this machine. Raises UsageError.

        A path has one slash where the address has two.
        """
        match = re.fullmatch(r"s3:/{1,2}(?P<bucket>[^/]*)/?(?P<key>.*)", str(text), re.DOTALL)
        if match is None:
            return None
        bucket, key = match["bucket"], match["key"]
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
            raise UsageError(f"{text} names no bucket.", hint="Write s3://BUCKET/KEY.")
        if str(PurePosixPath(f"/{key}")) != f"/{key.rstrip('/')}":
            raise UsageError(
                f"The key of {text} has empty or dotted parts.", hint="Such keys can't be told apart as paths; copy it."
            )
        return cls(bucket=bucket, key=key)

    @property
    def path(self) -> Path:
        """The address as a path: every stage takes one, and the ledger keeps it."""
        return Path(str(self))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> S3Address:
        return S3Address(bucket=self.bucket, key=f"{self.key.rstrip('/')}/{name}".lstrip("/"))


def spelled(path: Path) -> str:
    """Return a path, or the address that it stands for, as it was given: a path has no place for two slashes."""
    return re.sub(r"^(https?|s3):/(?=[^/])", r"\1://", str(path))


def is_list(name: str) -> bool:
    """Return whether a name means a list of videos, or objects in a store."""
    return name.startswith("s3:/") or name.lower().endswith((".csv", ".jsonl", ".ndjson", ".parquet"))
