"""Make the files of a plan in a scratch folder with ffmpeg."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from preflight.errors import CancelledError
from preflight.events import Cancel, Listener, Progress, Stage
from preflight.fix import budget, cuts
from preflight.fix.splitting import Stretch
from preflight.media import Container, Media
from preflight.plan import Action, Plan, StreamPlan, Treatment, VideoEncode
from preflight.report import Code, Report
from preflight.tools import containers, files, index, packets
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


@dataclass(slots=True)
class Watch:
    """A cancel flag that is also set once an encode of `length` seconds takes bytes faster than the `limit` allows."""

    limit: int
    length: Fraction
    cancel: Cancel | None
    overspent: bool = False

    def look(self, pace: tool.Pace) -> None:
        """Judge how far an encode is."""
        self.overspent |= budget.overspent(pace.size, self.limit, Fraction(pace.seconds), self.length)

    def is_set(self) -> bool:
        """Return True once the encode shall stop."""
        return self.overspent or (self.cancel is not None and self.cancel.is_set())


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every step of the making needs."""

    folder: Path
    recheck: Recheck
    ffmpeg: str
    listener: Listener
    cancel: Cancel | None

    def run(
        self,
        argv: Sequence[str],
        *,
        done: Fraction,
        length: Fraction,
        total: Fraction,
        note: str = "",
        watch: Watch | None = None,
    ) -> None:
        """Run ffmpeg for `length` seconds of video, `done` of `total` seconds being there already."""

        def hear(pace: tool.Pace) -> None:
            if watch is not None:
                watch.look(pace)
            reached = min(float(done) + min(pace.seconds, float(length)), float(total))
            left = pace.left(float(total) - reached)
            self.listener(
                Progress(
                    stage=Stage.FIX, done=reached, total=float(total), unit="s", note=note, speed=pace.speed, eta=left
                )
            )

        tool.run(argv, on_progress=hear, cancel=watch or self.cancel)


def make(plan: Plan, shop: Workshop) -> list[Made]:
    """Make the files of `plan` and return them in order, checked but not yet judged."""
    source = _source(plan)
    total = source.duration or Fraction(0)
    if plan.actions == (Action.RENAME,):
        path = files.copy(source.path, shop.folder / name(plan, 0, 1))
        return [Made(path=path, start=Fraction(0), end=total, report=shop.recheck(path))]
    plan = replace(plan, source=index.mended(source, shop.folder, ffmpeg=shop.ffmpeg, cancel=shop.cancel))
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
    even = False
    if Action.SHRINK in plan.actions:
        leveled = _leveled(plan, shop, total)
        even, plan = leveled is plan, leveled
    report = _encode(plan, piece, shop, done=Fraction(0), length=total, total=total, even=even)
    return Made(path=path, start=Fraction(0), end=total, report=report)


def _leveled(plan: Plan, shop: Workshop, total: Fraction) -> Plan:
    """Return `plan` with the cap raised by what calm seconds leave, where the source has many; a sample tells it."""
    from preflight.fix import commands

    if plan.video is None or plan.video.max_rate is None:
        return plan
    source = _by_second(_source(plan).path, shop)
    start = budget.sample_start(source)
    if start is None:
        return plan
    free = replace(plan, video=replace(plan.video, max_rate=None, buffer=None))
    end = Fraction(start + budget.SAMPLE)
    piece = Piece(
        output=shop.folder / f"sample.{containers.EXTENSIONS[plan.container]}", start=Fraction(start), end=end
    )
    shop.run(commands.convert(free, piece, ffmpeg=shop.ffmpeg), done=Fraction(0), length=Fraction(0), total=total)
    sampled = _by_second(piece.output, shop)
    piece.output.unlink()
    if len(sampled) < budget.SAMPLE:
        return plan
    return _capped(plan, budget.leveled(plan.video.max_rate, total, budget.wanted(source, sampled)), total)


def _by_second(path: Path, shop: Workshop) -> list[int]:
    listing = packets.scan(path, ffmpeg=shop.ffmpeg, maps=("0:V:0",), cancel=shop.cancel)
    return budget.by_second(listing.of(0), listing.heads[0].time_base)


def _capped(plan: Plan, rate: int, length: Fraction) -> Plan:
    if plan.video is None:
        return plan
    if plan.video.average is not None:
        return replace(plan, video=budget.with_average(plan.video, rate, length))
    return replace(plan, video=replace(plan.video, max_rate=rate, buffer=int(rate * budget.buffer_seconds(length))))


def _encode(
    plan: Plan, piece: Piece, shop: Workshop, *, done: Fraction, length: Fraction, total: Fraction, even: bool = False
) -> Report:
    """Encode one piece; again with another cap while its size misses the limit, or leaves much of it unused.

    `even` tells that no seconds of it are much calmer than the others.
    """
    best: Report | None = None
    for attempt in range(1, MAX_TRIES + 1):
        trial = piece.output.with_name(f"try-{attempt}{piece.output.suffix}")
        note = f"try {attempt}" if attempt > 1 else ""
        run = partial(shop.run, done=done, length=length, total=total, note=note)
        plan = _tried(plan, replace(piece, output=trial), run, length, shop, even=even and attempt == 1)
        report = shop.recheck(trial)
        if best is None or report.ok:
            trial.replace(piece.output)
            best = report
        capped = _next_cap(plan, report, trial if trial.exists() else piece.output, length, attempt, shop)
        if capped is None:
            break
        plan = _capped(plan, capped, length)
    return best if best is not None else report


def _tried(plan: Plan, piece: Piece, run: Callable[..., None], length: Fraction, shop: Workshop, *, even: bool) -> Plan:
    """Encode `piece` and return the plan it was made by: by an average rate if the first seconds pass the size limit.

    Then the limit decides and not the quality asked for, and an average spends the same bits better than a cap.
    """
    from preflight.fix import commands

    average = budget.averaged(plan.video, length) if even and plan.video is not None else None
    watch = None if average is None else Watch(plan.limits.max_bytes, length, shop.cancel)
    try:
        run(commands.convert(plan, piece, ffmpeg=shop.ffmpeg), watch=watch)
    except CancelledError:
        if watch is None or not watch.overspent:
            raise
        plan = replace(plan, video=average)
        run(commands.convert(plan, piece, ffmpeg=shop.ffmpeg))
    return plan


def _next_cap(plan: Plan, report: Report, made: Path, length: Fraction, attempt: int, shop: Workshop) -> int | None:
    """Return the cap for another try in bits/s, or None when the file is good or nothing of this kind can mend it."""
    if plan.video is None:
        return None
    size, limit = made.stat().st_size, plan.limits.max_bytes
    if report.codes == (Code.SIZE,):
        rate = plan.video.average or plan.video.max_rate or int(size * 8 / length)
        return budget.corrected(rate, size, limit, picture=sum(_by_second(made, shop)), attempt=attempt)
    if report.ok and plan.video.average and size < budget.ENOUGH * limit:
        return budget.scaled(plan.video.average, size, limit)
    if not report.ok or plan.video.average or plan.video.max_rate is None or size >= budget.ENOUGH * limit:
        return None
    return budget.raised(plan.video.max_rate, size, limit, _by_second(made, shop))


def _encoded(plan: Plan, stretches: list[Stretch], shop: Workshop) -> list[Made]:
    spans = _spans(plan, stretches)
    total = spans[-1][1] - spans[0][0]
    made = []
    for number, (start, end) in enumerate(spans):
        path = shop.folder / name(plan, number, len(spans))
        piece = _piece(plan, stretches, number, path)
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
    pieces = [_piece(plan, stretches, number, path) for number, path in enumerate(paths)]
    clean = [piece for piece, stretch in zip(pieces, stretches, strict=True) if stretch.clean]
    longest = max(end - start for start, end in spans)
    if clean:
        shop.run(commands.copy(plan, clean, ffmpeg=shop.ffmpeg), done=Fraction(0), length=longest, total=longest)
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
    whole = _source(plan).duration or Fraction(0)
    return [(s.start.time, whole if s.finish is None else s.finish) for s in stretches]


def _mended(plan: Plan, piece: Piece, stretch: Stretch, length: Fraction, shop: Workshop) -> None:
    """Make a stretch that begins or ends between keyframes: encode the pictures there, copy those between."""
    from preflight.fix import commands

    def run(argv: Sequence[str]) -> None:
        shop.run(argv, done=Fraction(0), length=length, total=length)

    if cuts.needs_encoding(stretch, _source(plan)):
        _encode(as_encoded(plan, length), piece, shop, done=Fraction(0), length=length, total=length)
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
            run(commands.copy(plan, [copied], ffmpeg=shop.ffmpeg, picture_only=True))
        else:
            run(commands.head(plan, part, ffmpeg=shop.ffmpeg))
        parts.append((part.output, None if finish == end else finish - start))
    listing = shop.folder / "pictures.txt"
    listing.write_text(tool.concat_list(parts), encoding="utf-8")
    run(commands.assemble(plan, listing, piece, ffmpeg=shop.ffmpeg))


def as_encoded(plan: Plan, seconds: Fraction) -> Plan:
    """Return `plan` with an encoded picture within the size limit, for a stretch that nothing else can begin."""
    source = _source(plan)
    number = source.video.index if source.video else -1
    encode = VideoEncode()
    rate = budget.rate_for(plan.limits.max_bytes, seconds, other_bytes=int(plan.limits.max_bytes / 20))
    if rate is not None:
        encode = replace(encode, max_rate=rate.max_rate, buffer=rate.buffer)
    picture = StreamPlan(index=number, treatment=Treatment.ENCODE, encoder=encode.encoder)
    streams = tuple(picture if stream.index == number else stream for stream in plan.streams)
    return replace(plan, video=encode, streams=streams)
