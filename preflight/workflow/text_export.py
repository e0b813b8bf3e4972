"""The text of a video as subtitles: scan, mark what was removed, group, write."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from preflight import engine, subtitles
from preflight.api import require_path
from preflight.engine.types import RemovalReport, TextTrackSummary
from preflight.errors import UsageError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.model.text import ScreenText, ScreenTexts, TextRole
from preflight.settings import Settings, load_settings

LANGUAGES = ("zh", "en")
"""Languages that lines are told apart by."""

MIN_COMMON_FRAMES = 0.5
"""Share of a text's frames that a removed track covers when it is that text."""


def find_text(
    path: Path | str,
    *,
    report: RemovalReport | None = None,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> ScreenTexts:
    """Find all text of a video without removing any.

    Args:
        path: The video.
        report: What a removal of this video's text did; each text then says whether it was removed.
        settings: `ffmpeg` names another program than the wheel's.
        listener: Called with each `Progress`.
        cancel: Stops the work when it is set.

    Returns:
        Each line of text with its exact frames, place, colour, role and confidence.

    Raises:
        UsageError: An argument is wrong.
        InputError: The video can't be decoded, or is HDR.
        ToolMissingError: The `local` extra is not installed.
        CancelledError: `cancel` was set.
    """
    from preflight.tools import ffmpeg

    found = engine.find_texts(
        require_path(path, "path"),
        ffmpeg=ffmpeg.find((settings or load_settings()).ffmpeg),
        on_progress=lambda share: listener(Progress(stage=Stage.TEXT, done=share, total=1.0)),
        cancel=cancel,
    )
    return found if report is None else mark_removed(found, report)


def mark_removed(found: ScreenTexts, report: RemovalReport) -> ScreenTexts:
    """Return the texts, each with whether a track of the report's removed ones covers it in place and time."""
    texts = tuple(
        replace(text, removed=any(_is_covered(text, item.track) for item in report.removed)) for text in found.texts
    )
    return replace(found, texts=texts)


def _is_covered(text: ScreenText, track: TextTrackSummary) -> bool:
    common = min(text.last_frame, track.last_frame) - max(text.first_frame, track.first_frame) + 1
    if common < MIN_COMMON_FRAMES * (text.last_frame - text.first_frame + 1):
        return False
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = text.box, track.box
    return track.moves or (min(ax1, bx1) > max(ax0, bx0) and min(ay1, by1) > max(ay0, by0))


def write_subtitles(
    found: ScreenTexts,
    path: Path | str,
    *,
    roles: Collection[TextRole] = (TextRole.CAPTION,),
    language: str | None = None,
    split_languages: bool = False,
    removed_only: bool = False,
) -> tuple[Path, ...]:
    """Write text as subtitles, in the format that the extension of `path` names.

    Args:
        found: The text of a video.
        path: The file: .srt, .vtt, .ass (with place and colour) or .json (with everything); replaced when it exists.
        roles: What is written; JSON lists every text besides.
        language: Lines of this language only, `zh` or `en`.
        split_languages: Write a file for each language that occurs, such as `NAME.zh.srt`, in place of `path`.
        removed_only: Leave out texts that a removal kept.

    Returns:
        The files that were written.

    Raises:
        UsageError: The extension is no format, or an argument is wrong.
    """
    path = require_path(path, "path")
    if language is not None and language not in LANGUAGES:
        raise UsageError(f"language is {language!r}, not one of {', '.join(LANGUAGES)}.")
    texts = [text for text in found.texts if text.removed or not removed_only]
    if not split_languages:
        subtitles.write(subtitles.select_cues(texts, roles, language=language), found, path)
        return (path,)
    written = []
    for one in languages_of(texts, roles):
        target = language_path(path, one)
        subtitles.write(subtitles.select_cues(texts, roles, language=one), found, target)
        written.append(target)
    return tuple(written)


def languages_of(texts: Sequence[ScreenText], roles: Collection[TextRole]) -> tuple[str, ...]:
    """Return the languages of the texts of these roles, in the order of `LANGUAGES`; other scripts are left out."""
    present = {text.language for text in texts if text.role in roles}
    return tuple(language for language in LANGUAGES if language in present)


def language_path(path: Path, language: str) -> Path:
    """Return the name of a file of one language: `film.srt` becomes `film.zh.srt`."""
    return path.with_name(f"{path.stem}.{language}{path.suffix}")
