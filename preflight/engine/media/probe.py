"""What the engine has to know of a video before it decodes it: size, shape of samples, colour, exact time base."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preflight.engine.media.orientation import orientation
from preflight.errors import InputError
from preflight.model.media import Container
from preflight.tools import ffmpeg, mp4_tables, process

FORMAT_CODE = 702
"""The service's code for a format it does not support."""
_HDR_TRANSFERS = frozenset({"smpte2084", "arib-std-b67"})
_SILENT = frozenset({"", "unknown", "reserved", "unspecified"})
_STREAM = re.compile(
    r"Stream #0:\d+.*?: Video: (?P<codec>\w+).*?, (?P<format>\w+)(?:\((?P<tags>(?:[^()]|\([^()]*\))*)\))?, "
    r"(?P<width>\d+)x(?P<height>\d+)(?P<rest>.*)"
)
_SAR = re.compile(r"SAR (\d+):(\d+)")
_RATE = re.compile(r"([\d.]+)(k?) fps")
_GUESSED_RATE = re.compile(r"([\d.]+)(k?) tbr")
_TURN = re.compile(r"rotation of (-?[\d.]+) degrees")
_START = re.compile(r"Duration: [^\n]*, start: (-?[\d.]+)")
_DURATION = re.compile(r"Duration: (\d+):(\d\d):([\d.]+)")
_OTHERS = re.compile(r"^ *Stream #0:\d+.*?: (Audio|Subtitle|Data|Attachment): ", re.MULTILINE)
_INPUT = re.compile(r"^Input #0, (\w+)", re.MULTILINE)
_DEMUXERS = {
    "mov": Container.MP4,
    "matroska": Container.MKV,
    "avi": Container.AVI,
    "asf": Container.ASF,
    "flv": Container.FLV,
    "gif": Container.GIF,
    "mpeg": Container.MPEG_PS,
    "mpegts": Container.MPEG_TS,
    "ogg": Container.OGG,
}
"""Containers by the first name of ffmpeg's demuxer; it has one for MP4 and QuickTime."""
_CROPPING = re.compile(r"frame cropping: (\d+)/(\d+)/(\d+)/(\d+)", re.IGNORECASE)
"""Samples at the left, right, top and bottom that a container hides and that ffmpeg from version 7.1 on takes away."""
_LOG_LINES = 4000
"""Lines of ffmpeg's description that are kept: a file may have hundreds of chapters and streams with many tags each."""
_MATRIX = re.compile(r"display ?matrix", re.IGNORECASE)
_GRAYMAP = re.compile(rb"P5\s(\d+)\s(\d+)\s255\s")
_TIME_BASE = re.compile(r"^#tb 0: (\d+)/(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A video to clean. `width` and `height` count stored samples; `turns` are the quarter turns, counter-clockwise,
    that bring a stored picture upright; colour fields are ffmpeg's names, None where the file is silent.
    """  # noqa: D205

    path: Path
    codec: str
    pixel_format: str
    width: int
    height: int
    sar: Fraction
    turns: int
    rate: Fraction
    time_base: Fraction
    full_range: bool
    matrix: str | None
    primaries: str | None
    transfer: str | None
    interlaced: bool
    duration: Fraction | None = None
    others: tuple[str, ...] = ()
    """Kinds of the streams beside the video, in their order: `audio`, `subtitle`, `data`, `attachment`."""
    container: Container = Container.OTHER
    """By the demuxer that reads it."""
    mirrored: bool = False
    """The turned picture is mirrored left to right when it is shown."""
    start: Fraction = Fraction(0)
    """When the first stream of the file begins, in seconds."""
    cropped: bool = False
    """The container hides borders of the stored picture, which `width` and `height` don't count."""
    shrunk: bool = False
    """`width` and `height` are smaller than those of the file: frames are scaled to them while they are decoded."""

    @property
    def is_hdr(self) -> bool:
        """True for PQ and HLG."""
        return self.transfer in _HDR_TRANSFERS

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height in samples as a person sees the picture."""
        return (self.height, self.width) if self.turns % 2 else (self.width, self.height)

    @property
    def displayed(self) -> tuple[int, int]:
        """Width and height as players show them, in square pixels, upright."""
        width = round(self.width * self.sar) if self.sar > 1 else self.width
        height = round(self.height / self.sar) if self.sar < 1 else self.height
        return (height, width) if self.turns % 2 else (width, height)

    @property
    def deep(self) -> bool:
        """True when samples have more than 8 bits or chroma is finer than 4:2:0, which the result does not keep."""
        return self.pixel_format not in {"yuv420p", "yuvj420p"}


def shrink(source: Source, short_side: int) -> Source:
    """Return the source with its frames scaled while they are decoded, to a shorter side of `short_side` samples.

    A picture that is not larger stays as it is.
    """
    scale = Fraction(short_side, min(source.width, source.height))
    if scale >= 1 and not source.is_hdr:
        return source
    scale = min(scale, Fraction(1))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (source.width, source.height))
    return replace(source, width=width, height=height, shrunk=True)


def inspect(path: Path, program: str, *, allow_hdr: bool = False) -> Source:
    """Return the facts of the first real video stream of `path`.

    Raises InputError with the service's code 702 when there is none or it is HDR, which 8-bit filling would spoil. With
    `allow_hdr` such a video is accepted, to be looked at only: frames that are shrunk while they are decoded become
    SDR.
    """
    argv = [program, "-hide_banner", "-nostats", "-nostdin", "-copyts", *ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(path)]
    argv += ["-map", "0:V:0", "-c", "copy", "-frames:v", "1", "-f", "framecrc", "pipe:1"]
    done = process.run(argv, timeout=60, tail_lines=_LOG_LINES)
    if done.status:
        raise _unsupported(path, f"ffmpeg can't read it ({done.stderr_tail.splitlines()[-1:] or ['no message']})")
    source = parse(path, log=done.stderr_tail, packets=done.stdout.decode("ascii", "replace"))
    if _MATRIX.search(done.stderr_tail):
        source = _with_orientation(source, program)
    if source.is_hdr and not allow_hdr:
        raise InputError(
            f"{path.name} is HDR ({source.transfer}); filling would spoil it.",
            hint="Tone-map it to SDR BT.709 first: `preflight fix`.",
            code=FORMAT_CODE,
        )
    return source


def _with_orientation(source: Source, program: str) -> Source:
    """Return the facts with the orientation that an MP4 states, or by which ffmpeg shows the first picture.

    ffmpeg's log names an angle only, which is the same for a turned and for a mirrored picture, and before version 6 it
    shows a mirrored one turned.
    """
    stated = [orientation(matrix) for matrix in mp4_tables.video_matrices(source.path)[:1]]
    if stated and stated[0] is not None:
        turns, mirrored = stated[0]
        return replace(source, turns=turns, mirrored=mirrored)
    stored, shown = (_first_luma(source, program, *options) for options in (("-noautorotate",), ()))
    if stored is None or shown is None:
        return source
    for mirrored in (False, True):
        for turns in (source.turns, *range(4)):
            picture = np.rot90(stored, turns)
            if np.array_equal(picture[:, ::-1] if mirrored else picture, shown):
                return replace(source, turns=turns, mirrored=mirrored)
    return source


def _first_luma(source: Source, program: str, *options: str) -> NDArray[np.uint8] | None:
    """Return the luma of the first picture as a Portable Graymap holds it, None when it can't be decoded."""
    argv = [program, "-v", "error", "-nostdin", *options, *ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(source.path)]
    argv += ["-map", "0:V:0", "-frames:v", "1", "-pix_fmt", "gray", "-c:v", "pgm", "-f", "image2pipe", "pipe:1"]
    done = process.run(argv, timeout=60)
    found = _GRAYMAP.match(done.stdout)
    if found is None:
        return None
    width, height = int(found[1]), int(found[2])
    return np.frombuffer(done.stdout, np.uint8, width * height, found.end()).reshape(height, width)


def parse(path: Path, *, log: str, packets: str) -> Source:
    """Return the facts that ffmpeg's `log` of an input and its `framecrc` listing tell. Raises InputError (702)."""
    # The last line that matches describes the stream that is mapped to the output; the input may list many.
    line = next((found for text in reversed(log.splitlines()) if (found := _STREAM.search(text))), None)
    base = _TIME_BASE.search(packets)
    if line is None or base is None:
        raise _unsupported(path, "no video stream was found")
    tags = [tag.strip() for tag in (line["tags"] or "").split(",")]
    matrix, primaries, transfer = _color(tags)
    shapes = _SAR.findall(line["rest"])
    sar = Fraction(int(shapes[-1][0]), int(shapes[-1][1])) if shapes and int(shapes[-1][1]) else Fraction(1)
    turn = _TURN.search(log)
    left, right, top, bottom = map(int, (_CROPPING.findall(log) or [(0, 0, 0, 0)])[-1])
    time_base = Fraction(int(base[1]), int(base[2]))
    return Source(
        path=path,
        codec=line["codec"],
        pixel_format=line["format"],
        width=int(line["width"]) - left - right,
        height=int(line["height"]) - top - bottom,
        cropped=any((left, right, top, bottom)),
        sar=sar or Fraction(1),
        # ffmpeg prints the turn that was applied to the picture, so undoing it means the same angle back.
        turns=round(float(turn[1]) / 90) % 4 if turn else 0,
        rate=_rate(line["rest"]),
        time_base=time_base,
        full_range="pc" in tags or line["format"].startswith("yuvj"),
        matrix=matrix,
        primaries=primaries,
        transfer=transfer,
        interlaced=any(tag.startswith(("top", "bottom")) for tag in tags),
        duration=_seconds(log),
        start=Fraction(begin[1]) if (begin := _START.search(log)) else Fraction(0),
        others=tuple(kind.lower() for kind in _OTHERS.findall(log.partition("Output #0")[0])),
        container=_DEMUXERS.get(demuxer[1], Container.OTHER) if (demuxer := _INPUT.search(log)) else Container.OTHER,
    )


def _color(tags: list[str]) -> tuple[str | None, str | None, str | None]:
    for tag in tags:
        parts = tag.split("/")
        if len(parts) == 3:
            matrix, primaries, transfer = (None if part in _SILENT else part for part in parts)
            return matrix, primaries, transfer
        if tag.startswith(("bt", "smpte", "gbr", "ycgco", "fcc")) and " " not in tag:
            return tag, tag, tag
    return None, None, None


def _rate(rest: str) -> Fraction:
    found = _RATE.search(rest) or _GUESSED_RATE.search(rest)
    rate = Fraction(found[1]) * (1000 if found[2] else 1) if found else Fraction(25)
    return rate if rate > 0 else Fraction(25)


def _seconds(log: str) -> Fraction | None:
    found = _DURATION.search(log)
    return int(found[1]) * 3600 + int(found[2]) * 60 + Fraction(found[3]) if found else None


def _unsupported(path: Path, reason: str) -> InputError:
    return InputError(f"{path.name} can't be cleaned: {reason}.", hint="Run `preflight check` on it.", code=FORMAT_CODE)
