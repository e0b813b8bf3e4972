"""Smart encoding: groups of pictures without any filled sample are copied packet by packet, only the rest is encoded.

Both kinds share one H.264 stream. The encoder numbers its parameter sets apart from the source's, so that the header
can hold all of them and a player needs nothing in between. Cuts are made at IDR pictures alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, chain
from pathlib import Path

from preflight.engine.encode import encoder, result_proof
from preflight.engine.encode.companions import Companions
from preflight.engine.encode.formats import container
from preflight.engine.media.decode import SMALL, Frame, decode_part, parse_times
from preflight.engine.media.probe import Source
from preflight.errors import ToolError
from preflight.model.media import ColorTags
from preflight.tools import elementary, ffmpeg, fmp4, gop_plan, h264, packets, process
from preflight.tools.elementary import ElementaryStream, TimedPacket
from preflight.tools.fmp4 import MuxedTrack
from preflight.tools.gop_plan import Span

Clean = Callable[[Iterable[Frame]], Iterable[Frame]]
"""Puts the patches on frames."""
_FORMATS = frozenset({"mp4", "mov", "matroska"})


@dataclass(frozen=True, slots=True)
class RenderTask:
    """What is to be done: `times` of all frames in units of the source's time base, numbers of those `touched`.

    `fine` is the quality for grainy pictures; scratch files go to `folder`.
    """

    source: Source
    times: tuple[int, ...]
    touched: frozenset[int]
    program: str
    folder: Path
    fine: bool


def write(task: RenderTask, clean: Clean, destination: Path, beside: Companions) -> int:
    """Write `destination` atomically, encoding only groups with touched frames; return how many frames were copied.

    The result is decoded once to make sure of every frame. Raises ToolError
    with the reason when it can't be done so, and DiskFullError.
    """
    _require(task.source, destination)
    given = elementary.unpack(task.source.path, task.folder / "given", task.program)
    visible = _visible(given, task.times)
    hidden = {number for number in range(len(given.packets)) if number not in visible}
    touched = hidden.union(visible.start + frame for frame in task.touched)
    planned = gop_plan.plan(given.entries, len(given.packets), touched)
    spans = [span for span in planned if _visible_frames(span, visible)]
    kept = sum(len(span.frames) for span in spans if span.copied)
    if not kept:
        raise ToolError("no group of pictures is without text")
    made = _encoded(task, given, [span for span in spans if not span.copied], visible, clean)
    with encoder.replacing(destination) as part:
        tail = max(given.packets, key=lambda packet: packet.pts).duration or 1
        _assemble(task, _timed_packets(task, given, made, spans, visible), tail, part, beside)
        encoder.mark_orientation(part, task.source)
        if _times(part, task) != [(time - task.times[0]) * task.source.time_base for time in task.times]:
            raise ToolError("a decoder does not show every frame at its time")
        result_proof.prove_encoded(part, task.source, task.times, 0, beside, task.program)
    return kept


def _require(source: Source, destination: Path) -> None:
    form = container(destination)
    if source.codec != "h264":
        raise ToolError(f"only H.264 can be copied in part, not {source.codec}")
    if source.deep or source.interlaced:
        raise ToolError("only progressive 8-bit 4:2:0 pictures can be copied in part")
    if source.cropped:
        raise ToolError("pictures whose borders the container hides can't be copied in part")
    if form not in _FORMATS:
        raise ToolError(f"{form} can't hold the pictures of two encoders")


def _visible(given: ElementaryStream, times: tuple[int, ...]) -> range:
    """Return which packets, by the order in which they are shown, are the frames at `times`.

    A file that was trimmed without encoding still holds the pictures before its first one that a decoder needs.
    """
    shown = sorted(packet.pts for packet in given.packets)
    start = bisect_left(shown, times[0])
    if shown[start : start + len(times)] != list(times):
        raise ToolError("its packets are not one for each frame")
    return range(start, start + len(times))


def _visible_frames(span: Span, visible: range) -> range:
    """Return those of a stretch that are frames."""
    return range(max(span.first, visible.start), min(span.last + 1, visible.stop))


def _encoded(
    task: RenderTask, given: ElementaryStream, spans: Sequence[Span], visible: range, clean: Clean
) -> ElementaryStream:
    """Return the frames of `spans`, cleaned, as one stream that can be entered at the start of each."""
    number = h264.free_number(given.sets)
    if number is None:
        raise ToolError("its parameter sets take every number")
    part, made = task.folder / "part.h264", task.folder / "made.mp4"
    given.write_part([span.frames for span in spans], part)
    indices = [index for span in spans for index in span.frames]
    decoded = zip(indices, decode_part(part, task.source, task.program), strict=False)
    frames = (
        Frame(index=index - visible.start, y=frame.y, u=frame.u, v=frame.v)
        for index, frame in decoded
        if index in visible
    )
    lengths = [len(_visible_frames(span, visible)) for span in spans]
    starts = list(accumulate(lengths[:-1], initial=0))
    argv = _encoder(task, starts, ("-x264-params", f"sps-id={number}"), made)
    encoder.feed(argv, (plane.tobytes() for frame in clean(frames) for plane in encoder.stored(frame, task.source)))
    result = elementary.unpack(made, task.folder / "made", task.program)
    if len(result.packets) != sum(lengths):
        raise ToolError(f"{sum(lengths)} frames were to be encoded and {len(result.packets)} were")
    if not result.entries.issuperset(starts) or result.sets.keys() & given.sets.keys():
        raise ToolError("the encoder did not begin anew where it had to")
    return result


def _encoder(task: RenderTask, starts: Sequence[int], options: Sequence[str], made: Path) -> list[str]:
    """Return the argv that encodes planes from stdin with an IDR picture at each of `starts`."""
    source, picture = task.source, encoder.encoder("mp4", fine=task.fine)
    argv = [task.program, "-y", "-v", "error", "-f", "rawvideo", "-pixel_format", "yuv420p"]
    argv += ["-video_size", f"{source.width}x{source.height}", "-framerate", str(source.rate), "-i", "pipe:0"]
    # Half a frame early: a time that is rounded up would miss its frame.
    forced = ",".join(f"{float((start - Fraction(1, 2)) / source.rate):.6f}" for start in starts if start)
    argv += ["-force_key_frames", forced, "-forced-idr", "1"] if forced else []
    return [*argv, "-vf", encoder.color_tags(source), *picture, *options, "-pix_fmt", "yuv420p", ffmpeg.local(made)]


def _timed_packets(
    task: RenderTask, given: ElementaryStream, made: ElementaryStream, spans: Sequence[Span], visible: range
) -> list[TimedPacket]:
    """Return all packets in their new order."""
    encoded = [index for span in spans if not span.copied for index in _visible_frames(span, visible)]
    display_ranks = gop_plan.display_ranks([packet.pts for packet in made.packets])
    fresh = (
        TimedPacket(made, number, task.times[encoded[rank] - visible.start])
        for number, rank in enumerate(display_ranks)
    )
    placed: list[TimedPacket] = []
    for span in spans:
        if span.copied:
            placed += [TimedPacket(given, number, given.packets[number].pts) for number in span.frames]
        else:
            placed += [next(fresh) for _ in _visible_frames(span, visible)]
    return placed


def _assemble(task: RenderTask, placed: list[TimedPacket], tail: int, part: Path, beside: Companions) -> None:
    """Write the picture, each packet at its time, and all else of the source to `part`; `tail` ticks end the video."""
    times = gop_plan.decoding_times([packet.time for packet in placed])
    early = max(0, -times[0])
    sets: elementary.Sets = {}
    for stream in {packet.stream.path: packet.stream for packet in placed}.values():
        sets |= stream.sets
    source = task.source
    header = fmp4.header(
        MuxedTrack(
            width=source.width,
            height=source.height,
            ticks=source.time_base.denominator,
            record=("avcC", h264.header_record(sets)),
            sar=source.sar,
            color=ColorTags(
                primaries=source.primaries,
                transfer=source.transfer,
                matrix=source.matrix,
                full_range=source.full_range,
            ),
        )
    )
    rows = zip(placed, times, [*times[1:], times[-1] + tail], strict=True)
    written = elementary.fragments(rows, early=early, scale=task.source.time_base.numerator)
    argv = encoder.assembly(task.source, task.program, part, beside, shift=-early * task.source.time_base)
    encoder.feed(argv, chain((header,), written))


def _times(path: Path, task: RenderTask) -> list[Fraction]:
    """Return the times of all frames that come out of a decoder, none for a stream with an error in it.

    They count from the first frame: old muxers move all streams alike where sound begins before 0.
    """
    listing = task.folder / "shown.txt"
    argv = [task.program, "-y", "-v", "error", "-nostdin", "-xerror", "-copyts", "-i", ffmpeg.local(path)]
    tick = task.source.time_base
    argv += ["-map", "0:V:0", "-vf", SMALL, "-fps_mode", "passthrough"]
    argv += ["-enc_time_base", f"{tick.numerator}:{tick.denominator}"]
    if process.run([*argv, "-f", "framecrc", ffmpeg.local(listing)]).status:
        return []
    text = listing.read_text("ascii")
    base = packets.parse(text.splitlines()).heads[0].time_base
    times = parse_times(text)
    return [(time - times[0]) * base for time in times]
