"""Make the files of a plan in a scratch folder with ffmpeg."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from preflight.events import Cancel, Listener, Progress, Stage
from preflight.fix import budget, cuts
from preflight.fix.splitting import Stretch
from preflight.media import Container, Media
from preflight.plan import Action, Plan, StreamPlan, Treatment, VideoEncode
from preflight.report import Code, Report
from preflight.tools import containers, files, packets
from preflight.tools import ffmpeg as tool
from preflight.tools.bounds import Piece

Recheck = Callable[[Path], Report]
MAX_TRIES = 3
"""Encodes of one file: the first, and corrections by the measured size."""


_NO_HOMES = frozenset({Container.WEBM, Container.AVI})
"""Containers in which H.264 is not at home; MKV holds it and all that they hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A file in the scratch folder, the stretch of the source it holds (seconds), and its verdict."""

    path: Path
    start: Fraction
    end: Fraction
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every step of the making needs."""

    folder: Path
    recheck: Recheck
    ffmpeg: str
    listener: Listener
    cancel: Cancel | None

    def run(self, argv: Sequence[str], *, done: Fraction, length: Fraction, total: Fraction, note: str = "") -> None:
        """Run ffmpeg for `length` seconds of video, `done` of `total` seconds being there already."""

        def hear(pace: tool.Pace) -> None:
            reached = min(float(done) + min(pace.seconds, float(length)), float(total))
            left = pace.left(float(total) - reached)
            self.listener(
                Progress(
                    stage=Stage.FIX, done=reached, total=float(total), unit="s", note=note, speed=pace.speed, eta=left
                )
            )

        tool.run(argv, on_progress=hear, cancel=self.cancel)


def make(plan: Plan, shop: Workshop) -> list[Made]:
    """Make the files of `plan` and return them in order, checked but not yet judged."""
    source = _source(plan)
    total = source.duration or Fraction(0)
    if plan.actions == (Action.RENAME,):
        path = files.copy(source.path, shop.folder / name(plan, 0, 1))
        return [Made(path=path, start=Fraction(0), end=total, report=shop.recheck(path))]
    if plan.trim is None and not plan.cuts:
        return [_whole(plan, shop, total)]
    stretches = cuts.stretches(plan, ffmpeg=shop.ffmpeg, cancel=shop.cancel)
    if plan.video is not None:
        return _encoded(plan, stretches, shop)
    return _copied(plan, stretches, shop)


def name(plan: Plan, number: int, count: int) -> str:
    """Return the name of file `number` (from 0) of `count`."""
    suffix = f"-{number + 1}of{count}" if count > 1 else ""
    return files.name(_source(plan).path.stem, f"-fixed{suffix}.{containers.EXTENSIONS[plan.container]}")


def _source(plan: Plan) -> Media:
    if plan.source is None:
        raise ValueError("a plan without a source can't be carried out")
    return plan.source


def _whole(plan: Plan, shop: Workshop, total: Fraction) -> Made:
    # ffmpeg-python is loaded only where something is made.
    from preflight.fix import commands

    path = shop.folder / name(plan, 0, 1)
    if plan.video is None:
        shop.run(commands.remux(plan, path, ffmpeg=shop.ffmpeg), done=Fraction(0), length=total, total=total)
        return Made(path=path, start=Fraction(0), end=total, report=shop.recheck(path))
    piece = Piece(output=path)
    report = _encode(plan, piece, shop, done=Fraction(0), length=total, total=total)
    return Made(path=path, start=Fraction(0), end=total, report=report)


def _encode(plan: Plan, piece: Piece, shop: Workshop, *, done: Fraction, length: Fraction, total: Fraction) -> Report:
    """Encode one piece; again with another cap while its size misses the limit, or leaves much of it unused."""
    from preflight.fix import commands

    best: Report | None = None
    for attempt in range(1, MAX_TRIES + 1):
        trial = piece.output.with_name(f"try-{attempt}{piece.output.suffix}")
        note = f"try {attempt}" if attempt > 1 else ""
        argv = commands.convert(plan, replace(piece, output=trial), ffmpeg=shop.ffmpeg)
        shop.run(argv, done=done, length=length, total=total, note=note)
        report = shop.recheck(trial)
        if best is None or report.ok:
            trial.replace(piece.output)
            best = report
        capped = _next_cap(plan, report, trial if trial.exists() else piece.output, length, shop)
        if capped is None or plan.video is None:
            break
        plan = replace(
            plan, video=replace(plan.video, max_rate=capped, buffer=int(capped * budget.buffer_seconds(length)))
        )
    return best if best is not None else report


def _next_cap(plan: Plan, report: Report, made: Path, length: Fraction, shop: Workshop) -> int | None:
    """Return the cap for another try in bits/s, or None when the file is good or nothing of this kind can mend it."""
    if plan.video is None:
        return None
    size, limit = made.stat().st_size, plan.limits.max_bytes
    if report.codes == (Code.SIZE,):
        return budget.corrected(plan.video.max_rate or int(size * 8 / length), size, limit)
    if not report.ok or plan.video.max_rate is None or size >= budget.ENOUGH * limit:
        return None
    listing = packets.scan(made, ffmpeg=shop.ffmpeg, cancel=shop.cancel)
    seconds = budget.by_second(listing.of(0), listing.heads[0].time_base)
    return budget.raised(plan.video.max_rate, size, limit, seconds)


def _encoded(plan: Plan, stretches: list[Stretch], shop: Workshop) -> list[Made]:
    spans = _spans(plan, stretches)
    total = spans[-1][1] - spans[0][0]
    made = []
    for number, (start, end) in enumerate(spans):
        last = stretches[number].end is None
        path = shop.folder / name(plan, number, len(spans))
        piece = Piece(output=path, start=start, end=None if last else end)
        report = _encode(plan, piece, shop, done=start - spans[0][0], length=end - start, total=total)
        made.append(Made(path=path, start=start, end=end, report=report))
    return made


def _copied(plan: Plan, stretches: list[Stretch], shop: Workshop) -> list[Made]:
    """Copy all clean stretches at once; make the others one by one."""
    from preflight.fix import commands

    if plan.container in _NO_HOMES and any(cuts.needs_encoding(stretch, _source(plan)) for stretch in stretches):
        plan = replace(plan, container=Container.MKV)
    spans = _spans(plan, stretches)
    paths = [shop.folder / name(plan, number, len(spans)) for number in range(len(spans))]
    clean = [
        Piece(
            output=path,
            start=stretch.start.time,
            end=stretch.end.time if stretch.end else None,
            dts_start=stretch.start.dts,
            dts_end=stretch.end.dts if stretch.end else None,
        )
        for path, stretch in zip(paths, stretches, strict=True)
        if stretch.start.clean
    ]
    longest = max(end - start for start, end in spans)
    if clean:
        shop.run(commands.copy(plan, clean, ffmpeg=shop.ffmpeg), done=Fraction(0), length=longest, total=longest)
    for path, stretch, (start, end) in zip(paths, stretches, spans, strict=True):
        if not stretch.start.clean:
            _mended(plan, path, stretch, end - start, shop)
    return [
        Made(path=path, start=start, end=end, report=shop.recheck(path))
        for path, (start, end) in zip(paths, spans, strict=True)
    ]


def _spans(plan: Plan, stretches: list[Stretch]) -> list[tuple[Fraction, Fraction]]:
    whole = _source(plan).duration or Fraction(0)
    return [(s.start.time, s.end.time if s.end else whole) for s in stretches]


def _mended(plan: Plan, path: Path, stretch: Stretch, length: Fraction, shop: Workshop) -> None:
    """Make a stretch that starts between keyframes: encode up to the next one, copy from there on."""
    from preflight.fix import commands

    piece = Piece(output=path, start=stretch.start.time, end=stretch.end.time if stretch.end else None)
    if cuts.needs_encoding(stretch, _source(plan)):
        _encode(as_encoded(plan, length), piece, shop, done=Fraction(0), length=length, total=length)
        return
    end = stretch.start.time + length
    resume = stretch.start.resume
    copied = resume is not None and resume < end
    first = replace(piece, output=shop.folder / "head.mp4", end=resume if copied else end)
    shop.run(commands.head(plan, first, ffmpeg=shop.ffmpeg), done=Fraction(0), length=length, total=length)
    pictures = [first.output]
    if copied and resume is not None:
        rest = Piece(
            output=shop.folder / "rest.mp4",
            start=resume,
            end=piece.end,
            dts_end=stretch.end.dts if stretch.end else None,
        )
        argv = commands.copy(plan, [rest], ffmpeg=shop.ffmpeg, picture_only=True)
        shop.run(argv, done=Fraction(0), length=length, total=length)
        pictures.append(rest.output)
    listing = shop.folder / "pictures.txt"
    lengths = [None if resume is None else resume - piece.start, None]
    listing.write_text(tool.concat_list(list(zip(pictures, lengths, strict=False))), encoding="utf-8")
    shop.run(commands.assemble(plan, listing, piece, ffmpeg=shop.ffmpeg), done=Fraction(0), length=length, total=length)


def as_encoded(plan: Plan, seconds: Fraction) -> Plan:
    """Return `plan` with an encoded picture within the size limit, for a stretch that nothing else can begin."""
    source = _source(plan)
    index = source.video.index if source.video else -1
    encode = VideoEncode()
    rate = budget.rate_for(plan.limits.max_bytes, seconds, other_bytes=int(plan.limits.max_bytes / 20))
    if rate is not None:
        encode = replace(encode, max_rate=rate.max_rate, buffer=rate.buffer)
    picture = StreamPlan(index=index, treatment=Treatment.ENCODE, encoder=encode.encoder)
    streams = tuple(picture if stream.index == index else stream for stream in plan.streams)
    return replace(plan, video=encode, streams=streams)
