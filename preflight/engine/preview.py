"""Preview of a few frames: where there is text, and in which language."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from preflight.engine.classify.selection import is_readable
from preflight.engine.detect import ocr
from preflight.engine.detect.detector import find_text
from preflight.engine.media import decode
from preflight.engine.media.probe import Source, inspect
from preflight.engine.types import TextPreview, TextSpot


def preview_text(path: Path, *, program: str, samples: int) -> TextPreview:
    """Return the text on `samples` evenly spread frames; one frame is read when the duration is unknown."""
    source = inspect(path, program)
    length = source.duration or Fraction(0)
    spots: list[TextSpot] = []
    for number in range(samples if length else 1):
        time = length * (2 * number + 1) / (2 * samples)
        frame = decode.at(source, program, time)
        if frame is not None:
            spots += _spots(frame, float(time), source)
    return TextPreview(spots=tuple(spots), language=language("".join(spot.text for spot in spots)))


def _spots(frame: decode.Frame, time: float, source: Source) -> list[TextSpot]:
    width, height = source.upright
    found = []
    for line in find_text(frame):
        reading = ocr.read_line(frame.color(line.padded(2, width, height)))
        if is_readable(reading, language(reading.text) or "en"):
            corners = (line.x0 / width, line.y0 / height, line.x1 / width, line.y1 / height)
            x1, y1, x2, y2 = (round(corner, 4) for corner in corners)
            found.append(
                TextSpot(time=time, text=reading.text, score=round(reading.score, 3), x1=x1, y1=y1, x2=x2, y2=y2)
            )
    return found


def language(text: str) -> str | None:
    """Return `zh` or `en` for most of `text`, None for none; a Chinese character says as much as three letters."""
    chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in text)
    letters = sum(letter.isascii() and letter.isalpha() for letter in text)
    if not chinese and not letters:
        return "en" if text else None
    return "zh" if 3 * chinese >= letters else "en"
