"""Verify a cleaned video against its source, and repair what a service left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight import engine
from preflight.api import check, require_path
from preflight.engine.types import RemovalReport
from preflight.errors import InputError, UsageError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.model.job import InpaintingBox, RemovalOptions
from preflight.model.text import ScreenText, ScreenTexts, TextRole
from preflight.restore.acceptance import AcceptanceReport, Problem
from preflight.restore.acceptance.report import ExpectedText
from preflight.settings import Settings, load_settings
from preflight.workflow.text_export import find_text

if TYPE_CHECKING:
    from preflight.restore.acceptance.residue import Line

OVERLAY = frozenset({TextRole.CAPTION, TextRole.WATERMARK})
"""Roles of text that a removal of overlay text takes out."""

MIN_CONFIDENCE = 0.75
"""Confidence of the recogniser at or above which a text has to be gone."""

WRITTEN_SLACK = 0.4
"""Seconds before and after written text that a repair fills: the interval at which it is looked for."""

REPAIR_MARGIN = 0.4
"""Margin around residual text that a repair fills, in heights of the text: outline and shadow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a result should look like: `texts` of the source, and the `removed` regions of a report, if there is one."""

    texts: ScreenTexts
    roles: Collection[TextRole] = OVERLAY
    language: str | None = None
    """Language of the text that was to be removed: lines of another script may stay. None for all."""
    report: RemovalReport | None = None


def verify(
    source: Path | str,
    cleaned: Path | str,
    *,
    expected: Expected | None = None,
    all_text: bool = False,
    evidence: Path | str | None = None,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> AcceptanceReport:
    """Compare a cleaned video with its source and say whether it can be used.

    Args:
        source: The video with its text.
        cleaned: What a service or an engine made of it.
        expected: What should be gone; by default the overlay text that is found in the source.
        all_text: Text of the scene should be gone as well.
        evidence: Folder for the report and for pictures of what was found; it is made if needed.
        settings: `ffmpeg` names another program than the wheel's.
        listener: Called with each `Progress`.
        cancel: Stops the work when it is set.

    Returns:
        The verdict `accepted`, `accepted with remarks` or `poor`, with reasons, places and all measures.

    Raises:
        UsageError: An argument is wrong.
        InputError: A file can't be decoded, or no frames of the two belong together.
        ToolMissingError: The `local` extra is not installed.
        CancelledError: `cancel` was set.

    Example:
        >>> verify("clip.mp4", "cleaned.mp4").verdict
        <AcceptanceVerdict.ACCEPTED: 'accepted'>
    """
    from preflight.restore.acceptance.compare import accept
    from preflight.restore.acceptance.examine import Pair
    from preflight.tools import ffmpeg

    source, cleaned = require_path(source, "source"), require_path(cleaned, "cleaned")
    if source.exists() and cleaned.exists() and source.samefile(cleaned):
        raise UsageError("source and cleaned are the same file.", hint="Name the cleaned video second.")
    for path in (source, cleaned):
        if not path.is_file():
            raise InputError(f"{path} is no file.", hint="Name the source first, the cleaned video second.")
    settings = settings or load_settings()
    if expected is None:
        roles = frozenset(TextRole) if all_text else OVERLAY
        texts = find_text(source, settings=settings, listener=listener, cancel=cancel)
        expected = Expected(texts=texts, roles=roles)
    found = expected.texts
    return accept(
        Pair(
            source=source,
            cleaned=cleaned,
            size=(found.width, found.height),
            texts=[_expected(text) for text in texts_to_go(expected)],
            regions=_regions(expected),
            filters=(_conversion(source), _conversion(cleaned)),
            known_words=[text.text for text in found.texts if text.role not in expected.roles],
        ),
        detect=_detect,
        program=ffmpeg.find(settings.ffmpeg),
        on_share=lambda share: listener(Progress(stage=Stage.VERIFY, done=share, total=1.0)),
        evidence=None if evidence is None else require_path(evidence, "evidence"),
        cancel=cancel,
    )


def _conversion(path: Path) -> str:
    """Return the filter that makes the frames of a file SDR; empty where they are."""
    from preflight.tools import appearance

    media = check(path).media
    video = None if media is None else media.video
    if video is None or not video.color.is_hdr:
        return ""
    return f"{appearance.color_filter(video.color)},{appearance.TONE_MAP}"


def texts_to_go(expected: Expected) -> list[ScreenText]:
    """Return the texts that the result must not show: of the roles and the language, read with confidence."""
    return [text for text in expected.texts.texts if _has_to_go(text, expected)]


def _has_to_go(text: ScreenText, expected: Expected) -> bool:
    asked = expected.language is None or text.language == expected.language
    return asked and text.role in expected.roles and text.confidence >= MIN_CONFIDENCE


def _expected(text: ScreenText) -> ExpectedText:
    return ExpectedText(text=text.text, first=text.first_frame, last=text.last_frame, box=text.box, moves=text.moves)


def _regions(expected: Expected) -> list[ExpectedText]:
    """Return other places that may differ: text that is too unsure to be demanded, and what a report has removed."""
    unsure = [
        _expected(text)
        for text in expected.texts.texts
        if text.role in expected.roles and not _has_to_go(text, expected)
    ]
    if expected.report is None:
        return unsure
    removed = [item.track for item in expected.report.removed]
    return unsure + [
        ExpectedText(text=t.text, first=t.first_frame, last=t.last_frame, box=t.box, moves=t.moves) for t in removed
    ]


def _detect(picture: Any) -> list[Line]:
    from preflight.restore.acceptance.residue import Line

    return [Line(*line) for line in engine.read_picture(picture)]


def repair(
    cleaned: Path | str,
    report: AcceptanceReport,
    destination: Path | str,
    *,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> RemovalReport | None:
    """Fill the residual and the written text of a result with the local engine.

    Args:
        cleaned: The result that was verified.
        report: What `verify` found in it.
        destination: The repaired video.
        settings: `ffmpeg` names another program than the wheel's.
        listener: Called with each `Progress`.
        cancel: Stops the work when it is set.

    Returns:
        What the engine did; None when there is no text to remove, and nothing is written.

    Raises:
        UsageError: An argument is wrong.
        InputError: The result can't be decoded.
        CancelledError: `cancel` was set.
    """
    from preflight.tools import ffmpeg

    boxes = repair_boxes(report)
    if not boxes:
        return None
    settings = settings or load_settings()
    return engine.remove_text(
        require_path(cleaned, "cleaned"),
        require_path(destination, "destination"),
        RemovalOptions(inpainting_boxes=boxes),
        ffmpeg=ffmpeg.find(settings.ffmpeg),
        on_progress=lambda share: listener(Progress(stage=Stage.CLEAN, done=share, total=1.0)),
        cancel=cancel,
        any_script=True,
        fill_model=settings.fill_model,
    )


def repair_boxes(report: AcceptanceReport) -> tuple[InpaintingBox, ...]:
    """Return the regions that hold residual or written text, with the frames that show it."""
    boxes = []
    width, height = report.size
    for finding in report.findings:
        if finding.problem not in {Problem.RESIDUAL_TEXT, Problem.WRITTEN_TEXT}:
            continue
        for place in finding.places:
            if place.box is None:
                continue
            left, top, right, bottom = place.box
            margin = REPAIR_MARGIN * min(right - left, bottom - top)
            length = (place.last_frame - place.first_frame + 1) / report.frame_rate
            # Written text is looked for every so often: it may be there up to the next look.
            slack = WRITTEN_SLACK if finding.problem is Problem.WRITTEN_TEXT else 0.0
            boxes.append(
                InpaintingBox(
                    start=max(0.0, place.time - slack),
                    end=place.time + length + slack,
                    x1=max(0.0, (left - margin) / width),
                    y1=max(0.0, (top - margin) / height),
                    x2=min(1.0, (right + margin) / width),
                    y2=min(1.0, (bottom + margin) / height),
                )
            )
    return tuple(boxes)
