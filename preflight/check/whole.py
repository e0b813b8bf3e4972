"""702: bytes that the header announces are not there."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.check import words
from preflight.limits import Limits
from preflight.media import Media
from preflight.report import Code, Finding


def check(media: Media, limits: Limits) -> Iterator[Finding]:
    """Yield a finding when the file was cut short."""
    if media.missing_bytes:
        missing = words.size(media.missing_bytes)
        yield Finding(
            rule="truncated",
            code=Code.FORMAT,
            message=f"The file was cut short: it lacks {missing} that its header announces. Copy or download it again.",
            measured=f"{missing} missing",
            limit=f"a whole {words.names(limits.containers)} file",
        )
