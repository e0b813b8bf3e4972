"""Find where the source of a plan is cut, reading as few packets as the case allows."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from preflight.errors import InputError
from preflight.events import Cancel
from preflight.fixing import split, video_options
from preflight.fixing.split import Point, SegmentBounds
from preflight.model.media import Container, Media
from preflight.model.plan import Plan, Policy
from preflight.tools import containers, packets, proof
from preflight.tools.packets import PacketTable

_ROOMY = Fraction(4, 5)
"""Share of the size limit under which even stretches of unknown size are sure enough to be tried."""
_AROUND = (Fraction(3), Fraction(12))
"""Seconds before and behind an even cut where a keyframe is looked for: first near it, where most files have one."""
_UNSEEN = Fraction(1)
"""Seconds behind a keyframe in which pictures that belong before it come, if there are any."""
_PRIMING = Fraction(1, 20)
"""Seconds of sound that encoders put before the first picture, and that Matroska counts in its length."""
_MORE = 4
"""Stretches more than the fewest that are tried before a cut between keyframes is given up under `lossless`."""


def segments(plan: Plan, *, ffmpeg: str, cancel: Cancel | None = None, more: int = 0) -> list[SegmentBounds]:
    """Return the segments that the source of `plan` is cut into, and `more` of them than seem to be needed.

    Raises InputError when no keyframes allow it.
    """
    source = plan.source
    if source is None:
        raise ValueError("a plan without a source can't be carried out")
    if plan.trim is None and not plan.cuts:
        return [SegmentBounds(start=_beginning(), end=None)]
    if plan.trim is None and plan.video is None:
        found = None if more else _at_keyframes(plan, source, ffmpeg=ffmpeg, cancel=cancel)
        if found is not None:
            return found
    video = source.video.index if source.video else -1
    timed = [video, *(stream.index for stream in source.audio)]
    names = [containers.specifier(source, index) for index in timed]
    listing = proof.reference(source.path, source.container, names, ffmpeg=ffmpeg, cancel=cancel)
    base = listing.heads[0].time_base
    # What a header calls the duration may begin long before the first packet.
    measured = max((listing.end(number) for number in listing.heads), default=Fraction(0))
    source = replace(source, duration=min(source.duration or measured, measured))
    plan = replace(plan, source=source)
    shown = [packet.pts * base for packet in listing.of(0)]
    points = split.from_packets(listing.of(0), base, seconds=source.duration or listing.end(0), size=source.size)
    return _anywhere(plan, source, points, _edges(plan, points, shown), cancel, more)


def _at_keyframes(plan: Plan, source: Media, *, ffmpeg: str, cancel: Cancel | None) -> list[SegmentBounds] | None:
    """Return stretches found by looking around the even cuts only, or None when that does not settle it."""
    seconds = source.duration or Fraction(0)
    count = len(plan.cuts) + 1
    if not seconds or source.size / count > plan.limits.max_bytes * _ROOMY:
        return None
    first = _beginning()
    listing = proof.from_tables(source.path, source.container, ["V:0"])
    for around in _AROUND:
        if listing is not None:
            points = _near_in_tables(plan, source, seconds, around, listing.of(0), listing.heads[0].time_base)
        else:
            points = _near(plan, source, seconds, around, ffmpeg=ffmpeg, cancel=cancel)
        cuts = split.choose(
            points, start=first, seconds=seconds, size=source.size, limits=plan.limits, count=count, cancel=cancel
        )
        if cuts is not None:
            return split.segments(first, cuts, SegmentBounds(start=first, end=None))
    return None


def _near(
    plan: Plan, source: Media, seconds: Fraction, around: Fraction, *, ffmpeg: str, cancel: Cancel | None
) -> list[Point]:
    """Return the keyframes `around` seconds or less from the even cuts of `plan`."""
    starts = [max(Fraction(0), Fraction(int(cut - around))) for cut in plan.cuts]
    listing = packets.read_windows(
        source.path, starts, 2 * around, ffmpeg=ffmpeg, container=source.container, cancel=cancel
    )
    points = []
    for number, start in enumerate(starts):
        found = listing.of(number)
        if found:
            base = listing.heads[number].time_base
            seen = split.from_packets(found, base, seconds=seconds, size=source.size)
            points += _placed(seen, start, source.size / seconds, before=2 * around - _UNSEEN)
    return points


def _near_in_tables(
    plan: Plan, source: Media, seconds: Fraction, around: Fraction, table: PacketTable, base: Fraction
) -> list[Point]:
    """Return the same by the file's sample tables, from which nothing has to be read."""
    points = []
    for cut in plan.cuts:
        first, last = max(Fraction(0), cut - around), cut + around + _UNSEEN
        found = table.decoded_between(first / base, last / base)
        seen = split.from_packets(found, base, seconds=seconds, size=source.size)
        # What lies before the window is not looked at, so its first keyframe may not be clean.
        rest = seen[1:] if first else seen
        points += _placed(rest, Fraction(0), source.size / seconds, before=cut + around)
    return points


def _placed(points: list[Point], start: Fraction, rate: Fraction, *, before: Fraction) -> list[Point]:
    """Return the clean points of a window at their times in the source, their offsets told by the mean `rate`.

    Behind `before`, pictures that belong in front of a keyframe may lie outside the window.
    """
    return [
        replace(p, time=start + p.time, dts=start + p.dts, resume=start + p.time, offset=int((start + p.time) * rate))
        for p in points
        if p.clean and p.time < before
    ]


def _beginning() -> Point:
    return Point(time=Fraction(0), dts=Fraction(0), resume=Fraction(0), offset=0)


def _anywhere(
    plan: Plan, source: Media, points: list[Point], kept: SegmentBounds, cancel: Cancel | None, more: int
) -> list[SegmentBounds]:
    """Return segments of what is `kept` from a whole listing: cut at keyframes when they are there, else between."""
    start, finish = kept.start, kept.finish
    seconds = (finish if finish is not None else source.duration or Fraction(0)) - start.time
    if plan.video is not None:
        # Encoded stretches may be cut anywhere, and their size is the encoder's.
        weightless = [replace(point, offset=0) for point in points]
        start = replace(start, offset=0)
        count = len(plan.cuts) + 1
        cuts = split.choose(
            weightless, start=start, seconds=seconds, size=0, limits=plan.limits, count=count, cancel=cancel
        )
        if cuts is None:
            raise InputError(f"{source.path} can't be split into {count} segments: it has too few pictures.")
        return split.segments(start, cuts, kept)
    size = kept.end.offset if kept.end else source.size
    for candidates, count in _tries(
        plan, points, split.fewest_segments(seconds, size - start.offset, plan.limits) + more
    ):
        cuts = split.choose(
            candidates, start=start, seconds=seconds, size=size, limits=plan.limits, count=count, cancel=cancel
        )
        if cuts is not None:
            return split.segments(start, cuts, kept)
    if plan.policy is Policy.ONE_FILE:
        raise InputError(
            f"What is kept of {source.path} takes about {size - start.offset:,} bytes, more than one file may.",
            hint="Keep less of it, or use --policy balanced, which splits it.",
        )
    raise InputError(
        f"{source.path} has no keyframes where a split within the limits would need them.",
        hint="Use --policy balanced, which encodes the pictures around the cuts.",
    )


def _tries(plan: Plan, points: list[Point], fewest: int) -> list[tuple[list[Point], int]]:
    """Return what is tried in turn: places to cut at, and how many stretches."""
    clean = [point for point in points if point.clean]
    if plan.policy is Policy.ONE_FILE:
        return [(clean, fewest)] if fewest == 1 else []
    if plan.policy is Policy.LOSSLESS:
        return [(clean, fewest + more) for more in range(_MORE)]
    return [(clean, fewest + more) for more in range(2)] + [(points, fewest + more) for more in range(_MORE)]


def _edges(plan: Plan, points: list[Point], shown: list[Fraction]) -> SegmentBounds:
    """Return what is kept of a source whose pictures are `shown` at these times, as one stretch."""
    whole = plan.source.duration if plan.source else None
    if plan.trim is None:
        return SegmentBounds(start=_beginning(), end=None)
    first, last = plan.trim
    start = _beginning() if first == 0 else _start(first, points, lossless=plan.policy is Policy.LOSSLESS)
    if whole is not None and last >= whole:
        return SegmentBounds(start=start, end=None)
    following = min((time for time in shown if time >= last), default=None)
    exact = plan.container in {Container.MP4, Container.MOV}
    room = plan.limits.max_seconds - (0 if exact else _PRIMING)
    if last - first <= plan.limits.max_seconds and (following or last) - first > room:
        # The last picture would be shown beyond the limit.
        following = last = max((time for time in shown if first < time <= first + room), default=last)
    behind = [point for point in points if start.time < point.time and (following is None or point.time <= following)]
    end = behind[-1] if behind else start
    if plan.video is not None or following is None or end.time == following:
        # All that is shown before `last` is decoded before it, or is encoded anyway.
        dts = end.dts if end.time == following else last + _UNSEEN
        return SegmentBounds(start=start, end=replace(end, time=last, dts=dts))
    # What can't begin with copied packets is encoded to its very end, whatever the codec.
    can_end = plan.source is not None and (video_options.can_have_head(plan.source) or not start.clean)
    mended = plan.policy is not Policy.LOSSLESS and can_end
    return SegmentBounds(start=start, end=end, until=last if mended else None)


def _start(first: Fraction, points: list[Point], *, lossless: bool) -> Point:
    """Return the point where a trimmed video starts: the keyframe before when nothing may be encoded."""
    if lossless:
        return max((p for p in points if p.clean and p.time <= first), key=lambda p: p.time, default=_beginning())
    resume = min((p.resume for p in points if p.resume is not None and p.time >= first), default=None)
    at = next((p for p in points if p.time == first), None)
    offset = max((p.offset for p in points if p.time <= first), default=0)
    return at or Point(time=first, dts=first, resume=resume, offset=offset)


def needs_encoding(segment: SegmentBounds, source: Media) -> bool:
    """Return True when a stretch can't begin with copied packets or a short head, so that it is encoded whole."""
    return not segment.clean and not video_options.can_have_head(source)
