"""Scan of a video for its text, without removal: what it says, where, on which frames, and what it is there for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from fractions import Fraction
from pathlib import Path

from preflight.engine import pipeline
from preflight.engine.classify import selection
from preflight.engine.core.box import Box
from preflight.engine.detect.ocr import OcrReading
from preflight.engine.media.probe import Source, inspect, shrink
from preflight.engine.model.identity import IDENTITY, is_same_text
from preflight.engine.model.kind import Kind
from preflight.engine.model.track import LEGIBLE, Track
from preflight.engine.parallel.pool import workers
from preflight.errors import CancelledError
from preflight.events import Cancel
from preflight.model.job import RemovalOptions
from preflight.model.text import ScreenText, ScreenTexts, TextRole

SCAN_SIDE = 540
"""Shorter side in pixels to which frames are shrunk. At 1080p the same captions are read and their edges are the same
as at full size, in 0.6 of the processor time; captions are rarely below a fortieth of the height, 13 pixels then."""

LASTING_SHARE = 0.8
"""Share of the video at or above which overlay text stays on and is no caption."""

MIN_LASTING = 8.0
"""Seconds that such text stays on: in a shorter video a caption may do so."""

MIN_VOTES = 3
"""Readings at or above which others can outvote the most confident one."""

RETURNS = 3
"""Times that the same words are on screen, at two or more places, at or above which they are a mark that jumps."""


def find_texts(
    path: Path,
    *,
    program: str,
    on_progress: Callable[[float], None] | None = None,
    processes: int | None = None,
    cancel: Cancel | None = None,
) -> ScreenTexts:
    """Return all text of a video, also in scripts that are not read, as `preflight.engine.find_texts` describes."""

    def on_share(share: float) -> None:
        if cancel is not None and cancel.is_set():
            raise CancelledError("Stopped on request.")
        if on_progress is not None:
            on_progress(share)

    facts = inspect(path, program, allow_hdr=True)
    small = shrink(facts, SCAN_SIDE)
    with workers(processes) as pool:
        scanned = pipeline.scan(small, program, pool, on_share)
    frames = len(scanned.times)
    options = RemovalOptions()
    overlay = selection.select_tracks(scanned.tracks, options, frames=frames, any_script=True)
    scene = [
        track
        for track in scanned.tracks
        if not any(track is text for text in overlay)
        and track.score > LEGIBLE
        and any(selection.is_readable(OcrReading(track.text, track.score), language) for language in ("en", "zh"))
    ]
    times = _Times(scanned.times, facts, scanned.last_duration)
    scale = Fraction(facts.upright[0], small.upright[0]), Fraction(facts.upright[1], small.upright[1])
    texts = [
        _text(track, assign_role(track, overlay, frames=frames, rate=float(facts.rate)), times, scale)
        for track in (*overlay, *scene)
    ]
    on_share(1.0)
    return ScreenTexts(
        frames=frames,
        frame_rate=round(float(facts.rate), 3),
        width=facts.upright[0],
        height=facts.upright[1],
        texts=tuple(sorted(texts, key=lambda text: (text.first_frame, text.box[1], text.box[0]))),
    )


class _Times:
    """Exact times of frames, in seconds from the first one."""

    def __init__(self, ticks: Sequence[int], source: Source, last_duration: int) -> None:
        self._ticks, self._base = ticks, source.time_base
        self._last = last_duration * source.time_base or 1 / source.rate

    def start(self, index: int) -> Fraction:
        return (self._ticks[index] - self._ticks[0]) * self._base

    def end(self, index: int) -> Fraction:
        return self.start(index + 1) if index + 1 < len(self._ticks) else self.start(index) + self._last


def _text(track: Track, role: TextRole, times: _Times, scale: tuple[Fraction, Fraction]) -> ScreenText:
    reading = vote((OcrReading(track.text, track.score), *track.readings))
    box = track.line
    return ScreenText(
        text=reading.text,
        confidence=round(reading.score, 3),
        role=role,
        certain=track.kind is not Kind.UNCERTAIN,
        language=language_of(reading.text),
        first_frame=track.first,
        last_frame=track.last,
        start=times.start(track.first),
        end=times.end(track.last),
        box=_scaled(box, scale),
        moves=track.path is not None,
        color=None if track.color is None else _hex(track.color),
    )


def _scaled(box: Box, scale: tuple[Fraction, Fraction]) -> tuple[int, int, int, int]:
    across, down = scale
    return round(box.x0 * across), round(box.y0 * down), round(box.x1 * across), round(box.y1 * down)


def _hex(color: tuple[float, float, float]) -> str:
    blue, green, red = (min(255, max(0, round(value))) for value in color)
    return f"#{red:02X}{green:02X}{blue:02X}"


def assign_role(track: Track, overlay: Sequence[Track], *, frames: int, rate: float) -> TextRole:
    """Return what a text is there for.

    Args:
        track: the text.
        overlay: all overlay texts of the video.
        frames: length of the video.
        rate: frames a second.
    """
    if not any(track is text for text in overlay):
        return TextRole.SIGN
    lasting = track.frames >= LASTING_SHARE * frames and track.frames >= MIN_LASTING * rate
    if lasting or track.masks.counter is not None:
        return TextRole.WATERMARK
    same = [text for text in overlay if is_same_text(track.text, text.text, IDENTITY.exact_similarity)]
    places = [text for text in same if not any(_is_lower(text, other) for other in same)]
    shown = sum(text.frames for text in same)
    if len(same) >= RETURNS and len(places) > 1 and shown >= LASTING_SHARE * frames:
        return TextRole.WATERMARK
    return TextRole.CAPTION


def _is_lower(text: Track, other: Track) -> bool:
    """Return True for the later one of two texts at one place."""
    return other.first < text.first and other.line.common(text.line) > IDENTITY.overlap * text.line.area


def language_of(text: str) -> str:
    """Return `zh` for a line with Chinese characters, `en` for one of Latin letters or digits, empty for others."""
    if any("\u3400" <= letter <= "\u9fff" for letter in text):
        return "zh"
    return "en" if any(letter.isascii() and letter.isalnum() for letter in text) else ""


def vote(readings: Sequence[OcrReading]) -> OcrReading:
    """Return the reading on which the readings of several frames agree, character by character.

    The most confident reading is the base. At each of its places the readings that are aligned with it vote, each with
    its confidence; a reading of other words (less than `IDENTITY.exact_similarity` alike) has no vote.
    """
    base = max(readings, key=lambda reading: reading.score)
    others = [r for r in readings if is_same_text(base.text, r.text, IDENTITY.exact_similarity)]
    if len(others) < MIN_VOTES:
        return base
    votes: list[dict[str, float]] = [{} for _ in base.text]
    for reading in others:
        for tag, i, j, k, m in SequenceMatcher(None, base.text, reading.text, autojunk=False).get_opcodes():
            if tag == "equal" or (tag == "replace" and j - i == m - k):
                for place, letter in zip(range(i, j), reading.text[k:m], strict=True):
                    votes[place][letter] = votes[place].get(letter, 0.0) + reading.score
            elif tag == "delete":
                for place in range(i, j):
                    votes[place][""] = votes[place].get("", 0.0) + reading.score
    text = "".join(max(vote, key=lambda letter: vote[letter]) for vote in votes)
    return replace(base, text=text.strip())
