"""Advisory: no text was seen, so there is nothing to remove and to pay for."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.check.advice import advisory
from preflight.limits import Limits
from preflight.media import Media
from preflight.report import Finding


def check(media: Media, _: Limits) -> Iterator[Finding]:
    """Yield an advisory when frames were looked at and none shows text."""
    if media.text is not None and not media.text.places:
        message = "No text was seen on the frames that were looked at: there is nothing to remove."
        yield advisory("no-text", message, measured="no text", usual="text in Chinese or English")
