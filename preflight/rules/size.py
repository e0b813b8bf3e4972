"""701: the file is too big."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model.limits import MB, MIB, Limits
from preflight.model.media import Media
from preflight.model.report import Code, Finding
from preflight.rules import wording


def check(media: Media, limits: Limits) -> Iterator[Finding]:
    """Yield a finding when the file has more bytes than the limit.

    Args:
        media: the file's facts.
        limits: the limits to keep.
    """
    if media.size <= limits.max_bytes:
        return
    limit = wording.limit_size(limits.max_bytes)
    measured = wording.size(media.size)
    source = wording.source(limits, "max_bytes")
    yield Finding(
        rule="size",
        code=Code.SIZE,
        message=f"It has {measured}; the limit is {limit} ({source}).{_both_readings(media, limits)}",
        measured=measured,
        limit=limit,
        fix="Split it without a loss, or encode it to the limit with --policy one-file.",
        command=wording.command(media, "fix"),
    )


def _both_readings(media: Media, limits: Limits) -> str:
    """Say so when only the reading of MB as a million bytes refuses the file."""
    if limits.max_bytes % MB or media.size > limits.max_bytes // MB * MIB:
        return ""
    binary = f"{limits.max_bytes // MB}MiB"
    command = wording.command(media, "check", "--max-size", binary)
    return f" It would pass if the service's MB means MiB: then check it with `{command}`."
