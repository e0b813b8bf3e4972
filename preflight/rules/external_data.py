"""702: the samples are in another file."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model.limits import Limits
from preflight.model.media import Media
from preflight.model.report import Code, Finding
from preflight.rules import wording


def check(media: Media, limits: Limits) -> Iterator[Finding]:
    """Yield a finding when a stream's data is not in the file itself (a reference movie).

    Args:
        media: the file's facts.
        limits: the limits to keep.
    """
    if media.external:
        yield Finding(
            rule="external-data",
            code=Code.FORMAT,
            message="It is a reference movie: its pictures or sound are in another file, which is never opened.",
            measured="data in another file",
            limit=f"a self-contained {wording.names(limits.containers)} file",
        )
