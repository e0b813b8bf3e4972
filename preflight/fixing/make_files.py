"""Make the files of a plan in a scratch folder with ffmpeg."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from preflight.fixing import find_cuts, promises, split
from preflight.fixing.encode_to_size import Workshop, as_encoded, encode, leveled, source_of
from preflight.fixing.promises import Reference
from preflight.fixing.split import Stretch
from preflight.model.media import Container, FileIdentity, StreamKind
from preflight.model.plan import Action, Plan, Policy, Treatment
from preflight.model.report import Code, Report
from preflight.tools import containers, files, packets, proof, seekable, steady_times
from preflight.tools import ffmpeg as tool
from preflight.tools.bounds import Piece
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


def make(plan: Plan, shop: Workshop) -> list[Made]:
    """Make the files of `plan` and return them in order, each proved to hold what it should and checked.

    Raises ToolError, DiskFullError, InputError, CancelledError.
    """
    source = source_of(plan)
    total = source.duration or Fraction(0)
    if plan.actions == (Action.RENAME,):
        path = files.copy(source.path, shop.folder / name(plan, 0, 1))
        return [Made(path=path, start=Fraction(0), end=total, report=shop.recheck(path))]
    plan = replace(plan, source=seekable.mended(source, shop.folder, ffmpeg=shop.ffmpeg, cancel=shop.cancel))
    plan = _steadied(plan, shop)
    if plan.trim is None and not plan.cuts:
        return [_whole(plan, shop, total)]
    plan = _cuttable(plan, plan.container, shop)
    for more in range(_MORE_SEGMENTS):
        stretches = find_cuts.stretches(plan, ffmpeg=shop.ffmpeg, cancel=shop.cancel, more=more)
        if plan.video is not None:
            return _encoded(plan, stretches, shop)
        made = _copied(plan, stretches, shop)
        if plan.policy is Policy.ONE_FILE or all(item.report.codes != (Code.SIZE,) for item in made):
            break
    return made


def _cuttable(plan: Plan, container: Container, shop: Workshop) -> Plan:
    """Return `plan` for a source that can be cut into files of the kind `container`, which is a copy where need be."""
    return plan if seekable.can_be_cut(source_of(plan), container) else _of_a_copy(plan, container, shop)


def _steadied(plan: Plan, shop: Workshop) -> Plan:
    """Return `plan` for a copy of its source in which no frame has a wrong time; `plan` itself where none has."""
    source = source_of(plan)
    if source.container is not Container.MPEG_PS:
        return plan
    listing = promises.read(plan, source, ffmpeg=shop.ffmpeg, cancel=shop.cancel).listing
    fault = steady_times.correction(listing.of(0))
    return plan if fault is None else _of_a_copy(plan, plan.container, shop, fault)


def _of_a_copy(plan: Plan, container: Container, shop: Workshop, fault: Correction | None = None) -> Plan:
    """Return `plan` for a copy of its source of the kind `container`, or of one that holds its video.

    The sound and the subtitles of the copy are those of the result, so that cutting it only copies. Wrong times of the
    video are corrected in it by `fault`.
    """
    from preflight.fixing import ffmpeg_commands

    source = source_of(plan)
    holds_video = source.video is not None and containers.holds(container, source.video)
    target = container if holds_video else Container.MKV
    if source.video is not None and not containers.holds(target, source.video):
        return plan
    files.require_room(shop.folder, source.size)
    path = shop.folder / "seekable" / f"{source.path.stem[:_STEM]}.{containers.EXTENSIONS[target]}"
    path.parent.mkdir(exist_ok=True)
    streams = tuple(
        replace(stream, treatment=Treatment.COPY, encoder=None)
        if source.video is not None and stream.index == source.video.index
        else stream
        for stream in plan.streams
    )
    total = source.duration or Fraction(0)
    whole = replace(plan, container=target, trim=None, cuts=(), video=None, audio_end=None, streams=streams)
    listing = shop.folder / "seekable" / "packets.txt"
    argv = ffmpeg_commands.remux(whole, path, ffmpeg=shop.ffmpeg, listing=listing, fault=fault)
    shop.run(argv, done=Fraction(0), length=Fraction(0), total=total)
    listed = packets.parse_file(listing)
    if fault is not None:
        listed = replace(listed, tables=listed.tables | {0: fault.applied(listed.of(0))})
    reference = promises.of_listing(whole, source, listed, ffmpeg=shop.ffmpeg, cancel=shop.cancel)
    listing.unlink()
    _prove(whole, reference, Piece(output=path), shop)
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
    count = split.fewest(seconds, 0 if plan.video else source_of(plan).size, plan.limits)
    return replace(plan, cuts=tuple(seconds * number / count for number in range(1, count)))


def _prove(
    plan: Plan, reference: Reference, piece: Piece, shop: Workshop, *, mended: bool = False, encoded: bool = False
) -> None:
    """Raise ToolError unless the file of `piece` holds what `plan` promises, `mended` or all `encoded` in spite of it."""
    kept = promises.promises(plan, reference, piece, ffmpeg=shop.ffmpeg, cancel=shop.cancel, mended=mended)
    displayed = promises.displayed(plan, reference, encoded=encoded or plan.video is not None)
    proof.prove(
        piece.output, kept, container=plan.container, ffmpeg=shop.ffmpeg, displayed=displayed, cancel=shop.cancel
    )


def name(plan: Plan, number: int, count: int) -> str:
    """Return the name of file `number` (from 0) of `count`."""
    suffix = f"-{number + 1}of{count}" if count > 1 else ""
    return files.name(source_of(plan).path.stem, f"-fixed{suffix}.{containers.EXTENSIONS[plan.container]}")


def _whole(plan: Plan, shop: Workshop, total: Fraction) -> Made:
    # ffmpeg-python is loaded only where something is made.
    from preflight.fixing import ffmpeg_commands

    path = shop.folder / name(plan, 0, 1)
    piece = Piece(output=path)
    if plan.video is None:
        listing = shop.folder / "packets.txt"
        argv = ffmpeg_commands.remux(plan, path, ffmpeg=shop.ffmpeg, listing=listing)
        shop.run(argv, done=Fraction(0), length=total, total=total)
        listed = packets.parse_file(listing)
        reference = promises.of_listing(plan, source_of(plan), listed, ffmpeg=shop.ffmpeg, cancel=shop.cancel)
        report = shop.recheck(path)
    else:
        reference = promises.read(plan, source_of(plan), ffmpeg=shop.ffmpeg, cancel=shop.cancel)
        even = False
        if Action.SHRINK in plan.actions:
            raised = leveled(plan, shop, total)
            even, plan = raised is plan, raised
        piece = replace(piece, held=promises.held(reference, piece))
        report = encode(plan, piece, shop, done=Fraction(0), length=total, total=total, even=even)
    _prove(plan, reference, piece, shop)
    length = report.media.duration if report.media is not None else None
    return Made(path=path, start=Fraction(0), end=length or total, report=report)


def _encoded(plan: Plan, stretches: list[Stretch], shop: Workshop) -> list[Made]:
    spans = _spans(plan, stretches)
    total = spans[-1][1] - spans[0][0]
    reference = promises.read(plan, source_of(plan), ffmpeg=shop.ffmpeg, cancel=shop.cancel)
    made = []
    for number, (start, end) in enumerate(spans):
        path = shop.folder / name(plan, number, len(spans))
        piece = _piece(plan, stretches, number, path)
        piece = replace(piece, held=promises.held(reference, piece))
        report = encode(plan, piece, shop, done=start - spans[0][0], length=end - start, total=total)
        _prove(plan, reference, piece, shop)
        made.append(Made(path=path, start=start, end=end, report=report))
    return made


def _copied(plan: Plan, stretches: list[Stretch], shop: Workshop) -> list[Made]:
    """Copy the clean stretches side by side; make the others one by one."""
    from preflight.fixing import ffmpeg_commands

    if plan.container in _NO_HOMES and any(find_cuts.needs_encoding(stretch, source_of(plan)) for stretch in stretches):
        plan = _cuttable(replace(plan, container=Container.MKV), Container.MKV, shop)
    spans = _spans(plan, stretches)
    paths = [shop.folder / name(plan, number, len(spans)) for number in range(len(spans))]
    pieces = [_piece(plan, stretches, number, path) for number, path in enumerate(paths)]
    reference = promises.read(plan, source_of(plan), ffmpeg=shop.ffmpeg, cancel=shop.cancel)
    clean = [piece for piece, stretch in zip(pieces, stretches, strict=True) if stretch.clean]
    total = spans[-1][1] - spans[0][0]
    entries = sum(len(reference.listing.of(number)) for number in range(len(reference.kept)))
    for batch in _batches(clean, max(1, min(_SIDE_BY_SIDE, _INDEX_ENTRIES // max(1, entries)))):
        longest = max((piece.end or spans[-1][1]) - piece.start for piece in batch)
        argv = ffmpeg_commands.copy(plan, batch, ffmpeg=shop.ffmpeg)
        shop.run(argv, done=batch[0].start - spans[0][0], length=longest, total=total)
    made = []
    for piece, stretch, (start, end) in zip(pieces, stretches, spans, strict=True):
        encoded = False
        if not stretch.clean:
            encoded = _mended(plan, piece, stretch, end - start, shop, reference)
        _prove(plan, reference, piece, shop, mended=not stretch.clean, encoded=encoded)
        made.append(Made(path=piece.output, start=start, end=end, report=shop.recheck(piece.output)))
    return made


def _batches(pieces: Sequence[Piece], count: int) -> Iterator[Sequence[Piece]]:
    """Yield `pieces` in groups of `count`, each of which one process copies."""
    for start in range(0, len(pieces), count):
        yield pieces[start : start + count]


def _piece(plan: Plan, stretches: list[Stretch], number: int, path: Path) -> Piece:
    stretch = stretches[number]
    return Piece(
        output=path,
        start=stretch.start.time,
        end=stretch.finish,
        dts_start=stretch.start.dts,
        dts_end=stretch.end.dts if stretch.end else None,
        # A trim may end at the very limit, which its last packet of sound must not pass.
        sound_end=stretch.finish if plan.trim and number == len(stretches) - 1 else None,
    )


def _spans(plan: Plan, stretches: list[Stretch]) -> list[tuple[Fraction, Fraction]]:
    whole = source_of(plan).duration or Fraction(0)
    return [(s.start.time, whole if s.finish is None else s.finish) for s in stretches]


def _mended(plan: Plan, piece: Piece, stretch: Stretch, length: Fraction, shop: Workshop, reference: Reference) -> bool:
    """Make a stretch that begins or ends between keyframes: encode the pictures there, copy those between.

    Returns True where all of it had to be encoded.
    """
    from preflight.fixing import ffmpeg_commands

    def run(argv: Sequence[str]) -> None:
        shop.run(argv, done=Fraction(0), length=length, total=length)

    if find_cuts.needs_encoding(stretch, source_of(plan)):
        piece = replace(piece, held=promises.held(reference, piece))
        encode(as_encoded(plan, length), piece, shop, done=Fraction(0), length=length, total=length)
        return True
    begin, end = piece.start, piece.start + length
    resume = stretch.start.resume
    stop = stretch.end.time if stretch.end else end
    if resume is None or resume >= stop:
        resume = stop = end
    # The bit stream filters of ffmpeg 5 know the source's time base only.
    scale = reference.listing.heads[0].time_base.denominator
    parts: list[tuple[Path, Fraction | None]] = []
    late = promises.first_time(reference, piece) if resume != begin else Fraction(0)
    for name_, start, finish in (("head", begin, resume), ("rest", resume, stop), ("tail", stop, end)):
        # A head without frames begins behind the last frame before and ends with the first one that is copied.
        if start == finish or (name_ == "head" and begin + late >= finish):
            continue
        part = Piece(output=shop.folder / f"{name_}.mp4", start=start, end=finish)
        if name_ == "rest":
            copied = replace(part, end=piece.end, dts_end=piece.dts_end)
            copied = replace(copied, dts_start=piece.dts_start) if start == begin else copied
            run(ffmpeg_commands.copy(plan, [copied], ffmpeg=shop.ffmpeg, video_scale=scale))
        else:
            run(ffmpeg_commands.head(plan, part, ffmpeg=shop.ffmpeg, scale=scale))
        parts.append((part.output, None if finish == end else finish - start))
    if parts[0][1] is not None and begin + late < resume:
        parts[0] = (parts[0][0], parts[0][1] - late)
    listing = shop.folder / "pictures.txt"
    listing.write_text(tool.concat_list(parts), encoding="utf-8", errors="surrogateescape")
    run(ffmpeg_commands.assemble(plan, listing, piece, late=late, ffmpeg=shop.ffmpeg))
    return False
