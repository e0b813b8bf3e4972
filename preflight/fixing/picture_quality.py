"""Quality of a picture that a fix encodes: VMAF, predicted from samples and measured on the file.

VMAF (Li et al., Netflix 2016, model v0.6.1) compares each frame with the source's, at the source's size, so that
detail that a smaller picture loses counts. ffmpeg's filter `libvmaf` computes it; the ffmpeg of the wheel has it,
Debian's has not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from preflight.errors import ToolError, ToolMissingError
from preflight.events import Cancel
from preflight.fixing import ffmpeg_commands, video_options
from preflight.model.media import VideoStream
from preflight.model.plan import PictureQuality, Plan, VideoEncode
from preflight.tools import bounds, containers, ffmpeg_build, files
from preflight.tools import ffmpeg as tool
from preflight.tools.bounds import OutputRange

MEASURE = "VMAF"
"""The measure, 0..100: 93 can hardly be told from the source, 6 points are a difference that half of viewers see."""

SAMPLES = 4
"""Stretches that are encoded for a prediction, evenly spread."""

SAMPLE_SECONDS = Fraction(3)
"""Length of such a stretch."""

SAMPLE_BUFFER = Fraction(1)
"""Seconds of rate buffer in a sample. What the sample takes from it pays for the keyframe that it begins with: with
0.3 s the foreseen mean was 7 points below the measured one, with 1 s 0.2 (a film of 20 s at 0.4 of its size)."""

MAX_FRAMES = 600
"""Frames that are compared in a whole file, evenly spread: 20 s of one core at 1080p."""

LOW_SHARE = 0.01
"""Share of the worst frames whose best one is the low value."""


def require_measure(ffmpeg: str) -> None:
    """Raise ToolMissingError when the ffmpeg has no VMAF."""
    if "libvmaf" not in ffmpeg_build.features(ffmpeg, "filters"):
        raise ToolMissingError(
            f"{ffmpeg} has no filter libvmaf, which measures quality.",
            hint="Unset PREFLIGHT_FFMPEG to use the one in the imageio-ffmpeg wheel.",
        )


def predict(plan: Plan, folder: Path, *, ffmpeg: str, cancel: Cancel | None = None) -> PictureQuality | None:
    """Encode samples of a plan's picture and return their quality; None when the plan encodes no picture.

    Args:
        plan: a plan.
        folder: where samples are made and removed.
        ffmpeg: the ffmpeg program.
        cancel: stops the work when it is set.

    Raises:
        ToolMissingError: the ffmpeg has no VMAF.
        ToolError: ffmpeg failed.
        CancelledError: `cancel` was set.
    """
    source = plan.source
    if plan.video is None or source is None or source.video is None or not source.duration:
        return None
    require_measure(ffmpeg)
    scores: list[float] = []
    sampled = replace(plan, video=_level(plan.video))
    with files.scratch(folder) as scratch:
        for number, start in enumerate(sample_starts(*_stretch(plan, source.duration))):
            made = scratch / f"sample-{number}.{containers.EXTENSIONS[plan.container]}"
            end = min(start + SAMPLE_SECONDS, source.duration)
            span = OutputRange(output=made, start=start, end=end)
            tool.run(ffmpeg_commands.convert(sampled, span, ffmpeg=ffmpeg), cancel=cancel)
            scores += _compare(
                source.path, made, plan.video, source.video, start=start, every=1, ffmpeg=ffmpeg, cancel=cancel
            )
    return _summary(scores, predicted=True)


def measure(
    plan: Plan, made: Path, *, start: Fraction, frames: int, ffmpeg: str, cancel: Cancel | None = None
) -> PictureQuality | None:
    """Return the quality of an encoded file against the source's stretch from `start` on; `frames` is its length.

    Raises ToolMissingError, ToolError, CancelledError.
    """
    source = plan.source
    if plan.video is None or source is None or source.video is None:
        return None
    require_measure(ffmpeg)
    every = max(1, -(-frames // MAX_FRAMES))
    scores = _compare(
        source.path, made, plan.video, source.video, start=start, every=every, ffmpeg=ffmpeg, cancel=cancel
    )
    return _summary(scores, predicted=False)


def sample_starts(start: Fraction, end: Fraction) -> tuple[Fraction, ...]:
    """Return where samples of a stretch begin: the middles of equal parts, fewer in a short one."""
    length = end - start
    count = max(1, min(SAMPLES, int(length / (2 * SAMPLE_SECONDS))))
    middles = (start + length * (2 * number + 1) / (2 * count) for number in range(count))
    return tuple(max(start, middle - SAMPLE_SECONDS / 2) for middle in middles)


def _stretch(plan: Plan, duration: Fraction) -> tuple[Fraction, Fraction]:
    return plan.trim if plan.trim is not None else (Fraction(0), duration)


def _level(encode: VideoEncode) -> VideoEncode:
    """Return how a sample is encoded: with the rate that the whole file has for it in the mean."""
    if encode.max_rate is None:
        return encode
    return replace(encode, average=None, buffer=int(encode.max_rate * SAMPLE_BUFFER))


def _compare(
    source: Path,
    made: Path,
    encode: VideoEncode,
    stream: VideoStream,
    *,
    start: Fraction,
    every: int,
    ffmpeg: str,
    cancel: Cancel | None,
) -> list[float]:
    """Return the VMAF of the frames of `made`, every so manieth, at the size of the source."""
    reference = ",".join(
        [*filter(None, video_options.filters(replace(encode, size=None), stream)), "setpts=PTS-STARTPTS", _FORMAT]
    )
    with files.scratch(made.parent) as folder:
        log = folder / "quality.json"
        graph = (
            f"[0:v]{reference}[source];[1:v]setpts=PTS-STARTPTS,{_FORMAT}[small];"
            "[small][source]scale=rw:rh:flags=bicubic[made];"
            f"[made][source2]libvmaf=log_fmt=json:log_path={_escaped(log)}:n_threads=2:n_subsample={every}:shortest=1"
        )
        graph = graph.replace("[source];", ",split[source][source2];", 1)
        begun = max(Fraction(0), start - bounds.EPSILON)
        argv = [
            ffmpeg,
            "-v",
            "error",
            "-nostdin",
            *tool.INPUT_GUARD,
            "-ss",
            bounds.time(begun),
            "-i",
            tool.local(source),
        ]
        argv += [*tool.INPUT_GUARD, "-i", tool.local(made), "-filter_complex", graph, "-f", "null", "-"]
        tool.run(argv, cancel=cancel)
        try:
            found = json.loads(log.read_text("utf-8"))
            return [float(frame["metrics"]["vmaf"]) for frame in found["frames"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ToolError(f"ffmpeg measured no quality of {made.name}.") from error


_FORMAT = "format=yuv420p"
"""Filter to the samples that are compared."""


def _escaped(path: Path) -> str:
    """Return a path as a filter's option takes it."""
    return str(path).replace("\\", "\\\\\\\\").replace("'", "\\\\\\'").replace(":", "\\\\:").replace(",", "\\,")


def _summary(scores: Sequence[float], *, predicted: bool) -> PictureQuality | None:
    if not scores:
        return None
    ordered = sorted(scores)
    low = ordered[int(LOW_SHARE * len(ordered))]
    mean = sum(ordered) / len(ordered)
    return PictureQuality(
        measure=MEASURE, mean=round(mean, 2), low=round(low, 2), frames=len(ordered), predicted=predicted
    )
