"""Which ffmpeg a program is: its version, where it comes from, and which of the features in use it lacks."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import StrEnum

from preflight.errors import ToolError, ToolMissingError
from preflight.tools import process

MINIMUM = (5, 1)
"""Oldest version with `-fps_mode` and the bit stream filter `setts`; Debian 12 ships it, and the tests run with it."""
_LIBAVUTIL_AHEAD = 52
"""Difference of the major versions of libavutil and ffmpeg since 4.0, for builds that name a commit, not a version."""
_TIMEOUT = 30.0
"""Seconds for one question to a program."""
_FEATURES = {
    "encoders": ("libx264", "libx265", "libsvtav1", "aac"),
    "filters": (
        *("bwdif", "crop", "hflip", "scale", "setparams", "setpts", "tonemap", "transpose", "trim", "vflip"),
        "zscale",
    ),
    "bsfs": ("aac_adtstoasc", "h264_mp4toannexb", "hevc_mp4toannexb", "noise", "setts"),
    "demuxers": ("concat", "matroska", "mpegts"),
    "muxers": ("framecrc", "matroska", "mov", "mp4"),
}
"""What preflight uses, by the option of ffmpeg that lists it."""
_OPTIONAL = frozenset({"libx265", "libsvtav1"})
"""Encoders that are used only when a person names them."""


class Origin(StrEnum):
    """Why an ffmpeg is the one in use."""

    WHEEL = "wheel"
    SETTING = "setting"
    PATH = "path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """An ffmpeg program. `version` is (major, minor), `text` what it prints as its version, `missing` features."""

    path: str
    origin: Origin
    version: tuple[int, int]
    text: str
    missing: tuple[str, ...] = ()


def parse_version(banner: str) -> tuple[tuple[int, int], str] | None:
    """Return (major, minor) and the version's text from what `ffmpeg -version` prints, None for another program."""
    named = re.search(r"^ffmpeg version (\S+)", banner, re.MULTILINE)
    if named is None:
        return None
    numbers = re.match(r"n?(\d+)\.(\d+)", named[1])
    if numbers:
        return (int(numbers[1]), int(numbers[2])), named[1]
    library = re.search(r"^libavutil\s+(\d+)\.\s*\d+", banner, re.MULTILINE)
    return ((int(library[1]) - _LIBAVUTIL_AHEAD, 0), named[1]) if library else None


@functools.cache
def version_of(path: str) -> tuple[tuple[int, int], str]:
    """Return (major, minor) and the version's text of the program at `path`.

    Raises ToolMissingError for a program that is no ffmpeg or older than `MINIMUM`.
    """
    try:
        banner = process.run([path, "-hide_banner", "-version"], timeout=_TIMEOUT).stdout.decode("utf-8", "replace")
    except ToolMissingError:
        raise
    except ToolError:
        banner = ""
    found = parse_version(banner)
    if found is None:
        raise ToolMissingError(f"{path} is no ffmpeg.", hint="Unset PREFLIGHT_FFMPEG, or name another ffmpeg there.")
    if found[0] < MINIMUM:
        raise ToolMissingError(
            f"{path} is ffmpeg {found[1]}; preflight needs {MINIMUM[0]}.{MINIMUM[1]} or later.",
            hint="Unset PREFLIGHT_FFMPEG to use the one in the imageio-ffmpeg wheel, or install a later one.",
        )
    return found


@functools.cache
def features(path: str, kind: str) -> frozenset[str]:
    """Return the names that `ffmpeg -KIND` lists (`encoders`, `filters`, `bsfs`, `demuxers`, `muxers`)."""
    listing = process.run([path, "-hide_banner", f"-{kind}"], timeout=_TIMEOUT).stdout.decode("utf-8", "replace")
    # Flags in front of the name, and for filters the kinds of their pads behind it.
    pattern = r"^(\w+)$" if kind == "bsfs" else r"^ ?[ .A-Z|]{2,7} +([\w,]+)"
    return frozenset(name for names in re.findall(pattern, listing, re.MULTILINE) for name in names.split(","))


def missing_features(path: str) -> tuple[str, ...]:
    """Return the features in use that the program lacks, such as `encoder libx264`; optional encoders are left out."""
    return tuple(
        f"{kind.removesuffix('s')} {name}"
        for kind, names in _FEATURES.items()
        for name in names
        if name not in _OPTIONAL and name not in features(path, kind)
    )
