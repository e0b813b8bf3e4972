"""Find ffmpeg and run it: no network, no other files, progress in seconds of video."""

from __future__ import annotations

import errno
import functools
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from preflight.errors import DiskFullError, ToolError, ToolMissingError
from preflight.events import Cancel
from preflight.tools import ffmpeg_build, process
from preflight.tools.ffmpeg_build import Build, Origin

INPUT_OPTIONS = {
    "protocol_whitelist": "file,pipe",
    "format_whitelist": (
        "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,live_flv,asf,ogg,gif,mxf,dv,nut,ivf,rm,wtv"
    ),
}
"""For every input that a person gave: no network, no playlist, no demuxer that opens a sibling file."""
INPUT_GUARD = tuple(word for name, value in INPUT_OPTIONS.items() for word in (f"-{name}", value))
"""`INPUT_OPTIONS` as words of an argv, put before `-i`."""
QUIET = ("-hide_banner", "-nostdin", "-v", "error", "-y")
"""For every run that makes a file: only errors are logged, nothing is asked, the (temporary) output is replaced."""

SOFTWARE = ("libx264", "libx265", "libsvtav1")
"""Encoders of pictures that need no hardware and take a quality (CRF) with a cap."""
_OTHER_ENCODER = f"Choose another with --encoder: {', '.join(SOFTWARE)}; the ffmpeg that comes along has them."
_UNFINISHED = re.compile(r"^Error (?:writing trailer of|closing file) ", re.MULTILINE)
"""What ffmpeg 5 says, with exit status 0, where the end of a file could not be written."""
_CONSEQUENCE = re.compile(
    r"Error opening (in|out)put|Conversion failed|Nothing was written|Terminating thread|Task finished"
    r"|Error (writing trailer|closing file|muxing a packet|submitting)|Could not open encoder before EOF"
    r"|Error parsing options for|To ignore this, add a trailing|Failed to set value"
    r"|Last message repeated|Error sending frames to consumers|Error while opening encoder"
)
"""Lines that ffmpeg logs after the one with the cause."""


def find(setting: str | None = None) -> str:
    """Return the ffmpeg to use: `setting` or `PREFLIGHT_FFMPEG`, else the one in the imageio-ffmpeg wheel.

    The one on PATH is used where the wheel has no binary for this platform, or when asked for by `ffmpeg`. Raises
    ToolMissingError, also for a version below `ffmpeg_build.MINIMUM`.
    """
    path, _ = _located(setting or os.environ.get("PREFLIGHT_FFMPEG") or None)
    return path


def describe(setting: str | None = None) -> Build:
    """Return version, origin and missing features of the ffmpeg that `find` returns. Raises ToolMissingError."""
    path, origin = _located(setting or os.environ.get("PREFLIGHT_FFMPEG") or None)
    version, text = ffmpeg_build.version_of(path)
    return Build(path=path, origin=origin, version=version, text=text, missing=ffmpeg_build.missing_features(path))


def version(ffmpeg: str) -> tuple[int, int]:
    """Return (major, minor) of the ffmpeg at a path. Raises ToolMissingError."""
    return ffmpeg_build.version_of(ffmpeg)[0]


@functools.cache
def _located(chosen: str | None) -> tuple[str, Origin]:
    """Return the path of the ffmpeg to use, at or above the minimum version, and where it comes from."""
    if chosen:
        found = shutil.which(chosen)
        if found is None:
            raise ToolMissingError(
                f"ffmpeg is set to {chosen!r}, which can't be run.", hint="Correct or unset PREFLIGHT_FFMPEG."
            )
        ffmpeg_build.version_of(found)
        return found, Origin.SETTING
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        wheel = str(get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        found = shutil.which("ffmpeg")
        if found:
            ffmpeg_build.version_of(found)
            return found, Origin.PATH
        raise ToolMissingError(
            "No ffmpeg was found.", hint="Install ffmpeg or `pip install imageio-ffmpeg`."
        ) from error
    # The wheel names its binary by the version, which saves a start of it.
    named = re.search(r"-v(\d+)\.(\d+)", Path(wheel).name)
    if named is None or (int(named[1]), int(named[2])) < ffmpeg_build.MINIMUM:
        ffmpeg_build.version_of(wheel)
    return wheel, Origin.WHEEL if named else Origin.PATH


def encoders(ffmpeg: str) -> frozenset[str]:
    """Return the names of the encoders that this ffmpeg was built with."""
    return ffmpeg_build.features(ffmpeg, "encoders")


def require_encoder(ffmpeg: str, name: str) -> None:
    """Raise ToolMissingError when this ffmpeg lacks the encoder `name`."""
    if name not in encoders(ffmpeg):
        raise ToolMissingError(f"{ffmpeg} has no encoder {name}.", hint=_OTHER_ENCODER)


def require_picture_encoder(ffmpeg: str, name: str) -> None:
    """Raise ToolMissingError when this ffmpeg can't encode pictures with `name` on this machine."""
    require_encoder(ffmpeg, name)
    if name not in SOFTWARE and not can_open(ffmpeg, name):
        raise ToolMissingError(f"The encoder {name} does not work on this machine.", hint=_OTHER_ENCODER)


@functools.cache
def can_open(ffmpeg: str, name: str) -> bool:
    """Return True when `name` encodes a picture here: a hardware encoder is listed wherever ffmpeg knows of it."""
    trial = ["-f", "lavfi", "-i", "color=size=256x256:duration=0.1", "-pix_fmt", "yuv420p", "-c:v", name]
    argv = [ffmpeg, *QUIET, *trial, "-f", "null", "-"]
    try:
        return name in encoders(ffmpeg) and process.run(argv, timeout=30).status == 0
    except ToolError:
        return False


def local(path: Path) -> str:
    """Return `path` as ffmpeg takes it, so that no name is read as an option, a protocol or a pattern."""
    return f"file:{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How far ffmpeg is: `seconds` and bytes of output made, and its speed in seconds of video a second, when known."""

    seconds: float
    speed: float | None = None
    size: int = 0

    def left(self, seconds: float) -> float | None:
        """Return how long the remaining `seconds` of video will take, or None when the speed is unknown."""
        return max(0.0, seconds) / self.speed if self.speed else None


def parse_speed(line: str) -> float | None:
    """Return the speed in a line of `-progress` (`speed=1.23x`), or None for other lines and `N/A`."""
    match = re.fullmatch(r"speed=\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)x\s*", line, re.ASCII)
    return float(match[1]) if match else None


def concat_list(entries: Sequence[tuple[Path, Fraction | None]]) -> str:
    """Return the text of a list for ffmpeg's concat demuxer: files in order, with their durations where given.

    Each file begins with its first frame, even where that comes late in the file.
    """
    lines = ["ffconcat version 1.0"]
    for path, seconds in entries:
        quoted = str(path).replace("'", "'\\''")
        lines.append(f"file 'file:{quoted}'")
        lines += [f"duration {float(seconds):.6f}"] if seconds is not None else []
    return "\n".join(lines) + "\n"


def parse_progress(line: str) -> float | None:
    """Return seconds of output from a line of `-progress`, or None for other lines.

    `out_time_us` is used: `out_time_ms` carries microseconds too, and both may be N/A.
    """
    name, _, value = line.partition("=")
    return int(value) / 1_000_000 if name == "out_time_us" and value.lstrip("-").isdigit() else None


def parse_size(line: str) -> int | None:
    """Return bytes of output from a line of `-progress`, or None for other lines and `N/A`."""
    name, _, value = line.partition("=")
    return int(value) if name == "total_size" and value.isascii() and value.isdigit() else None


def run(
    argv: Sequence[str],
    *,
    on_progress: Callable[[Pace], None] | None = None,
    cancel: Cancel | None = None,
    timeout: float | None = None,
) -> str:
    """Run an ffmpeg `argv` and return the tail of its log.

    `-progress pipe:1 -nostats -stats_period 0.2` is added behind the program's name when `on_progress` listens. Raises
    DiskFullError, ToolMissingError, CancelledError, or ToolError with ffmpeg's last line.
    """
    command = list(argv)
    if on_progress is not None:
        command[1:1] = ["-progress", "pipe:1", "-nostats", "-stats_period", "0.2"]
    seconds, size = 0.0, 0

    def hear(line: str) -> None:
        nonlocal seconds, size
        reached, written = parse_progress(line), parse_size(line)
        size = size if written is None else written
        seconds = seconds if reached is None else max(0.0, reached)
        # The speed closes each report.
        if line.startswith("speed=") and on_progress is not None:
            on_progress(Pace(seconds=seconds, speed=parse_speed(line), size=size))

    done = process.run(command, on_line=hear, cancel=cancel, timeout=timeout)
    if done.status or _UNFINISHED.search(done.stderr_tail):
        raise failure(done.stderr_tail, status=done.status)
    return done.stderr_tail


def failure(tail: str, *, status: int = 1) -> ToolError:
    """Return the error for the end of ffmpeg's log and its exit status, which is negative for a signal."""
    import logging

    logging.getLogger(__name__).info("ffmpeg failed:\n%s", tail)
    if os.strerror(errno.ENOSPC) in tail:
        return DiskFullError("The disk is full.", hint="Free some space, or choose another output folder with -o.")
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    telling = [line for line in lines if not _CONSEQUENCE.search(line)] or lines
    if not telling and status < 0:
        return ToolError(
            f"ffmpeg crashed (signal {-status}).", hint="Another build may read the file: unset PREFLIGHT_FFMPEG."
        )
    telling = telling or ["no message"]
    return ToolError(f"ffmpeg failed: {telling[-1].rstrip('.')}.", hint="`preflight --debug` shows its whole log.")
