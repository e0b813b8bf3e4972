"""How pictures of a source are encoded again: by the source's codec, near-losslessly, with its colours tagged."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from preflight.events import Cancel
from preflight.model.media import ColorTags
from preflight.restore.composite.frames import PictureFormat
from preflight.tools import ffmpeg, process

ENCODERS = {"h264": "libx264", "hevc": "libx265"}
"""Encoders whose packets can stand beside copied ones of the same codec."""
PRESETS = {"h264": "fast", "hevc": "fast"}
"""How long an encoder looks for savings. Slower ones save little at this quality."""
_PENDING = 3
"""Pictures that wait for the encoder."""
_NANOS = 10_000
"""Units of luminance in a candela a square metre (SMPTE ST 2086 as x265 takes it)."""
_PLACES = 50_000
"""Units of a chromaticity coordinate."""
_MASTERING = re.compile(
    r"r\(([\d.]+)[, ]+([\d.]+)\)\s*g\(([\d.]+)[, ]+([\d.]+)\)\s*b\(([\d.]+)[, ]+([\d.]+)\)\s*"
    r"wp\(([\d.]+)[, ]+([\d.]+)\).*?min_luminance=([\d.]+).*?max_luminance=([\d.]+)"
)
_LIGHT = re.compile(r"MaxCLL=(\d+).*?MaxFALL=(\d+)")
_FIELD = re.compile(r"\bi:([TBP])\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """HDR10 metadata (SMPTE ST 2086, CTA-861.3) in integer units, and the order of fields.

    `mastering` has green, blue, red and white as x, y pairs, then the largest and the smallest luminance.
    """

    mastering: tuple[int, ...] = ()
    content: tuple[int, int] | None = None
    bottom_first: bool = False

    def boxes(self) -> tuple[tuple[str, bytes], ...]:
        """Return the boxes `mdcv` and `clli` of an MP4 sample entry (ISO/IEC 14496-12)."""
        found = []
        if self.mastering:
            *places, most, least = self.mastering
            content = b"".join(value.to_bytes(2, "big") for value in places)
            found.append(("mdcv", content + most.to_bytes(4, "big") + least.to_bytes(4, "big")))
        if self.content is not None:
            found.append(("clli", b"".join(value.to_bytes(2, "big") for value in self.content)))
        return tuple(found)

    def parameters(self) -> list[str]:
        """Return the same as parameters of x265."""
        words = []
        if self.mastering:
            g, b, r, w = (f"({x},{y})" for x, y in zip(self.mastering[0:8:2], self.mastering[1:8:2], strict=True))
            words.append(f"master-display=G{g}B{b}R{r}WP{w}L({self.mastering[8]},{self.mastering[9]})")
        if self.content is not None:
            words.append(f"max-cll={self.content[0]},{self.content[1]}")
        return words


def light(path: Path, program: str, *, cancel: Cancel | None = None) -> Light:
    """Return the metadata that the first picture of a file carries. Raises CancelledError."""
    argv = [program, "-hide_banner", "-nostdin", *ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(path), "-map", "0:V:0"]
    log = process.run([*argv, "-vf", "showinfo", "-frames:v", "1", "-f", "null", "-"], cancel=cancel).stderr_tail
    return parse_light(log)


def parse_light(log: str) -> Light:
    """Return what the log of ffmpeg's `showinfo` tells."""
    mastering, content, field = _MASTERING.search(log), _LIGHT.search(log), _FIELD.search(log)
    values: tuple[int, ...] = ()
    if mastering is not None:
        rx, ry, gx, gy, bx, by, wx, wy = (round(float(value) * _PLACES) for value in mastering.groups()[:8])
        least, most = (round(float(value) * _NANOS) for value in mastering.groups()[8:])
        values = (gx, gy, bx, by, rx, ry, wx, wy, most, least)
    return Light(
        mastering=values,
        content=None if content is None else (int(content[1]), int(content[2])),
        bottom_first=field is not None and field[1] == "B",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How pictures are encoded: `codec` as ffmpeg names it, their format, rate and tags, and the quality `crf`."""

    codec: str
    form: PictureFormat
    rate: Fraction
    color: ColorTags
    sar: Fraction
    crf: float
    light: Light
    interlaced: bool = False
    set_number: int = 0

    def argv(self, program: str, made: Path, starts: Sequence[int] = ()) -> list[str]:
        """Return the argv that encodes packed pictures from standard input, with an IDR picture at each of `starts`."""
        form = self.form
        argv = [program, "-y", "-v", "error", "-f", "rawvideo", "-pixel_format", form.name]
        argv += ["-video_size", f"{form.width}x{form.height}", "-framerate", str(self.rate), "-i", "pipe:0"]
        # Half a frame early: a time that is rounded up would miss its frame.
        forced = ",".join(f"{float((start - Fraction(1, 2)) / self.rate):.6f}" for start in starts if start)
        argv += ["-force_key_frames", forced, "-forced-idr", "1"] if forced else []
        argv += ["-vf", self._tags(), "-c:v", ENCODERS[self.codec], "-preset", PRESETS[self.codec]]
        argv += ["-crf", f"{self.crf:g}", "-pix_fmt", form.name]
        if self.codec == "h264":
            fields = [f"sps-id={self.set_number}"]
            if self.interlaced:
                fields.append("bff=1" if self.light.bottom_first else "tff=1")
            return [*argv, "-x264-params", ":".join(fields), ffmpeg.local(made)]
        fields = ["repeat-headers=1", "open-gop=0", "log-level=error", *self.light.parameters()]
        return [*argv, "-x265-params", ":".join(fields), ffmpeg.local(made)]

    def _tags(self) -> str:
        color = self.color
        fields = [f"range={'pc' if color.full_range else 'tv'}"]
        named = (("color_primaries", color.primaries), ("color_trc", color.transfer), ("colorspace", color.matrix))
        fields += [f"{name}={value}" for name, value in named if value is not None]
        if self.interlaced:
            fields.append(f"field_mode={'bff' if self.light.bottom_first else 'tff'}")
        return f"setparams={':'.join(fields)},setsar={self.sar.numerator}/{self.sar.denominator}"


def encode(argv: Sequence[str], pictures: Iterable[Any], *, cancel: Cancel | None = None) -> None:
    """Run the encoder on packed pictures, which are made while it works. Raises ToolError, DiskFullError."""
    with process.start(argv, stdin=process.PIPE) as running:
        with _writer(running) as waiting:
            for picture in pictures:
                waiting.put(picture)
        if running.wait(cancel=cancel):
            raise ffmpeg.failure(running.stderr_tail)


@contextmanager
def _writer(running: process.Running) -> Iterator[queue.Queue[Any]]:
    """Give a queue whose pictures a thread writes to the process; its input ends with the block."""
    waiting: queue.Queue[Any] = queue.Queue(_PENDING)

    def write() -> None:
        try:
            while (data := waiting.get()) is not None:
                running.stdin.write(data)
            running.stdin.close()
        except (OSError, ValueError):
            # The encoder is gone, which its status tells; what else comes is dropped.
            while waiting.get() is not None:
                pass

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield waiting
    except BaseException:
        running.kill()
        raise
    finally:
        waiting.put(None)
        thread.join()
