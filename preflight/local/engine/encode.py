"""The one encode: filled pictures in at their exact times, every other stream copied, the name put on at the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from preflight.errors import ToolError
from preflight.local.engine import matroska
from preflight.local.engine.frames import Frame, frame_bytes, turn
from preflight.local.engine.source import Source
from preflight.tools import ffmpeg, process

_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "14")
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "6", "-row-mt", "1", "-crf", "18", "-b:v", "0")
_FORMATS = {
    ".mp4": ("mp4", (*_X264, "-movflags", "+faststart")),
    ".m4v": ("mp4", (*_X264, "-movflags", "+faststart")),
    ".mov": ("mov", (*_X264, "-movflags", "+faststart")),
    ".mkv": ("matroska", _X264),
    ".avi": ("avi", (*_X264, "-bf", "0")),
    ".webm": ("webm", _VP9),
}


@dataclass(frozen=True, slots=True)
class Companions:
    """How the streams beside the picture travel: ffmpeg options, and what had to be changed or left out."""

    options: tuple[str, ...]
    notes: tuple[str, ...] = ()


_WAYS = (
    Companions(("-map", "1:a?", "-map", "1:s?", "-map", "1:t?", "-c:a", "copy", "-c:s", "copy", "-c:t", "copy")),
    Companions(("-map", "1:a?", "-map", "1:s?", "-c:a", "copy", "-c:s", "copy")),
    Companions(
        ("-map", "1:a?", "-map", "1:s?", "-c:a", "copy", "-c:s", "mov_text"),
        ("subtitle streams converted to mov_text",),
    ),
    Companions(("-map", "1:a?", "-c:a", "copy"), ("subtitle streams left out",)),
    Companions(("-map", "1:a?"), ("subtitle streams left out", "audio transcoded: the container can't hold its codec")),
)
_SILENT_WAYS = (
    Companions(("-map", "1:s?", "-map", "1:t?", "-c:s", "copy", "-c:t", "copy")),
    Companions(("-map", "1:s?", "-c:s", "mov_text"), ("subtitle streams converted to mov_text",)),
    Companions(()),
)


def companions(source: Source, program: str, destination: Path, *, audio: bool) -> Companions:
    """Return the most faithful way to carry the other streams into the destination's container, by trying."""
    name, _ = container(destination)
    for way in _WAYS if audio else _SILENT_WAYS:
        if not way.options:
            return way
        probe = destination.with_name(f".{secrets.token_hex(4)}{destination.suffix}")
        argv = [program, "-y", "-v", "error", "-nostdin", *ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(source.path)]
        argv += ["-t", "0.2", *(option.replace("1:", "0:") for option in way.options), "-map", "0:V:0", "-c:v", "copy"]
        try:
            if process.run([*argv, "-f", "matroska" if name == "webm" else name, str(probe)], timeout=60).status == 0:
                return way
        finally:
            probe.unlink(missing_ok=True)
    return Companions((), ("every other stream left out: none could be read",))


def container(destination: Path) -> tuple[str, tuple[str, ...]]:
    """Return ffmpeg's format name and the encoder's options for a destination, by its extension; MP4 when unknown."""
    return _FORMATS.get(destination.suffix.lower(), _FORMATS[".mp4"])


def command(source: Source, program: str, destination: Path, beside: Companions, *, shift: Fraction) -> list[str]:
    """Return the argv that encodes pictures from stdin (times moved by `-shift` s) with the source's companions."""
    form, encoder = container(destination)
    base = source.time_base
    argv = [program, "-y", "-v", "error", "-copyts"]
    if source.turns:
        argv += ["-display_rotation", str(source.turns * 90)]
    if shift:
        argv += ["-itsoffset", str(float(shift))]
    argv += ["-noautorotate", "-f", "matroska", "-i", "pipe:0", *ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(source.path)]
    argv += ["-map", "0:v:0", *beside.options, "-map_metadata", "1", "-map_chapters", "1"]
    argv += ["-vf", _tags(source), "-fps_mode", "passthrough", "-enc_time_base", f"{base.numerator}:{base.denominator}"]
    argv += [*encoder, "-pix_fmt", "yuv420p"]
    if form in {"mp4", "mov"} and base.numerator == 1:
        argv += ["-video_track_timescale", str(base.denominator)]
    return [*argv, "-f", form, str(destination)]


def _tags(source: Source) -> str:
    fields = [f"range={'pc' if source.full_range else 'tv'}"]
    named = (("color_primaries", source.primaries), ("color_trc", source.transfer), ("colorspace", source.matrix))
    fields += [f"{name}={value}" for name, value in named if value is not None]
    return f"setparams={':'.join(fields)},setsar={source.sar.numerator}/{source.sar.denominator}"


def copy(source: Source, program: str, destination: Path, beside: Companions) -> bool:
    """Copy the picture's packets too, when there is nothing to fill; False when the container can't hold its codec."""
    form, _ = container(destination)
    part = _part(destination)
    options = [option.replace("1:", "0:") for option in beside.options]
    argv = [program, "-y", "-v", "error", "-nostdin", "-copyts", *ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(source.path)]
    argv += ["-map", "0:V:0", *options, "-map_metadata", "0", "-map_chapters", "0", "-c:v", "copy"]
    argv += ["-movflags", "+faststart"] if form in {"mp4", "mov"} else []
    try:
        if process.run([*argv, "-f", form, str(part)], timeout=600).status:
            return False
        part.replace(destination)
    finally:
        part.unlink(missing_ok=True)
    return True


def _part(destination: Path) -> Path:
    return destination.with_name(f".{destination.stem[:80]}.{secrets.token_hex(4)}{destination.suffix}")


def write(
    frames: Iterable[Frame], times: tuple[int, ...], source: Source, program: str, destination: Path, beside: Companions
) -> None:
    """Encode `frames` to `destination`, atomically. Raises ToolError, DiskFullError; nothing half-made is left."""
    part = _part(destination)
    seconds = [time * source.time_base for time in times]
    shift = min(Fraction(0), *seconds) if seconds else Fraction(0)
    try:
        with process.start(command(source, program, part, beside, shift=shift), stdin=process.PIPE) as running:
            try:
                _feed(running, frames, [time - shift for time in seconds], source)
            except BrokenPipeError:
                running.wait(timeout=10)
                raise ffmpeg.failure(running.stderr_tail) from None
            if running.wait():
                raise ffmpeg.failure(running.stderr_tail)
        part.replace(destination)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _feed(running: process.Running, frames: Iterable[Frame], seconds: list[Fraction], source: Source) -> None:
    pipe, size = running.stdin, frame_bytes(source.width, source.height)
    pipe.write(matroska.header(source.width, source.height, 1 / source.rate))
    count = 0
    for frame in frames:
        if frame.index >= len(seconds):
            raise ToolError(f"{source.path.name} gave more frames on the second pass than on the first.")
        pipe.write(matroska.picture_head(seconds[frame.index], size))
        for plane in (frame.y, frame.u, frame.v):
            pipe.write(turn(plane, -source.turns).tobytes())
        count += 1
    pipe.close()
    if count != len(seconds):
        raise ToolError(f"{source.path.name} gave {count} frames on the second pass, {len(seconds)} on the first.")
