"""Make the files of a plan in a scratch folder with ffmpeg."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from preflight.fixing import find_cuts
from preflight.fixing.encode_to_size import Workshop, as_encoded, encode, leveled, source_of
from preflight.fixing.split import Stretch
from preflight.model.media import Container
from preflight.model.plan import Action, Plan
from preflight.model.report import Report
from preflight.tools import containers, files, index
from preflight.tools import ffmpeg as tool
from preflight.tools.bounds import Piece

_NO_HOMES = frozenset({Container.WEBM, Container.AVI})
"""Containers in which H.264 is not at home; MKV holds it and all that they hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A file in the scratch folder, the stretch of the source it holds (seconds), and its verdict."""

    path: Path
    start: Fraction
    end: Fraction
    report: Report


def make(plan: Plan, shop: Workshop) -> list[Made]:
    """Make the files of `plan` and return them in order, checked but not yet judged."""
    source = source_of(plan)
    total = source.duration or Fraction(0)
    if plan.actions == (Action.RENAME,):
        path = files.copy(source.path, shop.folder / name(plan, 0, 1))
        return [Made(path=path, start=Fraction(0), end=total, report=shop.recheck(path))]
    plan = replace(plan, source=index.mended(source, shop.folder, ffmpeg=shop.ffmpeg, cancel=shop.cancel))
    if plan.trim is None and not plan.cuts:
        return [_whole(plan, shop, total)]
    stretches = find_cuts.stretches(plan, ffmpeg=shop.ffmpeg, cancel=shop.cancel)
    if plan.video is not None:
        return _encoded(plan, stretches, shop)
    return _copied(plan, stretches, shop)


def name(plan: Plan, number: int, count: int) -> str:
    """Return the name of file `number` (from 0) of `count`."""
    suffix = f"-{number + 1}of{count}" if count > 1 else ""
    return files.name(source_of(plan).path.stem, f"-fixed{suffix}.{containers.EXTENSIONS[plan.container]}")


def _whole(plan: Plan, shop: Workshop, total: Fraction) -> Made:
    # ffmpeg-python is loaded only where something is made.
    from preflight.fixing import ffmpeg_commands

    path = shop.folder / name(plan, 0, 1)
    if plan.video is None:
        shop.run(ffmpeg_commands.remux(plan, path, ffmpeg=shop.ffmpeg), done=Fraction(0), length=total, total=total)
        return Made(path=path, start=Fraction(0), end=total, report=shop.recheck(path))
    piece = Piece(output=path)
    even = False
    if Action.SHRINK in plan.actions:
        raised = leveled(plan, shop, total)
        even, plan = raised is plan, raised
    report = encode(plan, piece, shop, done=Fraction(0), length=total, total=total, even=even)
    return Made(path=path, start=Fraction(0), end=total, report=report)


def _encoded(plan: Plan, stretches: list[Stretch], shop: Workshop) -> list[Made]:
    spans = _spans(plan, stretches)
    total = spans[-1][1] - spans[0][0]
    made = []
    for number, (start, end) in enumerate(spans):
        path = shop.folder / name(plan, number, len(spans))
        piece = _piece(plan, stretches, number, path)
        report = encode(plan, piece, shop, done=start - spans[0][0], length=end - start, total=total)
        made.append(Made(path=path, start=start, end=end, report=report))
    return made


def _copied(plan: Plan, stretches: list[Stretch], shop: Workshop) -> list[Made]:
    """Copy all clean stretches at once; make the others one by one."""
    from preflight.fixing import ffmpeg_commands

    if plan.container in _NO_HOMES and any(find_cuts.needs_encoding(stretch, source_of(plan)) for stretch in stretches):
        plan = replace(plan, container=Container.MKV)
    spans = _spans(plan, stretches)
    paths = [shop.folder / name(plan, number, len(spans)) for number in range(len(spans))]
    pieces = [_piece(plan, stretches, number, path) for number, path in enumerate(paths)]
    clean = [piece for piece, stretch in zip(pieces, stretches, strict=True) if stretch.clean]
    longest = max(end - start for start, end in spans)
    if clean:
        shop.run(ffmpeg_commands.copy(plan, clean, ffmpeg=shop.ffmpeg), done=Fraction(0), length=longest, total=longest)
    for piece, stretch, (start, end) in zip(pieces, stretches, spans, strict=True):
        if not stretch.clean:
            _mended(plan, piece, stretch, end - start, shop)
    return [
        Made(path=path, start=start, end=end, report=shop.recheck(path))
        for path, (start, end) in zip(paths, spans, strict=True)
    ]


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


def _mended(plan: Plan, piece: Piece, stretch: Stretch, length: Fraction, shop: Workshop) -> None:
    """Make a stretch that begins or ends between keyframes: encode the pictures there, copy those between."""
    from preflight.fixing import ffmpeg_commands

    def run(argv: Sequence[str]) -> None:
        shop.run(argv, done=Fraction(0), length=length, total=length)

    if find_cuts.needs_encoding(stretch, source_of(plan)):
        encode(as_encoded(plan, length), piece, shop, done=Fraction(0), length=length, total=length)
        return
    begin, end = piece.start, piece.start + length
    resume = stretch.start.resume
    stop = stretch.end.time if stretch.end else end
    if resume is None or resume >= stop:
        resume = stop = end
    parts: list[tuple[Path, Fraction | None]] = []
    for name_, start, finish in (("head", begin, resume), ("rest", resume, stop), ("tail", stop, end)):
        if start == finish:
            continue
        part = Piece(output=shop.folder / f"{name_}.mp4", start=start, end=finish)
        if name_ == "rest":
            copied = replace(part, end=piece.end, dts_end=piece.dts_end)
            copied = replace(copied, dts_start=piece.dts_start) if start == begin else copied
            run(ffmpeg_commands.copy(plan, [copied], ffmpeg=shop.ffmpeg, picture_only=True))
        else:
            run(ffmpeg_commands.head(plan, part, ffmpeg=shop.ffmpeg))
        parts.append((part.output, None if finish == end else finish - start))
    listing = shop.folder / "pictures.txt"
    listing.write_text(tool.concat_list(parts), encoding="utf-8", errors="surrogateescape")
    run(ffmpeg_commands.assemble(plan, listing, piece, ffmpeg=shop.ffmpeg))
