"""What each file of a plan has to hold, in packets of its source: the input of the proof."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path

from preflight.events import Cancel
from preflight.model.media import ColorTags, Media, StreamKind
from preflight.model.plan import Plan, StreamPlan, Treatment
from preflight.tools import appearance, bounds, containers, packets, proof
from preflight.tools.appearance import Appearance
from preflight.tools.bounds import OutputRange
from preflight.tools.packets import Listing, PacketTable
from preflight.tools.proof import KeptStream, Matrix

_HELD = Fraction(3, 2)
"""Times the usual frame duration at or above which the last frame counts as held."""
_REORDERED = Fraction(30)
"""Seconds by which a packet may be decoded before or behind its presentation."""
_UNPROVED = frozenset({StreamKind.COVER, StreamKind.ATTACHMENT})
"""Streams without times: pictures and fonts, which muxers write as a whole or refuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The kept streams of a plan's source, in the order of the output, and how its video is displayed."""

    kept: tuple[StreamPlan, ...]
    listing: Listing
    matrix: Matrix | None
    appearance: Appearance | None = None


def held_frame(reference: Reference, span: OutputRange) -> tuple[Fraction, Fraction] | None:
    """Return when the last frame of `span` is shown, from the piece's start, and for how long, in seconds.

    None where it lasts about as long as the others, or where the source does not tell.
    """
    base = reference.listing.heads[0].time_base
    listed = _expected(reference.listing.of(0), base, span, copied=False, video=True)
    times = listed.shown_times()
    if len(times) < 2:
        return None
    usual = sorted(b - a for a, b in pairwise(times))[(len(times) - 1) // 2]
    last = times[-1] * base
    lasts = listed[listed.times.index(times[-1])].duration * base
    if span.end is not None:
        lasts = min(lasts, span.end - last)
    return (last - span.start, lasts) if lasts > _HELD * usual * base else None


def first_time(reference: Reference, span: OutputRange) -> Fraction:
    """Return how long after the start of `span` its first frame is shown, in seconds."""
    base = reference.listing.heads[0].time_base
    times = _expected(reference.listing.of(0), base, span, copied=False, video=True).shown_times()
    return max(Fraction(0), times[0] * base - span.start) if times else Fraction(0)


def kept_streams(plan: Plan) -> list[StreamPlan]:
    """Return what goes to the output, the video first."""
    source = plan.source
    index = source.video.index if source and source.video else -1
    kept = [stream for stream in plan.streams if stream.treatment is not Treatment.DROP]
    return sorted(kept, key=lambda stream: stream.index != index)


def specifiers(plan: Plan) -> list[str]:
    """Return ffmpeg's names of the kept streams, in the order of the output."""
    if plan.source is None:
        return []
    return [containers.specifier(plan.source, stream.index) for stream in kept_streams(plan)]


def read(plan: Plan, source: Media, *, ffmpeg: str, cancel: Cancel | None) -> Reference:
    """Return the reference of `plan` by a listing of its own. Raises ToolError, CancelledError."""
    listing = proof.reference(source.path, source.container, specifiers(plan), ffmpeg=ffmpeg, cancel=cancel)
    return of_listing(plan, source, listing, ffmpeg=ffmpeg, cancel=cancel)


def of_listing(plan: Plan, source: Media, listing: Listing, *, ffmpeg: str, cancel: Cancel | None) -> Reference:
    """Return the reference of `plan` by a listing that was written while its packets were copied."""
    matrix = proof.display_matrix(source.path, source.container)
    (shown,) = appearance.read([(source.path, source.container)], ffmpeg=ffmpeg, cancel=cancel)
    return Reference(kept=tuple(kept_streams(plan)), listing=listing, matrix=matrix, appearance=shown)


def displayed(plan: Plan, reference: Reference, *, encoded: bool) -> Callable[[Appearance], str | None] | None:
    """Return what tells how the display of a file of `plan` differs from its promise; `encoded`: all of its video is.

    None where ffmpeg sees no video in the source.
    """
    shown = reference.appearance
    if shown is None:
        return None
    if not encoded:
        return partial(appearance.difference, shown)
    color = shown.color
    size = shown.display_size
    if plan.video is not None:
        size = plan.video.size or plan.video.crop or size
        color = ColorTags(primaries="bt709", transfer="bt709", matrix="bt709") if plan.video.tone_map else color
    # The samples of RGB are converted, and those of full range may be.
    color = ColorTags() if color.matrix == "gbr" else replace(color, full_range=None)
    return partial(appearance.encoded_difference, size, color)


def promises(
    plan: Plan, reference: Reference, span: OutputRange, *, ffmpeg: str, cancel: Cancel | None, mended: bool = False
) -> list[KeptStream]:
    """Return what the file of `span` has to hold. `mended`: some of its video is encoded though the plan copies it."""
    source = plan.source
    assert source is not None  # noqa: S101
    made = []
    counts: dict[StreamKind, int] = {}
    for position, stream in enumerate(reference.kept):
        told = next(s for s in source.streams if s.index == stream.index)
        if told.kind in _UNPROVED:
            continue
        counts[told.kind] = counts.get(told.kind, 0) + 1
        copied = stream.treatment is Treatment.COPY and not (mended and told is source.video)
        head = reference.listing.heads.get(position, packets.Head())
        base = head.time_base
        listed = reference.listing.of(position)
        decoded = partial(_decoded, source.path, span, ffmpeg=ffmpeg, cancel=cancel) if not copied else None
        made.append(
            KeptStream(
                name="the video" if told is source.video else f"{told.kind} stream {counts[told.kind]}",
                kind=told.kind,
                head=head,
                expected=_expected(listed, base, span, copied=copied, video=told is source.video),
                copied=copied,
                reframed=containers.is_reframed(told.codec, source.container, plan.container),
                uncompressed=told.codec.startswith("pcm"),
                until=plan.audio_end if told.kind in {StreamKind.AUDIO, StreamKind.SUBTITLE} else None,
                matrix=reference.matrix if copied and told is source.video else None,
                decoded=decoded if told is source.video else None,
            )
        )
    return made


def _expected(table: PacketTable, base: Fraction, span: OutputRange, *, copied: bool, video: bool) -> PacketTable:
    """Return the packets of one stream that belong to `span`."""
    if not span.start and span.end is None:
        return table
    begin = (span.start - _REORDERED) / base if span.start else None
    finish = (span.end + _REORDERED) / base if span.end is not None else None
    listed = table.decoded_between(begin, finish)
    margin = bounds.EPSILON if video else proof.TICK
    if video and copied and span.start and span.dts_start is not None:
        first = math.ceil((span.dts_start - margin) / base)
        listed = listed.chosen(map(first.__le__, listed.decoding_times))
    elif span.start:
        first = math.ceil((span.start - margin) / base)
        listed = listed.chosen(map(first.__le__, listed.times))
    if video and copied:
        if span.dts_end is None:
            return listed
        last = math.ceil((span.dts_end - margin) / base)
        return listed.chosen(map(last.__gt__, listed.decoding_times))
    if not video and span.sound_end is not None:
        last = math.floor((span.sound_end + proof.TICK) / base)
        return listed.chosen(map(last.__ge__, listed.ends()))
    if span.end is None:
        return listed
    last = math.ceil((span.end - margin) / base)
    return listed.chosen(map(last.__gt__, listed.times))


def _decoded(path: Path, span: OutputRange, *, ffmpeg: str, cancel: Cancel | None) -> list[Fraction]:
    """Return when each frame of `span` is shown by a decoder, in seconds of the source."""
    times = packets.decoded_times(path, ffmpeg=ffmpeg, cancel=cancel)
    first = span.start - bounds.EPSILON if span.start else None
    last = None if span.end is None else span.end - bounds.EPSILON
    return [time for time in times if (first is None or time >= first) and (last is None or time < last)]
