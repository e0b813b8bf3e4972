"""The record of a fix: which files came from which source under which plan. Needed to join, and to use a fix again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from preflight.errors import InputError
from preflight.model.job import Fixed

SCHEMA = 1
_SAMPLE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """One file of a fix: its name beside the manifest, its stretch of the source in seconds, its size in bytes."""

    file: str
    start: Fraction
    end: Fraction
    size: int
    frames: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A finished fix. `fingerprint` names source and plan; `source` is the absolute path of the original."""

    fingerprint: str
    source: str
    source_size: int
    source_sample: str
    trim: tuple[Fraction, Fraction] | None
    parts: tuple[ManifestFile, ...]

    def to_json(self) -> str:
        """Return the text that `read` reads."""
        trim = self.trim and [str(time) for time in self.trim]
        data: dict[str, Any] = {
            "schema": SCHEMA,
            "kind": "preflight-manifest",
            "fingerprint": self.fingerprint,
            "source": {"path": self.source, "size": self.source_size, "sample": self.source_sample},
            "trim": trim,
            "parts": [
                {"file": p.file, "start": str(p.start), "end": str(p.end), "size": p.size, "frames": p.frames}
                for p in self.parts
            ],
        }
        return json.dumps(data, indent=2) + "\n"


def of(fixed: Fixed, *, fingerprint: str, sample: str) -> Manifest:
    """Return the manifest of a finished fix."""
    parts = tuple(
        ManifestFile(
            file=segment.media.path.name,
            start=Fraction(segment.start).limit_denominator(10**6),
            end=Fraction(segment.end or 0).limit_denominator(10**6),
            size=segment.media.size,
            frames=segment.media.video.frame_count if segment.media.video else None,
        )
        for segment in fixed.segments
    )
    return Manifest(
        fingerprint=fingerprint,
        source=str(fixed.source.path.absolute()),
        source_size=fixed.source.size,
        source_sample=sample,
        trim=fixed.plan.trim,
        parts=parts,
    )


def read(path: Path) -> Manifest:
    """Return the manifest in a file. Raises InputError when it is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise InputError(f"{path} has the manifest version {data['schema']}, known is {SCHEMA}.")
        parts = tuple(
            ManifestFile(
                file=Path(part["file"]).name,
                start=Fraction(part["start"]),
                end=Fraction(part["end"]),
                size=int(part["size"]),
                frames=part["frames"],
            )
            for part in data["parts"]
        )
        trim = data["trim"]
        return Manifest(
            fingerprint=str(data["fingerprint"]),
            source=str(data["source"]["path"]),
            source_size=int(data["source"]["size"]),
            source_sample=str(data["source"]["sample"]),
            trim=(Fraction(trim[0]), Fraction(trim[1])) if trim else None,
            parts=parts,
        )
    except OSError as error:
        raise InputError(
            f"{path} can't be read: {error.strerror}.", hint="Name the file `preflight fix` wrote."
        ) from error
    except (ValueError, KeyError, TypeError, ZeroDivisionError, IndexError) as error:
        raise InputError(
            f"{path} is no manifest of a split.", hint="`preflight fix` writes it beside the segments."
        ) from error


def sample(path: Path) -> str:
    """Return a digest of a file's size and of a megabyte at its start, middle and end. Raises OSError.

    A whole digest would take longer than copying the file does; a replaced file differs in these too.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for offset in (0, max(0, size // 2 - _SAMPLE // 2), max(0, size - _SAMPLE)):
            file.seek(offset)
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()
