"""The first pass: what was sent and what came back, frame by frame, and the regions that differ."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from preflight.errors import ToolError
from preflight.events import Cancel
from preflight.restore.composite import changes, frames, masks, matching
from preflight.restore.composite.alignment import Aligner, Alignment
from preflight.restore.composite.changes import ChangeEvidence
from preflight.restore.composite.frames import Picture, PictureFormat
from preflight.restore.composite.geometry import View
from preflight.restore.composite.matching import Match, Matcher, Timed
from preflight.restore.composite.selection import RegionSelection
from preflight.restore.composite.spool import ChangedRegion, RegionSpool
from preflight.restore.composite.tracking import changed_blocks
from preflight.tools import ffmpeg, packets

BLEND = 4
"""Samples of the picture sent, beside a mask, in which the service's picture goes over to the source's."""
_PADDED = 16
"""Samples by which an encoder may pad a side to whole macroblocks."""
_DEINTERLACE = "bwdif=mode=send_frame:deint=interlaced"
"""Filter that makes whole frames of those that are flagged as interlaced, one for one."""
_WHOLE = 0.6
"""Share of the blocks that may be changed: a frame of which more is changed is another picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPart:
    """A stretch of the source that was sent on its own, and what came back.

    `sent` is the file that was sent, None where it is gone: it is made anew from the source. The stretch is from
    `start` up to `end` in seconds of the source; None: to its end.
    """

    cleaned: Path
    sent: Path | None = None
    start: Fraction = Fraction(0)
    end: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The frames of the source that are wanted: their times in seconds from its start, in order.

    `skipped` frames of the source are shown before them.
    """

    times: tuple[Fraction, ...]
    skipped: int = 0

    @property
    def frame(self) -> Fraction:
        """The usual time between two frames, in seconds."""
        gaps = sorted(b - a for a, b in zip(self.times, self.times[1:], strict=False))
        return gaps[len(gaps) // 2] if gaps else Fraction(1, 25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the first pass reads: the source's file and timeline, the parts, and how the picture was sent.

    `filters` make the picture sent from the source's upright picture.
    """

    source: Path
    timeline: Timeline
    parts: Sequence[SentPart]
    view: View
    filters: str
    interlaced: bool
    program: str
    cancel: Cancel | None = None

    @property
    def form(self) -> PictureFormat:
        """The format in which sent and cleaned pictures are compared."""
        return PictureFormat(width=self.view.sent[0], height=self.view.sent[1])


@dataclass(slots=True)
class Findings:
    """What the first pass found. Frames are numbered as in the timeline.

    `shared` frames have no frame of their own in the service's file, `inserted` counts its superfluous frames,
    `replaced` frames differ nearly everywhere. `missing` frames have no counterpart at all.
    """

    shared: list[int] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    inserted: int = 0
    alignment: Alignment = field(default_factory=Alignment)


def analyse(given: Given, spool: RegionSpool, selection: RegionSelection) -> Iterator[tuple[int, Findings]]:
    """Put the changed regions of every frame into `spool`; yield the number of each frame that is done.

    Raises ToolError where sent and cleaned frames can't be matched, CancelledError.
    """
    findings = Findings()
    fresh = _from_source(given)
    for part in given.parts:
        numbers = _numbers(part, given.timeline)
        if not numbers:
            continue
        sent = _take(fresh, numbers) if part.sent is None else _sent(part, numbers, given)
        yield from _part(given, part, sent, spool, selection, findings)
    fresh.close()


def _part(
    given: Given,
    part: SentPart,
    sent: Iterator[Timed[Picture]],
    spool: RegionSpool,
    selection: RegionSelection,
    findings: Findings,
) -> Iterator[tuple[int, Findings]]:
    aligner = Aligner()
    cleaned = _cleaned(part, given)
    matcher = Matcher(sent, cleaned, frame=given.timeline.frame)

    def compared() -> Iterator[tuple[tuple[Match[Picture, Picture], Picture, Alignment], ChangeEvidence]]:
        before: Picture | None = None
        for match in matcher.matches():
            alignment = aligner.update(match.sent.frame, match.cleaned.frame)
            aligned = aligned_picture(match.cleaned.frame, alignment)
            yield (match, aligned, alignment), changes.compare(match.sent.frame, aligned, before)
            before = aligned

    for (match, aligned, alignment), blocks in changed_blocks(compared()):
        number = match.sent.number
        if not match.own:
            findings.shared.append(number)
        findings.inserted += match.inserted
        if blocks.mean() > _WHOLE:
            findings.replaced.append(number)
        found = masks.regions(blocks, match.sent.frame, aligned, match.cleaned.frame, alignment.shift)
        time = float(match.sent.time)
        spool.put(number, _selected(found, time, given.view, selection))
        findings.alignment = alignment
        yield number, findings
    cleaned.close()


def aligned_picture(picture: Picture, alignment: Alignment) -> Picture:
    """Return the service's picture put where it was in the picture sent, luma in its colours too."""
    return Picture(
        alignment.apply(picture.y), alignment.apply(picture.u, chroma=True), alignment.apply(picture.v, chroma=True)
    )


def _selected(
    found: Iterator[ChangedRegion], time: float, view: View, selection: RegionSelection
) -> Iterator[ChangedRegion]:
    for region in found:
        mask = selection.applied(region.mask, region.box, time, view, margin=BLEND + 1)
        if mask.any():
            yield ChangedRegion(box=region.box, picture=region.picture, mask=mask, shift=region.shift)


def _numbers(part: SentPart, timeline: Timeline) -> range:
    """Return the frames of a part: those whose times are in its stretch, give or take rounding."""
    slack = timeline.frame / 4
    first = bisect_left(timeline.times, part.start - slack) if part.start else 0
    last = len(timeline.times) if part.end is None else bisect_left(timeline.times, part.end - slack)
    return range(first, last)


def _from_source(given: Given) -> Generator[Timed[Picture], None, None]:
    """Yield the wanted frames of the source as they were sent, made anew."""
    words = [*ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(given.source)]
    filters = ",".join(filter(None, [given.filters or (_DEINTERLACE if given.interlaced else "")]))
    argv = frames.decoding(given.program, words, given.form, filters=filters, rotate=True)
    times = given.timeline.times
    for count, picture in enumerate(frames.read(argv, given.form, cancel=given.cancel)):
        number = count - given.timeline.skipped
        if 0 <= number < len(times):
            yield Timed(number, times[number], picture, matching.signature(picture.y))


def _take(fresh: Iterator[Timed[Picture]], numbers: range) -> Iterator[Timed[Picture]]:
    for frame in fresh:
        if frame.number in numbers:
            yield frame
        if frame.number >= numbers.stop - 1:
            return


def _sent(part: SentPart, numbers: range, given: Given) -> Iterator[Timed[Picture]]:
    """Yield the frames of a file that was sent, each with the number that it has in the source."""
    assert part.sent is not None  # noqa: S101 - the caller asks for parts with one
    times = given.timeline.times
    listing = _listing(part.sent, given)
    shown = _times(listing)
    slack = given.timeline.frame
    late = min(shown, default=Fraction(0))
    first = times[numbers.start]
    for picture, time in zip(_decoded(part.sent, listing, given), shown, strict=True):
        wanted = time + part.start if part.sent != given.source else time
        # A file that begins late by less than a frame was cut between two frames.
        wanted = wanted if abs(late + part.start - first) > slack else wanted - (late + part.start - first)
        number = _nearest(times, wanted, numbers)
        if number is not None:
            yield Timed(number, times[number], picture, matching.signature(picture.y))


def _nearest(times: Sequence[Fraction], wanted: Fraction, numbers: range) -> int | None:
    at = bisect_left(times, wanted, numbers.start, numbers.stop)
    near = [number for number in (at - 1, at) if number in numbers]
    return min(near, key=lambda number: abs(times[number] - wanted), default=None)


def _cleaned(part: SentPart, given: Given) -> Generator[Timed[Picture], None, None]:
    listing = _listing(part.cleaned, given)
    shown = _times(listing)
    first = min(shown, default=Fraction(0))
    start = given.timeline.times[_numbers(part, given.timeline).start]
    for number, (picture, time) in enumerate(zip(_decoded(part.cleaned, listing, given), shown, strict=True)):
        yield Timed(number, start + time - first, picture, matching.signature(picture.y))


def _decoded(path: Path, listing: packets.Listing, given: Given) -> Iterator[Picture]:
    """Yield all frames of a file, whose packets are listed, in the format of comparison."""
    form = given.form
    words = [*ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(path)]
    chain = [_DEINTERLACE] if given.interlaced else []
    chain.append(_fitting(listing, form))
    argv = frames.decoding(given.program, words, form, filters=",".join(filter(None, chain)), rotate=True)
    return frames.read(argv, form, cancel=given.cancel)


def _fitting(listing: packets.Listing, form: PictureFormat) -> str:
    """Return the filter that gives a file's picture the size that was sent: padding goes, all else is scaled."""
    width, height = listing.heads[0].size or (form.width, form.height)
    extra = (width - form.width, height - form.height)
    if extra != (0, 0) and all(0 <= more < _PADDED for more in extra) and width % 8 == 0 and height % 8 == 0:
        return f"crop={form.width}:{form.height}:0:0"
    return f"scale={form.width}:{form.height}:flags=bicubic"


def _listing(path: Path, given: Given) -> packets.Listing:
    """Return the packets of a file's video. Raises ToolError where it has none."""
    listing = packets.scan(path, ffmpeg=given.program, maps=("0:V:0",), cancel=given.cancel)
    if 0 not in listing.heads:
        raise ToolError(f"{path} holds no video.")
    return listing


def _times(listing: packets.Listing) -> list[Fraction]:
    """Return when each frame is shown, in seconds from the file's start."""
    base = listing.heads[0].time_base
    return [time * base for time in listing.of(0).shown_times()]
