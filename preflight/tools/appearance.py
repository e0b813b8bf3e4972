"""How the video of a file is to be displayed, as ffmpeg reads it: size, pixel shape, color tags and rotation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from preflight.events import Cancel
from preflight.model.media import ColorTags, Container
from preflight.tools import containers, process
from preflight.tools import ffmpeg as tool

TONE_MAP = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:desat=0,zscale=t=bt709:m=bt709:r=tv"
"""HDR to SDR BT.709: linear light against the 203 nits of reference white (ITU-R BT.2408), highlights rolled off."""
_LINES = 4000
"""Lines of ffmpeg's description that are kept: a file may have hundreds of chapters and streams with many tags each."""
_TIMEOUT = 120.0
"""Seconds for opening files, of which only the beginning is read."""
_MATRICES = frozenset({"bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "ycgco", "bt2020nc", "bt2020c", "gbr"})
"""Names that stand alone where matrix, primaries and transfer are called alike."""
_UNKNOWN = frozenset({"unknown", "unspecified", "reserved", ""})
_INPUT = re.compile(r"^Input #\d+, ", re.MULTILINE)
_VIDEO = re.compile(
    r"^ +Stream #\d+:\d+[^\n]*?: Video: [^,\n]*, \w+(?:\(([^)\n]*)\))?, (\d+)x(\d+)([^\n]*)\n"
    r"((?:(?! +Stream #)[^\n]*\n)*)",
    re.MULTILINE,
)
_SAR = re.compile(r"SAR (\d+):(\d+)")
_ROTATION = re.compile(r"^ +display ?matrix: rotation of (-?[\d.]+) degrees", re.MULTILINE | re.IGNORECASE)
_NO_TAGS = ColorTags()
_RIGHT_ANGLE = 90
_MAX_ERROR = 2
"""Pixels by which a displayed side may differ: encoded sides are even."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """How a video is displayed. `size` is that of a stored frame, `rotation` is in degrees from 0 up to 360."""

    size: tuple[int, int]
    sar: Fraction = Fraction(1)
    color: ColorTags = _NO_TAGS
    rotation: int = 0

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in square pixels, after rotation."""
        (width, height), sar = self.upright
        return (round(width * sar), height) if sar > 1 else (width, round(height / sar))

    @property
    def upright(self) -> tuple[tuple[int, int], Fraction]:
        """Size and pixel shape of a frame after rotation."""
        width, height = self.size
        return ((height, width), 1 / self.sar) if self.rotation // _RIGHT_ANGLE % 2 else ((width, height), self.sar)


def read(
    files: Sequence[tuple[Path, Container]], *, ffmpeg: str, cancel: Cancel | None = None
) -> list[Appearance | None]:
    """Return how each of `files` (path and kind) is displayed, None for one in which ffmpeg sees no video.

    One process opens them all. Raises ToolError, CancelledError.
    """
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "info"]
    for path, container in files:
        options = containers.reading_options(container).items()
        argv += [*tool.INPUT_GUARD, *(word for name, value in options for word in (f"-{name}", value))]
        argv += ["-i", tool.local(path)]
    # Without an output it ends with an error once the inputs are described.
    done = process.run(argv, cancel=cancel, timeout=_TIMEOUT, tail_lines=_LINES)
    found = parse(done.stderr_tail)
    return [*found, *[None] * (len(files) - len(found))]


def parse(text: str) -> list[Appearance | None]:
    """Return the same from ffmpeg's description of its inputs."""
    return [_of(part) for part in _INPUT.split(text)[1:]]


def _of(text: str) -> Appearance | None:
    for match in _VIDEO.finditer(f"{text}\n"):
        pixels, width, height, rest, below = match.groups()
        if "(attached pic)" in rest:
            continue
        sar, turned = _SAR.search(rest), _ROTATION.search(below)
        return Appearance(
            size=(int(width), int(height)),
            sar=Fraction(int(sar[1]), int(sar[2])) if sar and int(sar[1]) and int(sar[2]) else Fraction(1),
            color=_color(pixels or ""),
            rotation=round(float(turned[1])) % 360 if turned else 0,
        )
    return None


def _color(pixels: str) -> ColorTags:
    """Return the tags in what stands in parentheses behind the pixel format, such as `tv, bt709/unknown/bt709`."""
    words = [word.strip() for word in pixels.split(",")]
    ranges = [word == "pc" for word in words if word in {"pc", "tv"}]
    named = next((word for word in words if "/" in word or word in _MATRICES), "")
    names = named.split("/") if "/" in named else [named] * 3
    matrix, primaries, transfer = (None if name in _UNKNOWN else name for name in (*names, *[""] * 3)[:3])
    return ColorTags(matrix=matrix, primaries=primaries, transfer=transfer, full_range=ranges[0] if ranges else None)


def color_filter(color: ColorTags) -> str:
    """Return the filter that gives decoded frames the file's own tags, so that their samples are not converted.

    The decoders of VP8 and others set tags of their own, and later versions of ffmpeg convert from these. It is empty
    where the file is silent.
    """
    said = {"color_primaries": color.primaries, "color_trc": color.transfer, "colorspace": color.matrix}
    words = [f"{name}={value}" for name, value in said.items() if value is not None]
    return f"setparams={':'.join(words)}" if words else ""


def color_options(color: ColorTags) -> list[str]:
    """Return the words of an argv that give an encoded video the tags `color`, but for the range."""
    said = {"color_primaries": color.primaries, "color_trc": color.transfer, "colorspace": color.matrix}
    return [word for name, value in said.items() if value not in {None, "gbr"} for word in (f"-{name}", str(value))]


def difference(expected: Appearance, made: Appearance) -> str | None:
    """Return what differs between a video and its copy, None for nothing. Tags that are added are no difference."""
    if made.size != expected.size:
        return f"has frames of {made.size[0]}x{made.size[1]} in place of {expected.size[0]}x{expected.size[1]}"
    if made.sar != expected.sar:
        return f"has pixels of {made.sar} in place of {expected.sar}"
    if made.rotation != expected.rotation:
        return f"is turned by {made.rotation} degrees in place of {expected.rotation}"
    return color_difference(expected.color, made.color)


def color_difference(expected: ColorTags, made: ColorTags) -> str | None:
    """Return which color tag is missing or another one, None for none."""
    if expected.full_range and not made.full_range:
        return "has lost the tag of full range"
    for name in ("matrix", "primaries", "transfer"):
        wanted, found = getattr(expected, name), getattr(made, name)
        if wanted is not None and found != wanted:
            return f"has the color tag {name} {found} in place of {wanted}"
    return None


def encoded_difference(size: tuple[int, int], color: ColorTags, made: Appearance) -> str | None:
    """Return what differs between an encoded video and what it should be displayed as, None for nothing."""
    if any(abs(a - b) > _MAX_ERROR for a, b in zip(size, made.display_size, strict=True)):
        return "is displayed as {}x{} in place of {}x{}".format(*made.display_size, *size)
    return color_difference(color, made.color)
