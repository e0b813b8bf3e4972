"""The one encode: filled pictures in at their exact times, every other stream copied, the name put on at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from preflight.engine.encode import matroska, quality, result_proof
from preflight.engine.encode.companions import Companions
from preflight.engine.encode.formats import MP4_FORMATS, container
from preflight.engine.media.decode import Frame, Plane, frame_bytes, to_stored
from preflight.engine.media.orientation import display_matrix
from preflight.engine.media.probe import Source
from preflight.errors import DiskFullError, ToolError, UsageError
from preflight.tools import bounds, ffmpeg, files, fmp4, mp4_tables, process

_TURNS_INPUTS = (6, 0)
"""First version of ffmpeg with `-display_rotation` and `-display_hflip`."""


def encoder(form: str, *, fine: bool) -> tuple[str, ...]:
    """Return the options of the encoder for a format, at the usual quality or that for grainy pictures."""
    if form == "webm":
        return quality.FINE_VP9 if fine else quality.USUAL_VP9
    chosen = quality.FINE if fine else quality.USUAL
    return (*chosen, "-bf", "0") if form == "avi" else chosen


def command(
    source: Source,
    program: str,
    destination: Path,
    beside: Companions,
    *,
    later: Fraction,
    fine: bool,
    held: tuple[Fraction, Fraction] | None = None,
) -> list[str]:
    """Return the argv that encodes pictures from stdin with the source's companions, all `later` by some seconds.

    `held` is when the last frame is shown and for how long, in seconds, where that is longer than frames usually last.
    Then there are no B-frames: MP4 counts a track's length in decoding order and would cut that frame short.
    """
    base = source.time_base
    picture = ["-vf", color_tags(source), "-enc_time_base", f"{base.numerator}:{base.denominator}"]
    picture += [*encoder(container(destination), fine=fine), "-pix_fmt", "yuv420p"]
    if held is not None:
        # Encoders of ffmpeg 5 don't carry durations on.
        picture += ["-bf", "0", "-bsf:v", bounds.hold_filter(held)]
    return _joined(source, program, destination, beside, "matroska", picture, later=later)


def is_padded(source: Source, destination: Path) -> bool:
    """Return True when a side is odd, which H.264 in 4:2:0 can't have."""
    return container(destination) != "webm" and bool(source.width % 2 or source.height % 2)


def _even(source: Source, destination: Path) -> tuple[int, int]:
    """Return the size of the frames that are encoded."""
    if not is_padded(source, destination):
        return source.width, source.height
    return source.width + source.width % 2, source.height + source.height % 2


def assembly(source: Source, program: str, destination: Path, beside: Companions, *, shift: Fraction) -> list[str]:
    """Return the argv that takes a finished picture from stdin, as `fragments` write it, and does all the rest."""
    return _joined(source, program, destination, beside, "mp4", ("-c:v", "copy"), shift=shift)


def _joined(
    source: Source,
    program: str,
    destination: Path,
    beside: Companions,
    piped: str,
    picture: Sequence[str],
    *,
    shift: Fraction = Fraction(0),
    later: Fraction = Fraction(0),
) -> list[str]:
    form, base = container(destination), source.time_base
    argv = [program, "-y", "-v", "error", "-copyts"]
    if form not in MP4_FORMATS:
        argv += [*(("-display_rotation", str(source.turns * 90)) if source.turns else ())]
        argv += [*(("-display_hflip",) if source.mirrored else ())]
    if shift:
        argv += ["-itsoffset", str(float(shift))]
    argv += ["-noautorotate", "-f", piped, "-i", "pipe:0"]
    if later:
        argv += ["-itsoffset", str(float(later))]
    argv += [*ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(source.path)]
    argv += ["-map", "0:v:0", *beside.options(1, form), "-map_metadata", "1", "-map_chapters", "1"]
    argv += ["-fps_mode", "passthrough", *picture]
    if form in MP4_FORMATS and base.numerator == 1:
        argv += ["-video_track_timescale", str(base.denominator)]
    return [*argv, *_ending(form), str(destination)]


def _ending(form: str) -> list[str]:
    # The index comes first, so that playing can begin before the whole file is there.
    return [*(("-movflags", "+faststart") if form in MP4_FORMATS else ()), "-f", form]


def require_orientation(source: Source, program: str, destination: Path) -> None:
    """Raise UsageError when the container is one in which this ffmpeg can't say that the picture is turned."""
    held = container(destination) in MP4_FORMATS or not (source.turns or source.mirrored)
    if not held and ffmpeg.version(program) < _TURNS_INPUTS:
        raise UsageError(
            f"{source.path.name} is shown turned, which this ffmpeg can't write to {destination.name}.",
            hint=f"Name the result {destination.stem}.mp4 (option -o), or use ffmpeg {_TURNS_INPUTS[0]} or later.",
        )


def mark_orientation(part: Path, source: Source) -> None:
    """Write to an MP4 how its picture is turned and mirrored, which ffmpeg can be told from version 6 on only."""
    if container(part) in MP4_FORMATS and (source.turns or source.mirrored):
        matrix = display_matrix(source.turns, mirrored=source.mirrored)
        mp4_tables.write_video_matrix(part, fmp4.display_matrix(matrix, source.width, source.height))


def color_tags(source: Source) -> str:
    """Return the filters that mark pictures with the source's colour tags and shape of samples."""
    fields = [f"range={'pc' if source.full_range else 'tv'}"]
    named = (("color_primaries", source.primaries), ("color_trc", source.transfer), ("colorspace", source.matrix))
    fields += [f"{name}={value}" for name, value in named if value is not None]
    return f"setparams={':'.join(fields)},setsar={source.sar.numerator}/{source.sar.denominator}"


def copy(source: Source, program: str, destination: Path, beside: Companions) -> bool:
    """Copy the picture's packets too, when there is nothing to fill; False when the container can't hold its codec."""
    form = container(destination)
    argv = [program, "-y", "-v", "error", "-nostdin", "-copyts", *ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(source.path)]
    argv += ["-map", "0:V:0", *beside.options(0, form), "-map_metadata", "0", "-map_chapters", "0", "-c:v", "copy"]
    try:
        with replacing(destination) as part:
            done = process.run([*argv, *_ending(form), str(part)], timeout=600)
            if done.status:
                raise ffmpeg.failure(done.stderr_tail, status=done.status)
            result_proof.prove_copied(part, source, beside, program)
    except DiskFullError:
        raise
    except ToolError:
        return False
    return True


def write(
    frames: Iterable[Frame],
    times: tuple[int, ...],
    source: Source,
    program: str,
    destination: Path,
    beside: Companions,
    *,
    fine: bool = False,
    last_duration: int = 0,
) -> None:
    """Encode `frames` to `destination`, atomically; `fine` is for grainy pictures.

    `last_duration` is how long the last frame is shown, in units of the source's time base; 0 when that isn't known.

    Raises ToolError, DiskFullError; nothing half-made is left.
    """
    # Muxers hide what is shown before 0, as after a clock that began anew.
    early = min(times, default=0) * source.time_base
    later = -min(early, source.start) if early < 0 else Fraction(0)
    seconds = [time * source.time_base + later for time in times]
    with replacing(destination) as part:
        last = last_duration * source.time_base or 1 / source.rate
        usual = (
            sorted(after - time for time, after in pairwise(seconds))[len(seconds) // 2 - 1] if seconds[1:] else last
        )
        held = (seconds[-1], last) if last > 2 * usual else None
        argv = command(source, program, part, beside, later=later, fine=fine, held=held)
        feed(argv, _timed(frames, seconds, last, source, _even(source, part)))
        mark_orientation(part, source)
        result_proof.prove_encoded(part, source, times, last_duration, beside, program)


@contextmanager
def replacing(destination: Path) -> Iterator[Path]:
    """Give a name to write to, which becomes `destination` when the block is left well and goes otherwise."""
    with files.scratch(destination.parent) as folder:
        yield folder / destination.name
        (folder / destination.name).replace(destination)


def feed(argv: Sequence[str], data: Iterable[bytes]) -> None:
    """Run ffmpeg with `data` on its stdin. Raises ToolError, DiskFullError."""
    with process.start(argv, stdin=process.PIPE) as running:
        try:
            for block in data:
                running.stdin.write(block)
            running.stdin.close()
        except BrokenPipeError:
            running.wait(timeout=10)
            raise ffmpeg.failure(running.stderr_tail) from None
        if running.wait():
            raise ffmpeg.failure(running.stderr_tail)


def _timed(
    frames: Iterable[Frame], seconds: list[Fraction], last: Fraction, source: Source, size: tuple[int, int]
) -> Iterator[bytes]:
    """Yield the stream of `frames`, each at its time. Raises ToolError when there are not as many as times."""
    width, height = size
    yield matroska.header(width, height, 1 / source.rate)
    lengths = [after - time for time, after in pairwise(seconds)] + [last]
    count = 0
    for frame in frames:
        if frame.index >= len(seconds):
            raise ToolError(f"{source.path.name} gave more frames on the second pass than on the first.")
        yield matroska.picture_head(seconds[frame.index], lengths[frame.index], frame_bytes(width, height))
        luma, *chroma = stored(frame, source)
        # H.264 in 4:2:0 has no odd side: the last column and row are repeated.
        missing = ((0, height - source.height), (0, width - source.width))
        yield (np.pad(luma, missing, mode="edge") if any(missing[0] + missing[1]) else luma).tobytes()
        yield from (plane.tobytes() for plane in chroma)
        count += 1
    if count != len(seconds):
        raise ToolError(f"{source.path.name} gave {count} frames on the second pass, {len(seconds)} on the first.")


def stored(frame: Frame, source: Source) -> list[Plane]:
    """Return the planes of a frame as they are stored, turned back."""
    return [to_stored(plane, source) for plane in (frame.y, frame.u, frame.v)]
