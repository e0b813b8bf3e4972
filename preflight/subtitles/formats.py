"""Write cues as SubRip, WebVTT, ASS or JSON, with times at which players show exactly their frames."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from preflight.errors import ToolMissingError, UsageError
from preflight.model.text import ScreenTexts, TextRole
from preflight.serialize import jsonable
from preflight.subtitles.cues import Cue, CueLine

if TYPE_CHECKING:
    import pysubs2

_STYLES = {TextRole.CAPTION: "Caption", TextRole.WATERMARK: "Watermark", TextRole.SIGN: "Sign"}
_TEXT_SCALE = 1.2
"""Font size of a line by the height of its box: a box holds ascenders and descenders, a font size the line spacing."""
_EXTENSIONS = frozenset({"srt", "vtt", "ass", "json"})

FORMATS = tuple(sorted(_EXTENSIONS))
"""The formats, which are the extensions of their files."""


def write(cues: Sequence[Cue], video: ScreenTexts, path: Path) -> None:
    """Write the cues to a file, in the format that its extension names.

    Times are rounded down to the unit of the format (1 ms; 10 ms in ASS). A player that shows a cue from `start` up to,
    but not including, `end` then shows it on exactly its frames, up to 1000 (ASS: 100) frames a second.

    Args:
        cues: in order of time.
        video: size and frame rate of the video, and all its texts, which JSON lists.
        path: the file; replaced when it exists.

    Raises:
        UsageError: the extension is none of `FORMATS`.
        ToolMissingError: pysubs2 is not installed.
    """
    kind = path.suffix[1:].lower()
    writers: dict[str, Callable[[Sequence[Cue], ScreenTexts], str]] = {
        "srt": lambda cues, _: _plain(cues).to_string("srt"),
        "vtt": lambda cues, _: _plain(cues).to_string("vtt"),
        "ass": lambda cues, video: _styled(cues, video).to_string("ass"),
        "json": _listed,
    }
    if kind not in writers:
        raise UsageError(f"{path.name}: subtitles are written as {', '.join(FORMATS)}.", hint="Name such a file.")
    path.write_text(writers[kind](cues, video), "utf-8")


def milliseconds(time: Fraction, unit: int = 1) -> int:
    """Return the time in milliseconds, rounded down to multiples of `unit` milliseconds."""
    return max(0, math.floor(time * 1000 / unit) * unit)


def _library() -> Any:
    try:
        import pysubs2
    except ImportError as error:
        raise ToolMissingError("pysubs2 is not installed.", hint="Run `pip install pysubs2`.") from error
    return pysubs2


def _plain(cues: Sequence[Cue]) -> pysubs2.SSAFile:
    library = _library()
    made: pysubs2.SSAFile = library.SSAFile()
    for cue in cues:
        event = library.SSAEvent(start=milliseconds(cue.start), end=milliseconds(cue.end))
        # Braces are tags in pysubs2's text; in SubRip and WebVTT they are letters, and <, & are tags there.
        event.plaintext = "\n".join(_without_tags(line.text) for line in cue.lines)
        made.append(event)
    return made


_LOOKALIKES = MappingProxyType(str.maketrans({"<": "\u2039", ">": "\u203a", "{": "(", "}": ")", "\\": "\u2216"}))
"""Letters that start tags or escapes in subtitle formats, and what is written for them."""


def _without_tags(text: str) -> str:
    """Return a text in which nothing acts as a tag: what the recogniser read is data."""
    printable = "".join(letter for letter in text if letter.isprintable())
    return printable.replace("-->", "\u2192").translate(dict(_LOOKALIKES))


def _styled(cues: Sequence[Cue], video: ScreenTexts) -> pysubs2.SSAFile:
    library = _library()
    made: pysubs2.SSAFile = library.SSAFile()
    made.info.update({"PlayResX": str(video.width), "PlayResY": str(video.height), "WrapStyle": "2"})
    made.info["ScaledBorderAndShadow"] = "yes"
    made.styles = {
        name: library.SSAStyle(alignment=library.Alignment.MIDDLE_CENTER, outline=2, shadow=0)
        for name in _STYLES.values()
    }
    for cue in cues:
        for line in cue.lines:
            made.append(
                library.SSAEvent(
                    start=milliseconds(cue.start, 10),
                    end=milliseconds(cue.end, 10),
                    style=_STYLES[cue.role],
                    name=line.language,
                    text=_override(line) + _without_tags(line.text),
                )
            )
    return made


def _override(line: CueLine) -> str:
    """Return the ASS tags of a line: middle of its box, size, colour."""
    left, top, right, bottom = line.box
    size = min(right - left, bottom - top) if len(line.text) > 1 else bottom - top
    tags = f"\\pos({(left + right) // 2},{(top + bottom) // 2})\\fs{round(size * _TEXT_SCALE)}"
    if line.color:
        red, green, blue = line.color[1:3], line.color[3:5], line.color[5:7]
        tags += f"\\1c&H{blue}{green}{red}&"
    return f"{{{tags}}}"


def _listed(cues: Sequence[Cue], video: ScreenTexts) -> str:
    content = {
        "schema": 1,
        "frames": video.frames,
        "frame_rate": video.frame_rate,
        "width": video.width,
        "height": video.height,
        "cues": [
            {
                "start": float(cue.start),
                "end": float(cue.end),
                "first_frame": cue.first_frame,
                "last_frame": cue.last_frame,
                "role": cue.role.value,
                "confidence": cue.confidence,
                "removed": cue.removed,
                "lines": jsonable(cue.lines),
            }
            for cue in cues
        ],
        "texts": jsonable(video.texts),
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
