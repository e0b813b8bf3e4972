"""702: nothing could be read from the path."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model.limits import Limits
from preflight.model.media import Unreadable
from preflight.model.report import Code, Finding
from preflight.rules import wording


def check(subject: Unreadable, limits: Limits) -> Iterator[Finding]:
    """Yield the one finding that an unreadable path gives; no fix can help, the hint says what can.

    Args:
        subject: the path and why it can't be read.
        limits: the limits to keep.
    """
    yield Finding(
        rule=subject.reason,
        code=Code.FORMAT,
        message=f"{subject.detail} {subject.hint}".strip(),
        measured=subject.reason.replace("-", " "),
        limit=f"a readable {wording.names(limits.containers)} file",
    )
