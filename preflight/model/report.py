"""The verdict on one file: findings with the service's own codes, and how each can be mended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path

from preflight.model.limits import Limits
from preflight.model.media import Media, Unreadable


class Code(IntEnum):
    """Rejection codes of the service for an input (API page, "Error Code")."""

    DURATION = 700
    SIZE = 701
    FORMAT = 702
    RESOLUTION = 703


class Severity(StrEnum):
    """`FAILURE` makes the service refuse the file; `ADVISORY` is worth knowing."""

    FAILURE = "failure"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a rule has to say. `code` is None for an advisory; `fix` is None when nothing can mend it.

    `command` is the shell command that does what `fix` says, where one does.

    `rule` is a stable slug such as `duration` or `container-name`; `measured` and `limit` are for people, with units.
    """

    rule: str
    message: str
    measured: str
    limit: str
    severity: Severity = Severity.FAILURE
    code: Code | None = None
    fix: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All findings of one file under `limits`; `subject` is what the probe brought back."""

    subject: Media | Unreadable
    limits: Limits
    findings: tuple[Finding, ...] = ()

    @property
    def path(self) -> Path:
        """The file that was checked, as it was named."""
        return self.subject.path

    @property
    def media(self) -> Media | None:
        """The file's facts, or None when it could not be read."""
        return self.subject if isinstance(self.subject, Media) else None

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings for which the service would refuse the file."""
        return tuple(f for f in self.findings if f.severity is Severity.FAILURE)

    @property
    def advisories(self) -> tuple[Finding, ...]:
        """The findings that do not stand in the way."""
        return tuple(f for f in self.findings if f.severity is Severity.ADVISORY)

    @property
    def ok(self) -> bool:
        """True when the service would take the file as it is."""
        return not self.failures

    @property
    def codes(self) -> tuple[int, ...]:
        """The distinct service codes of the failures, in rising order."""
        return tuple(sorted({int(f.code) for f in self.failures if f.code is not None}))
