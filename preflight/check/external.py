"""702: the samples are in another file."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.check import words
from preflight.limits import Limits
from preflight.media import Media
from preflight.report import Code, Finding


def check(media: Media, limits: Limits) -> Iterator[Finding]:
    """Yield a finding when a stream's data is not in the file itself (a reference movie)."""
    if media.external:
        yield Finding(
            rule="external-data",
            code=Code.FORMAT,
            message="It is a reference movie: its pictures or sound are in another file, which is never opened.",
            measured="data in another file",
            limit=f"a self-contained {words.names(limits.containers)} file",
        )
