"""From measures to a verdict: pure, with every threshold in one place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from preflight.restore.acceptance.measures import AcceptanceMeasures, TextTrace
from preflight.restore.acceptance.report import (
    AcceptanceFinding,
    AcceptanceReport,
    AcceptanceVerdict,
    ExpectedText,
    Level,
    Place,
    Problem,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceLimits:
    """Limits beyond which a result gets a remark, or is poor."""

    trace_remark: float = 0.15
    """Share of the letters' contrast that is left, median over a text's frames, which an attentive eye sees."""
    trace_poor: float = 0.3
    """The same share at or above which everybody sees the text."""
    legible_frames: int = 2
    """Looked-at frames on which a text can be read, at or above which it counts as left; one may be a misreading."""
    outside_share: float = 0.004
    """Share of the picture, changed outside the text, at or above which the result is poor: two tiles."""
    outside_seconds: float = 0.12
    """Seconds that such a change lasts at least; shorter ones are coding errors."""
    lasting_share: float = 0.7
    """Share of the video at or above which a changed place is taken for a graphic that was removed: a remark."""
    psnr_remark: float = 33.0
    """Median luma PSNR outside the text in dB below which compression is seen."""
    psnr_poor: float = 27.0
    """The same below which it disturbs."""
    missing_share: float = 0.002
    """Share of frames that may be missing with a remark only: one in 500."""
    tail_frames: int = 2
    """Frames by which a result may be longer or shorter at its end with a remark only."""
    frozen_seconds: float = 0.15
    """Seconds of standing still, while the source moves, at or above which the result is poor."""
    frozen_share: float = 0.08
    """Share of frames in runs of `frozen_run` that stand still, above which the result is poor. A real twin at a low
    bit rate has 0.04."""
    frozen_run: int = 3
    """Frames of a run that counts: words that pop up in the source alone look like one or two frozen frames."""
    shift_remark: float = 0.4
    """Samples at the analysis size by which the picture may be shifted without a remark."""
    shift_poor: float = 0.9
    """The same at or above which the result is poor: two pixels at 1080p."""
    time_shift_poor: float = 0.06
    """Seconds by which the picture is late or early at or above which the result is poor."""
    sync_remark: float = 0.045
    """Seconds between sound and picture that are noticed (ITU-R BT.1359-1)."""
    sync_poor: float = 0.09
    """Seconds between sound and picture that are not acceptable (ITU-R BT.1359-1)."""
    flicker_remark: float = 4.0
    """Gray levels of mean warping error inside a text's place above that around it."""
    flicker_poor: float = 10.0
    """The same at or above which flicker disturbs."""
    bit_rate_share: float = 0.25
    """Share of the source's bit rate below which the result gets a remark when its PSNR does, too."""


LIMITS = AcceptanceLimits()


def judge(
    measures: AcceptanceMeasures, size: tuple[int, int], scale: float = 1.0, limits: AcceptanceLimits = LIMITS
) -> AcceptanceReport:
    """Return the verdict on what was measured.

    Args:
        measures: boxes at the analysis size, but for those of places.
        size: width and height of the source's upright picture, in pixels.
        scale: pixels of the source for each sample of the analysis size.
        limits: the limits.
    """
    found = [finding for finding in _findings(measures, scale, limits) if finding is not None]
    found.sort(key=lambda finding: finding.level is Level.REMARK)
    levels = {finding.level for finding in found}
    verdict = (
        AcceptanceVerdict.POOR
        if Level.POOR in levels
        else AcceptanceVerdict.REMARKS
        if levels
        else AcceptanceVerdict.ACCEPTED
    )
    shift = _median_shift(measures)
    return AcceptanceReport(
        verdict=verdict,
        findings=tuple(found),
        frames=measures.frames,
        frame_rate=round(measures.rate, 3),
        size=size,
        texts=len(measures.texts),
        residual_texts=sum(_left_of(trace, limits)[0] is not None for _, trace in measures.texts),
        outside_psnr=round(float(np.median(measures.outside_psnr)), 2) if measures.outside_psnr else None,
        worst_tile_psnr=None if measures.worst_tile_psnr is None else round(measures.worst_tile_psnr, 2),
        missing_frames=max(0, measures.frames - measures.cleaned_frames),
        extra_frames=max(0, measures.cleaned_frames - measures.frames),
        frozen_frames=sum(run.frames for run in measures.frozen),
        shift=(round(shift[0] * scale, 2), round(shift[1] * scale, 2)),
        time_shift=round(_time_shift(measures), 4),
        sync_error=_sync_error(measures),
        flicker=round(max((_flicker(trace) for _, trace in measures.texts), default=0.0), 2),
        bit_rate=round(measures.bit_rate),
    )


def _findings(m: AcceptanceMeasures, scale: float, limits: AcceptanceLimits) -> Iterator[AcceptanceFinding | None]:
    yield from _residual(m, scale, limits)
    yield _written(m)
    yield _outside(m, scale, limits)
    yield _quality(m, limits)
    yield from _frames(m, limits)
    yield _frozen(m, limits)
    yield _shifted(m, scale, limits)
    yield _late(m, limits)
    yield _sound(m, limits)
    yield _flickers(m, scale, limits)


def _left_of(trace: TextTrace, limits: AcceptanceLimits) -> tuple[Level | None, list[int]]:
    """Return how much of a text is left, and on which frames."""
    legible = sorted(frame for frame, text in trace.readings.items() if text)
    strong = sorted(frame for frame, value in trace.traces.items() if value >= limits.trace_poor)
    median = float(np.median(list(trace.traces.values()))) if trace.traces else 0.0
    if len(legible) >= min(limits.legible_frames, max(1, len(trace.readings))):
        return Level.POOR, sorted({*legible, *trace.unchanged})
    if median >= limits.trace_poor or (trace.traces and len(strong) > 0.3 * len(trace.traces)):
        return Level.POOR, strong
    if legible or median >= limits.trace_remark:
        return Level.REMARK, legible or sorted(trace.traces)
    return None, []


def _residual(m: AcceptanceMeasures, scale: float, limits: AcceptanceLimits) -> Iterator[AcceptanceFinding]:
    for level in (Level.POOR, Level.REMARK):
        places = []
        for text, trace in m.texts:
            found, frames = _left_of(trace, limits)
            if found is level and frames:
                value = max((trace.traces.get(frame, 1.0) for frame in frames), default=1.0)
                read = next((trace.readings[frame] for frame in frames if trace.readings.get(frame)), "")
                places.append(_place(text, frames, m.rate, scale, words=read or text.text, value=value))
        if places:
            words = ", ".join(f'"{place.text}"' for place in places[:3])
            how = " in traces" if level is Level.REMARK else ""
            reason = f"{len(places)} of {len(m.texts)} texts are left{how}: {words}."
            yield AcceptanceFinding(problem=Problem.RESIDUAL_TEXT, level=level, reason=reason, places=tuple(places))


def _place(text: ExpectedText, frames: Sequence[int], rate: float, scale: float, *, words: str, value: float) -> Place:
    return Place(
        first_frame=frames[0],
        last_frame=frames[-1],
        time=round(frames[0] / rate, 3),
        box=_scaled(text.box, scale),
        text=words,
        value=round(value, 3),
    )


def _written(m: AcceptanceMeasures) -> AcceptanceFinding | None:
    if not m.written:
        return None
    words = ", ".join(dict.fromkeys(f'"{place.text}"' for place in m.written[:3]))
    repeated = len(m.written) > 1
    return AcceptanceFinding(
        problem=Problem.WRITTEN_TEXT,
        level=Level.POOR if repeated else Level.REMARK,
        reason=f"The result shows text that the source does not have: {words}.",
        places=tuple(m.written),
    )


def _outside(m: AcceptanceMeasures, scale: float, limits: AcceptanceLimits) -> AcceptanceFinding | None:
    lasting = [c for c in m.outside if (c.last - c.first + 1) / m.rate >= limits.outside_seconds]
    if not lasting:
        return None
    places = tuple(
        Place(
            first_frame=change.first,
            last_frame=change.last,
            time=round(change.first / m.rate, 3),
            box=_scaled(change.box, scale),
            value=round(change.psnr, 1),
        )
        for change in sorted(lasting, key=lambda change: change.psnr)
    )
    poor = any(
        change.share >= limits.outside_share and change.last - change.first + 1 < limits.lasting_share * m.frames
        for change in lasting
    )
    worst = min(lasting, key=lambda change: change.psnr)
    reason = f"{len(lasting)} places outside the text differ; the worst tile has {worst.psnr:.1f} dB."
    return AcceptanceFinding(
        problem=Problem.CHANGED_OUTSIDE, level=Level.POOR if poor else Level.REMARK, reason=reason, places=places
    )


def _scaled(box: tuple[int, int, int, int], scale: float) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(edge * scale) for edge in box)
    return left, top, right, bottom


def _quality(m: AcceptanceMeasures, limits: AcceptanceLimits) -> AcceptanceFinding | None:
    if not m.outside_psnr:
        return None
    value = float(np.median(m.outside_psnr))
    if value >= limits.psnr_remark:
        return None
    level = Level.POOR if value < limits.psnr_poor else Level.REMARK
    low = m.bit_rate < limits.bit_rate_share * m.source_bit_rate
    why = f" at {m.bit_rate / 1e6:.2f} Mb/s, {m.bit_rate / m.source_bit_rate:.0%} of the source's" if low else ""
    problem = Problem.BIT_RATE if low else Problem.LOW_QUALITY
    return AcceptanceFinding(
        problem=problem, level=level, reason=f"The picture outside the text has {value:.1f} dB{why}."
    )


def _frames(m: AcceptanceMeasures, limits: AcceptanceLimits) -> Iterator[AcceptanceFinding | None]:
    missing = m.frames - m.cleaned_frames
    interval = 1 / m.rate
    at_end = m.source_length - m.cleaned_length > 0.5 * interval * max(1, missing)
    if missing > 0:
        count = missing
        harmless = (
            not m.dropped and at_end and count <= limits.tail_frames
        ) or count <= limits.missing_share * m.frames
        places = tuple(Place(first_frame=n, last_frame=n, time=round(n * interval, 3)) for n in m.dropped)
        yield AcceptanceFinding(
            problem=Problem.MISSING_FRAMES,
            level=Level.REMARK if harmless else Level.POOR,
            reason=f"{count} of {m.frames} frames are missing.",
            places=places,
        )
    if missing < 0:
        level = Level.REMARK if -missing <= limits.tail_frames else Level.POOR
        yield AcceptanceFinding(
            problem=Problem.EXTRA_FRAMES, level=level, reason=f"The result has {-missing} frames more than the source."
        )


def _frozen(m: AcceptanceMeasures, limits: AcceptanceLimits) -> AcceptanceFinding | None:
    if not m.frozen:
        return None
    longest = max(m.frozen, key=lambda run: run.frames)
    share = sum(run.frames for run in m.frozen if run.frames >= limits.frozen_run) / max(1, m.frames)
    poor = longest.frames / m.rate >= limits.frozen_seconds or share >= limits.frozen_share
    return AcceptanceFinding(
        problem=Problem.FROZEN,
        level=Level.POOR if poor else Level.REMARK,
        reason=f"The picture stands still up to {longest.frames / m.rate:.2f} s while the source moves.",
        places=tuple(
            Place(first_frame=run.first, last_frame=run.last, time=round(run.first / m.rate, 3)) for run in m.frozen
        ),
    )


def _median_shift(m: AcceptanceMeasures) -> tuple[float, float]:
    if not m.shifts:
        return 0.0, 0.0
    across, down = np.median(m.shifts, axis=0)
    return float(across), float(down)


def _shifted(m: AcceptanceMeasures, scale: float, limits: AcceptanceLimits) -> AcceptanceFinding | None:
    across, down = _median_shift(m)
    largest = max(abs(across), abs(down))
    if largest < limits.shift_remark:
        return None
    return AcceptanceFinding(
        problem=Problem.PICTURE_SHIFT,
        level=Level.POOR if largest >= limits.shift_poor else Level.REMARK,
        reason=f"The picture is shifted by {across * scale:+.1f}, {down * scale:+.1f} pixels.",
    )


def _time_shift(m: AcceptanceMeasures) -> float:
    return float(np.median(m.time_shifts)) if m.time_shifts else 0.0


def _late(m: AcceptanceMeasures, limits: AcceptanceLimits) -> AcceptanceFinding | None:
    value = _time_shift(m)
    if abs(value) < 0.75 / m.rate:
        return None
    level = Level.POOR if abs(value) >= limits.time_shift_poor else Level.REMARK
    return AcceptanceFinding(
        problem=Problem.TIME_SHIFT,
        level=level,
        reason=f"The picture comes {abs(value):.3f} s too {'late' if value > 0 else 'early'}.",
    )


def _sync_error(m: AcceptanceMeasures) -> float | None:
    if m.source_sync is None or m.cleaned_sync is None:
        return None
    return round(m.cleaned_sync - m.source_sync - _time_shift(m), 4)


def _sound(m: AcceptanceMeasures, limits: AcceptanceLimits) -> AcceptanceFinding | None:
    error = _sync_error(m)
    if error is None or abs(error) < limits.sync_remark:
        return None
    level = Level.POOR if abs(error) >= limits.sync_poor else Level.REMARK
    reason = f"The sound is {abs(error):.3f} s too {'late' if error > 0 else 'early'} against the picture."
    return AcceptanceFinding(problem=Problem.SYNC, level=level, reason=reason)


def _flicker(trace: TextTrace) -> float:
    values = list(trace.flicker.values())
    return float(np.mean(values)) if values else 0.0


def _flickers(m: AcceptanceMeasures, scale: float, limits: AcceptanceLimits) -> AcceptanceFinding | None:
    bad = [(text, trace) for text, trace in m.texts if _flicker(trace) >= limits.flicker_remark]
    if not bad:
        return None
    worst = max(_flicker(trace) for _, trace in bad)
    places = tuple(
        _place(text, sorted(trace.flicker), m.rate, scale, words=text.text, value=_flicker(trace))
        for text, trace in bad
    )
    return AcceptanceFinding(
        problem=Problem.FLICKER,
        level=Level.POOR if worst >= limits.flicker_poor else Level.REMARK,
        reason=f"{len(bad)} filled places flicker, by up to {worst:.1f} gray levels.",
        places=places,
    )


def worst_places(findings: Iterable[AcceptanceFinding]) -> list[tuple[Problem, Place]]:
    """Return the places that a claim shows first: of the heaviest findings, worst first."""
    return [(finding.problem, place) for finding in findings for place in finding.places]
