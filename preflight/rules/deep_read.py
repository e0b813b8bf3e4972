"""Findings of a deep read: data that is cut off, damaged, out of order, black or frozen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from preflight.model.limits import Limits
from preflight.model.media import Media
from preflight.model.report import Code, Finding
from preflight.rules import wording
from preflight.rules.advisory import advisory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from preflight.model.scan import ScanResult

TOLERANCE = Fraction(1)
"""Seconds by which the last packet may end before the header's duration: a still picture at the end, or padding."""
NEARLY_ALL = Fraction(95, 100)
"""Share of the duration from which a video counts as black or frozen altogether."""


def check(media: Media, limits: Limits) -> Iterator[Finding]:
    """Yield findings on what was read; nothing when the file was not read deeply.

    Args:
        media: the file's facts, with what was read in `reading`.
        limits: the limits to keep.
    """
    reading = media.reading
    if reading is None:
        return
    if reading.damage and reading.reached is None and not reading.cut:
        yield Finding(
            rule="damaged",
            code=Code.FORMAT,
            message=f"No decoder opens it: {reading.damage[0]}. Copy or download it again.",
            measured="no packet could be read",
            limit=f"a readable {wording.names(limits.containers)} file",
        )
        return
    if not media.missing_bytes:
        yield from _cut(media, reading, limits)
    if reading.sizes:
        yield size_change(reading.sizes)
    if reading.damage:
        message = f"Parts of it are damaged: {'; '.join(reading.damage[:3])}."
        measured = f"{len(reading.damage)} kinds of error"
        yield advisory(
            "damaged-packets", message, measured=measured, usual="no error", fix="Download or copy it again."
        )
    if reading.disorder:
        message = "Its timestamps are out of order; players and encoders stumble over that."
        fix = "Write it again with the program it came from."
        measured = f"{reading.disorder} or more steps back"
        yield advisory("disordered-packets", message, measured=measured, usual="rising timestamps", fix=fix)
    yield from _sameness(media, reading)


def size_change(sizes: Sequence[tuple[int, int]]) -> Finding:
    """Return the advisory on a picture that changes to each of `sizes` (width, height) inside the file."""
    shown = ", ".join(wording.pixels(*size) for size in sizes)
    message = f"The size of its picture changes inside the file ({shown}); players and encoders may stumble over that."
    return advisory("size-change", message, measured=shown, usual="one size")


def _cut(media: Media, reading: ScanResult, limits: Limits) -> Iterator[Finding]:
    video = media.video
    frames = 3 / video.frame_rate if video is not None and video.frame_rate else Fraction(0)
    # Decoding timestamps run a few frames ahead of the pictures', which matters at one frame a second.
    early = media.duration is not None and media.duration - (reading.reached or 0) > TOLERANCE + frames
    if not reading.cut and not early:
        return
    reached = wording.seconds(reading.reached or Fraction(0))
    announced = "an unknown length" if media.duration is None else wording.seconds(media.duration)
    yield Finding(
        rule="truncated",
        code=Code.FORMAT,
        message=f"The file was cut short: its data ends at {reached} of {announced}. Download or copy it again.",
        measured=f"data up to {reached}",
        limit=f"a whole {wording.names(limits.containers)} file",
    )


def _sameness(media: Media, reading: ScanResult) -> Iterator[Finding]:
    total = media.duration or reading.reached
    if not total:
        return
    if reading.black >= total * NEARLY_ALL:
        message = "Its picture is black nearly all the time: there is nothing to clean."
        yield advisory("black-video", message, measured=f"{wording.seconds(reading.black)} black", usual="a picture")
    elif reading.frozen >= total * NEARLY_ALL:
        message = "Its picture stands still nearly all the time."
        yield advisory(
            "frozen-video", message, measured=f"{wording.seconds(reading.frozen)} frozen", usual="a moving picture"
        )
