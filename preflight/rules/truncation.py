"""702: bytes that the header announces are not there."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model.limits import Limits
from preflight.model.media import Media
from preflight.model.report import Code, Finding
from preflight.rules import wording


def check(media: Media, limits: Limits) -> Iterator[Finding]:
    """Yield a finding when the file was cut short.

    Args:
        media: the file's facts.
        limits: the limits to keep.
    """
    if media.missing_bytes:
        missing = wording.size(media.missing_bytes)
        yield Finding(
            rule="truncated",
            code=Code.FORMAT,
            message=f"The file was cut short: it lacks {missing} that its header announces. Copy or download it again.",
            measured=f"{missing} missing",
            limit=f"a whole {wording.names(limits.containers)} file",
        )
