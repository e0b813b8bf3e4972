"""Advisory: no text was seen, so there is nothing to remove and to pay for."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.model.limits import Limits
from preflight.model.media import Media
from preflight.model.report import Finding
from preflight.rules.advisory import advisory


def check(media: Media, _: Limits) -> Iterator[Finding]:
    """Yield an advisory when frames were looked at and none shows text."""
    if media.text is not None and not media.text.places:
        message = "No text was seen on the frames that were looked at: there is nothing to remove."
        yield advisory("no-text", message, measured="no text", usual="text in Chinese or English")
