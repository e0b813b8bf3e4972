"""Make the files of a plan in a scratch folder with ffmpeg."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from preflight.errors import ToolMissingError
from preflight.fixing import find_cuts, promises, seam_check, split
from preflight.fixing.encode_to_size import FixContext, as_encoded, encode, source_of, with_level_rate
from preflight.fixing.promises import Reference
from preflight.fixing.split import SegmentBounds
from preflight.model.media import Container, FileIdentity, StreamKind
from preflight.model.plan import Action, Plan, Policy, Treatment
from preflight.model.report import Code, Report
from preflight.tools import containers, files, packets, proof, seekable, steady_times
from preflight.tools import ffmpeg as tool
from preflight.tools.bounds import OutputRange
from preflight.tools.steady_times import Correction

_NO_HOMES = frozenset({Container.WEBM, Container.AVI})
"""Containers in which H.264 is not at home; MKV holds it and all that they hold."""
_SIDE_BY_SIDE = 8
"""Segments that one process copies at most."""
_INDEX_ENTRIES = 1_500_000
"""Packets in the indexes that one process holds at most: ffmpeg takes about 60 bytes for each, for each segment."""
_SAME_LENGTH = Fraction(1)
"""Seconds that the measured length of a source may differ from the one that its cuts were planned for."""
_MORE_SEGMENTS = 4
"""Numbers of segments that are tried, from the fewest on, where one is too large: its sound is not told by the cuts."""
ROTATION_IN_MATROSKA = (7, 0)
"""First version of ffmpeg that writes the rotation of a video to Matroska; older ones leave it out without a word."""
_STEM = 60
"""Letters of the source's name in that of its copy: enough to be told in an error, whatever bytes they take."""
_CODECS = {"libx264": "h264"}
"""What encoders make, where it is named otherwise."""
_TIMED = frozenset({StreamKind.VIDEO, StreamKind.AUDIO})
"""Streams that make a file as long as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A file in the scratch folder, the stretch of the source it holds (seconds), and its verdict."""

    path: Path
    start: Fraction
    end: Fraction
    report: Report


def make(plan: Plan, context: FixContext) -> list[Made]:
    """Make the files of `plan` and return them in order, each proved to hold what it should and checked.

    Raises ToolError, DiskFullError, InputError, CancelledError.
    """
    source = source_of(plan)
    total = source.duration or Fraction(0)
    if plan.actions == (Action.RENAME,):
        path = files.copy(source.path, context.folder / name(plan, 0, 1))
        return [Made(path=path, start=Fraction(0), end=total, report=context.recheck(path))]
    _require_features(plan, context.ffmpeg)
    plan = replace(plan, source=seekable.mended(source, context.folder, ffmpeg=context.ffmpeg, cancel=context.cancel))
    plan = _steadied(plan, context)
    if plan.trim is None and not plan.cuts:
        return [_whole(plan, context, total)]
    plan = _cuttable(plan, plan.container, context)
    for more in range(_MORE_SEGMENTS):
        segments = find_cuts.segments(plan, ffmpeg=context.ffmpeg, cancel=context.cancel, more=more)
        if plan.video is not None:
            return _encoded(plan, segments, context)
        made = _copied(plan, segments, context)
        if plan.policy is Policy.ONE_FILE or all(item.report.codes != (Code.SIZE,) for item in made):
            break
    return made


def _require_features(plan: Plan, ffmpeg: str) -> None:
    """Raise ToolMissingError where this ffmpeg can't write what `plan` copies."""
    video = source_of(plan).video
    turned = video is not None and plan.video is None and bool(video.rotation or video.mirrored)
    if turned and plan.container is Container.MKV and tool.version(ffmpeg) < ROTATION_IN_MATROSKA:
        raise ToolMissingError(
            f"{ffmpeg} can't write the orientation of {source_of(plan).path} to Matroska; version 7.0 and later can.",
            hint="Unset PREFLIGHT_FFMPEG to use the ffmpeg that comes along, or name a later one there.",
        )


def _cuttable(plan: Plan, container: Container, context: FixContext) -> Plan:
    """Return `plan` for a source that can be cut into files of the kind `container`, which is a copy where need be."""
    return plan if seekable.can_be_cut(source_of(plan), container) else _of_a_copy(plan, container, context)


def _steadied(plan: Plan, context: FixContext) -> Plan:
    """Return `plan` for a copy of its source in which no frame has a wrong time; `plan` itself where none has."""
    source = source_of(plan)
    if source.container is not Container.MPEG_PS:
        return plan
    listing = promises.read(plan, source, ffmpeg=context.ffmpeg, cancel=context.cancel).listing
    fault = steady_times.correction(listing.of(0))
    return plan if fault is None else _of_a_copy(plan, plan.container, context, fault)


def _of_a_copy(plan: Plan, container: Container, context: FixContext, fault: Correction | None = None) -> Plan:
    """Return `plan` for a copy of its source of the kind `container`, or of one that holds its video.

    The sound and the subtitles of the copy are those of the result, so that cutting it only copies. Wrong times of the
    video are corrected in it by `fault`.
    """
    from preflight.fixing import ffmpeg_commands

    source = source_of(plan)
    holds_video = source.video is not None and containers.can_hold(container, source.video)
    target = container if holds_video else Container.MKV
    if source.video is not None and not containers.can_hold(target, source.video):
        return plan
    files.require_room(context.folder, source.size)
    path = context.folder / "seekable" / f"{source.path.stem[:_STEM]}.{containers.EXTENSIONS[target]}"
    path.parent.mkdir(exist_ok=True)
    streams = tuple(
        replace(stream, treatment=Treatment.COPY, encoder=None)
        if source.video is not None and stream.index == source.video.index
        else stream
        for stream in plan.streams
    )
    total = source.duration or Fraction(0)
    whole = replace(plan, container=target, trim=None, cuts=(), video=None, audio_end=None, streams=streams)
    listing = context.folder / "seekable" / "packets.txt"
    argv = ffmpeg_commands.remux(whole, path, ffmpeg=context.ffmpeg, listing=listing, fault=fault)
    context.run(argv, done=Fraction(0), length=Fraction(0), total=total)
    listed = packets.parse_file(listing)
    if fault is not None:
        listed = replace(listed, tables=listed.tables | {0: fault.applied(listed.of(0))})
    reference = promises.of_listing(whole, source, listed, ffmpeg=context.ffmpeg, cancel=context.cancel)
    listing.unlink()
    _prove(whole, reference, OutputRange(output=path), context)
    return _of_copy(plan, whole, path, reference)


def _of_copy(plan: Plan, whole: Plan, path: Path, reference: Reference) -> Plan:
    """Return `plan` for the copy at `path` of its source, whose kept streams are all in it."""
    source = source_of(plan)
    told = {stream.index: stream for stream in source.streams}
    kept = [
        replace(told[stream.index], codec=_CODECS.get(stream.encoder or "", stream.encoder or told[stream.index].codec))
        for stream in reference.kept
    ]
    ends = [reference.listing.end(number) for number, stream in enumerate(kept) if stream.kind in _TIMED]
    copy = replace(
        source,
        path=path,
        identity=FileIdentity.of(path),
        container=whole.container,
        streams=tuple(kept),
        duration=max(ends, default=source.duration),
        indexed=True,
        fragmented=False,
    )
    video = source.video.index if source.video else -1
    streams = tuple(
        stream
        if stream.index == video or stream.treatment is Treatment.DROP
        else replace(stream, treatment=Treatment.COPY, encoder=None)
        for stream in plan.streams
    )
    return _recut(replace(plan, source=copy, streams=streams, audio=None), known=source.duration)


def _recut(plan: Plan, *, known: Fraction | None) -> Plan:
    """Return `plan` with the cuts for the length that its source turned out to have, where that is not the `known` one.

    The clock of a transport stream may jump by hours.
    """
    seconds = source_of(plan).duration or Fraction(0)
    if plan.trim is not None or (known is not None and abs(seconds - known) <= _SAME_LENGTH):
        return plan
    count = split.fewest_segments(seconds, 0 if plan.video else source_of(plan).size, plan.limits)
    return replace(plan, cuts=tuple(seconds * number / count for number in range(1, count)))


def _prove(
    plan: Plan,
    reference: Reference,
    span: OutputRange,
    context: FixContext,
    *,
    mended: bool = False,
    encoded: bool = False,
) -> None:
    """Raise ToolError unless the file of `span` holds what `plan` promises, `mended` or all of it `encoded`."""
    kept = promises.promises(plan, reference, span, ffmpeg=context.ffmpeg, cancel=context.cancel, mended=mended)
    displayed = promises.displayed(plan, reference, encoded=encoded or plan.video is not None)
    proof.prove(
        span.output, kept, container=plan.container, ffmpeg=context.ffmpeg, displayed=displayed, cancel=context.cancel
    )


def name(plan: Plan, number: int, count: int) -> str:
    """Return the name of file `number` (from 0) of `count`."""
    suffix = f"-{number + 1}of{count}" if count > 1 else ""
    return files.name(source_of(plan).path.stem, f"-fixed{suffix}.{containers.EXTENSIONS[plan.container]}")


def _whole(plan: Plan, context: FixContext, total: Fraction) -> Made:
    # ffmpeg-python is loaded only where something is made.
    from preflight.fixing import ffmpeg_commands

    path = context.folder / name(plan, 0, 1)
    span = OutputRange(output=path)
    if plan.video is None:
        listing = context.folder / "packets.txt"
        argv = ffmpeg_commands.remux(plan, path, ffmpeg=context.ffmpeg, listing=listing)
        context.run(argv, done=Fraction(0), length=total, total=total)
        listed = packets.parse_file(listing)
        reference = promises.of_listing(plan, source_of(plan), listed, ffmpeg=context.ffmpeg, cancel=context.cancel)
        report = context.recheck(path)
    else:
        reference = promises.read(plan, source_of(plan), ffmpeg=context.ffmpeg, cancel=context.cancel)
        even = False
        if Action.SHRINK in plan.actions:
            raised = with_level_rate(plan, context, total)
            even, plan = raised is plan, raised
        span = replace(span, held=promises.held_frame(reference, span))
        report = encode(plan, span, context, done=Fraction(0), length=total, total=total, even=even)
    _prove(plan, reference, span, context)
    length = report.media.duration if report.media is not None else None
    return Made(path=path, start=Fraction(0), end=length or total, report=report)


def _encoded(plan: Plan, segments: list[SegmentBounds], context: FixContext) -> list[Made]:
    times = _times(plan, segments)
    total = times[-1][1] - times[0][0]
    reference = promises.read(plan, source_of(plan), ffmpeg=context.ffmpeg, cancel=context.cancel)
    made = []
    for number, (start, end) in enumerate(times):
        path = context.folder / name(plan, number, len(times))
        span = _span(plan, segments, number, path)
        span = replace(span, held=promises.held_frame(reference, span))
        report = encode(plan, span, context, done=start - times[0][0], length=end - start, total=total)
        _prove(plan, reference, span, context)
        made.append(Made(path=path, start=start, end=end, report=report))
    return made


def _copied(plan: Plan, segments: list[SegmentBounds], context: FixContext) -> list[Made]:
    """Copy the clean stretches side by side; make the others one by one."""
    from preflight.fixing import ffmpeg_commands

    if plan.container in _NO_HOMES and any(find_cuts.needs_encoding(segment, source_of(plan)) for segment in segments):
        plan = _cuttable(replace(plan, container=Container.MKV), Container.MKV, context)
    times = _times(plan, segments)
    paths = [context.folder / name(plan, number, len(times)) for number in range(len(times))]
    spans = [_span(plan, segments, number, path) for number, path in enumerate(paths)]
    reference = promises.read(plan, source_of(plan), ffmpeg=context.ffmpeg, cancel=context.cancel)
    clean = [span for span, segment in zip(spans, segments, strict=True) if segment.clean]
    total = times[-1][1] - times[0][0]
    entries = sum(len(reference.listing.of(number)) for number in range(len(reference.kept)))
    for batch in _batches(clean, max(1, min(_SIDE_BY_SIDE, _INDEX_ENTRIES // max(1, entries)))):
        longest = max((span.end or times[-1][1]) - span.start for span in batch)
        argv = ffmpeg_commands.copy(plan, batch, ffmpeg=context.ffmpeg)
        context.run(argv, done=batch[0].start - times[0][0], length=longest, total=total)
    made = []
    for span, segment, (start, end) in zip(spans, segments, times, strict=True):
        encoded = False
        if not segment.clean:
            encoded = _mended(plan, span, segment, end - start, context, reference)
        _prove(plan, reference, span, context, mended=not segment.clean, encoded=encoded)
        made.append(Made(path=span.output, start=start, end=end, report=context.recheck(span.output)))
    return made


def _batches(spans: Sequence[OutputRange], count: int) -> Iterator[Sequence[OutputRange]]:
    """Yield `spans` in groups of `count`, each of which one process copies."""
    for start in range(0, len(spans), count):
        yield spans[start : start + count]


def _span(plan: Plan, segments: list[SegmentBounds], number: int, path: Path) -> OutputRange:
    segment = segments[number]
    return OutputRange(
        output=path,
        start=segment.start.time,
        end=segment.finish,
        dts_start=segment.start.dts,
        dts_end=segment.end.dts if segment.end else None,
        # A trim may end at the very limit, which its last packet of sound must not pass.
        sound_end=segment.finish if plan.trim and number == len(segments) - 1 else None,
    )


def _times(plan: Plan, segments: list[SegmentBounds]) -> list[tuple[Fraction, Fraction]]:
    whole = source_of(plan).duration or Fraction(0)
    return [(s.start.time, whole if s.finish is None else s.finish) for s in segments]


def _mended(
    plan: Plan, span: OutputRange, segment: SegmentBounds, length: Fraction, context: FixContext, reference: Reference
) -> bool:
    """Make a segment that begins or ends between keyframes: encode the pictures there, copy those between.

    Returns True where all of it had to be encoded.
    """
    from preflight.fixing import ffmpeg_commands

    def run(argv: Sequence[str]) -> None:
        context.run(argv, done=Fraction(0), length=length, total=length)

    def encoded() -> bool:
        held = replace(span, held=promises.held_frame(reference, span))
        encode(as_encoded(plan, length), held, context, done=Fraction(0), length=length, total=length)
        return True

    if find_cuts.needs_encoding(segment, source_of(plan)):
        return encoded()
    begin, end = span.start, span.start + length
    resume = segment.start.resume
    stop = segment.end.time if segment.end else end
    if resume is None or resume >= stop:
        resume = stop = end
    # The bit stream filters of ffmpeg 5 know the source's time base only.
    scale = reference.listing.heads[0].time_base.denominator
    parts: list[tuple[Path, Fraction | None]] = []
    late = promises.first_time(reference, span)
    for name_, start, finish in (("head", begin, resume), ("rest", resume, stop), ("tail", stop, end)):
        # A head without frames begins behind the last frame before and ends with the first one that is copied.
        if start == finish or (name_ == "head" and begin + late >= finish):
            continue
        part = OutputRange(output=context.folder / f"{name_}.mp4", start=start, end=finish)
        if name_ == "rest":
            copied = replace(part, end=span.end, dts_end=span.dts_end)
            copied = replace(copied, dts_start=span.dts_start) if start == begin else copied
            run(ffmpeg_commands.copy(plan, [copied], ffmpeg=context.ffmpeg, video_scale=scale))
        else:
            run(ffmpeg_commands.head(plan, part, ffmpeg=context.ffmpeg, scale=scale))
        # The list counts each part from its first frame, and so does the first one, which may come late.
        parts.append((part.output, None if finish == end else finish - (start if parts else begin + late)))
    listing = context.folder / "pictures.txt"
    listing.write_text(tool.concat_list(parts), encoding="utf-8", errors="surrogateescape")
    run(ffmpeg_commands.assemble(plan, listing, span, late=late, ffmpeg=context.ffmpeg))
    seams = [edge - begin for edge in (resume, stop) if begin < edge < end]
    if not seam_check.all_shown(span.output, seams, ffmpeg=context.ffmpeg, cancel=context.cancel):
        span.output.unlink()
        return encoded()
    return False
