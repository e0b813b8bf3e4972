"""Encode a file within a size limit: cap or average, tried again by what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from preflight.errors import CancelledError
from preflight.events import Cancel, Listener, Progress, Stage
from preflight.fixing import bit_budget
from preflight.model.media import Media
from preflight.model.plan import Plan, StreamPlan, Treatment, VideoEncode
from preflight.model.report import Code, Report
from preflight.tools import containers, packets
from preflight.tools import ffmpeg as tool
from preflight.tools.bounds import OutputRange

Recheck = Callable[[Path], Report]
MAX_TRIES = 3
"""Encodes of one file: the first, and corrections by the measured size."""


@dataclass(slots=True)
class Watch:
    """A cancel flag that is also set once an encode of `length` seconds takes bytes faster than the `limit` allows."""

    limit: int
    length: Fraction
    cancel: Cancel | None
    overspent: bool = False

    def look(self, pace: tool.Pace) -> None:
        """Judge how far an encode is."""
        self.overspent |= bit_budget.is_overspent(pace.size, self.limit, Fraction(pace.seconds), self.length)

    def is_set(self) -> bool:
        """Return True once the encode shall stop."""
        return self.overspent or (self.cancel is not None and self.cancel.is_set())


@dataclass(frozen=True, slots=True, kw_only=True)
class FixContext:
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


def source_of(plan: Plan) -> Media:
    """Return the source of `plan`, which has one unless it was made by hand."""
    if plan.source is None:
        raise ValueError("a plan without a source can't be carried out")
    return plan.source


def with_level_rate(plan: Plan, context: FixContext, total: Fraction) -> Plan:
    """Return `plan` with the cap raised by what calm seconds leave, where the source has many; a sample tells it."""
    from preflight.fixing import ffmpeg_commands

    if plan.video is None or plan.video.max_rate is None:
        return plan
    source = _by_second(source_of(plan).path, context)
    start = bit_budget.sample_start(source)
    if start is None:
        return plan
    free = replace(plan, video=replace(plan.video, max_rate=None, buffer=None))
    end = Fraction(start + bit_budget.SAMPLE)
    span = OutputRange(
        output=context.folder / f"sample.{containers.EXTENSIONS[plan.container]}", start=Fraction(start), end=end
    )
    context.run(
        ffmpeg_commands.convert(free, span, ffmpeg=context.ffmpeg), done=Fraction(0), length=Fraction(0), total=total
    )
    sampled = _by_second(span.output, context)
    span.output.unlink()
    if len(sampled) < bit_budget.SAMPLE:
        return plan
    return _capped(
        plan, bit_budget.level_rate(plan.video.max_rate, total, bit_budget.demand_per_second(source, sampled)), total
    )


def _by_second(path: Path, context: FixContext) -> list[int]:
    listing = packets.scan(path, ffmpeg=context.ffmpeg, maps=("0:V:0",), cancel=context.cancel)
    return bit_budget.by_second(listing.of(0), listing.heads[0].time_base)


def _capped(plan: Plan, rate: int, length: Fraction) -> Plan:
    if plan.video is None:
        return plan
    if plan.video.average is not None:
        return replace(plan, video=bit_budget.with_average(plan.video, rate, length))
    return replace(plan, video=replace(plan.video, max_rate=rate, buffer=int(rate * bit_budget.buffer_seconds(length))))


def encode(
    plan: Plan,
    span: OutputRange,
    context: FixContext,
    *,
    done: Fraction,
    length: Fraction,
    total: Fraction,
    even: bool = False,
) -> Report:
    """Encode one span; again with another cap while its size misses the limit, or leaves much of it unused.

    `even` tells that no seconds of it are much calmer than the others.
    """
    best: Report | None = None
    for attempt in range(1, MAX_TRIES + 1):
        trial = span.output.with_name(f"try-{attempt}{span.output.suffix}")
        note = f"try {attempt}" if attempt > 1 else ""
        run = partial(context.run, done=done, length=length, total=total, note=note)
        plan = _tried(plan, replace(span, output=trial), run, length, context, even=even and attempt == 1)
        report = context.recheck(trial)
        if best is None or report.ok:
            trial.replace(span.output)
            best = report
        capped = _next_cap(plan, report, trial if trial.exists() else span.output, length, attempt, context)
        if capped is None:
            break
        plan = _capped(plan, capped, length)
    return best if best is not None else report


def _tried(
    plan: Plan, span: OutputRange, run: Callable[..., None], length: Fraction, context: FixContext, *, even: bool
) -> Plan:
    """Encode `span` and return the plan it was made by: by an average rate if the first seconds pass the size limit.

    Then the limit decides and not the quality asked for, and an average spends the same bits better than a cap.
    """
    from preflight.fixing import ffmpeg_commands

    average = bit_budget.as_average_rate(plan.video, length) if even and plan.video is not None else None
    watch = None if average is None else Watch(plan.limits.max_bytes, length, context.cancel)
    try:
        run(ffmpeg_commands.convert(plan, span, ffmpeg=context.ffmpeg), watch=watch)
    except CancelledError:
        if watch is None or not watch.overspent:
            raise
        plan = replace(plan, video=average)
        run(ffmpeg_commands.convert(plan, span, ffmpeg=context.ffmpeg))
    return plan


def _next_cap(
    plan: Plan, report: Report, made: Path, length: Fraction, attempt: int, context: FixContext
) -> int | None:
    """Return the cap for another try in bits/s, or None when the file is good or nothing of this kind can mend it."""
    if plan.video is None:
        return None
    size, limit = made.stat().st_size, plan.limits.max_bytes
    if report.codes == (Code.SIZE,):
        rate = plan.video.average or plan.video.max_rate or int(size * 8 / length)
        return bit_budget.correct_rate(rate, size, limit, picture=sum(_by_second(made, context)), attempt=attempt)
    if report.ok and plan.video.average and size < bit_budget.ENOUGH * limit:
        return bit_budget.scale_rate(plan.video.average, size, limit)
    if not report.ok or plan.video.average or plan.video.max_rate is None or size >= bit_budget.ENOUGH * limit:
        return None
    capped = bit_budget.RateCap(max_rate=plan.video.max_rate, buffer=plan.video.buffer or plan.video.max_rate)
    return bit_budget.raise_rate(capped, size, limit, _by_second(made, context))


def as_encoded(plan: Plan, seconds: Fraction) -> Plan:
    """Return `plan` with an encoded picture within the size limit, for a stretch that nothing else can begin."""
    source = source_of(plan)
    number = source.video.index if source.video else -1
    encode = VideoEncode()
    rate = bit_budget.rate_for(plan.limits.max_bytes, seconds, other_bytes=int(plan.limits.max_bytes / 20))
    if rate is not None:
        encode = replace(encode, max_rate=rate.max_rate, buffer=rate.buffer)
    picture = StreamPlan(index=number, treatment=Treatment.ENCODE, encoder=encode.encoder)
    streams = tuple(picture if stream.index == number else stream for stream in plan.streams)
    return replace(plan, video=encode, streams=streams)
