"""What is made beside a finished file: its verdict, a repair where text is left, and subtitles of what was removed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from preflight.events import Cancel, Listener
from preflight.model.job import Fixed
from preflight.model.text import ScreenTexts, TextRole
from preflight.restore.acceptance.report import AcceptanceReport, AcceptanceVerdict
from preflight.serialize import jsonable
from preflight.settings import Settings
from preflight.tools import files
from preflight.workflow import acceptance, text_export
from preflight.workflow.outcome import Notes
from preflight.workflow.request import RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The verdict on a finished file, whether it was repaired, and the subtitles."""

    report: AcceptanceReport | None = None
    repaired: bool = False
    subtitles: tuple[Path, ...] = ()
    texts: ScreenTexts | None = None
    """The texts of the source, or of the part of it that was sent, where they were searched for."""

    def to_record(self) -> dict[str, Any]:
        """Return what the record of the finished file gets."""
        content: dict[str, Any] = {}
        if self.report is not None:
            content["acceptance"] = {
                **jsonable(self.report),
                "reasons": list(self.report.reasons),
                "repaired": self.repaired,
            }
        if self.subtitles:
            content["subtitles"] = [str(path) for path in self.subtitles]
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished file, the source that it belongs to, and what was wanted."""

    source: Path
    file: Path
    fixed: Fixed
    request: RunRequest
    settings: Settings
    listener: Listener
    cancel: Cancel | None

    @property
    def original(self) -> Path | None:
        """The video that the finished file should equal but for its text; None where that is no single file."""
        if self.fixed.plan.trim is None:
            return self.source
        segments = self.fixed.segments
        return segments[0].media.path if len(segments) == 1 and segments[0].media.path.is_file() else None


def make(finished: Finished, notes: Notes) -> Beside:
    """Verify the finished file, repair it where that is wanted, and write subtitles; what can't be done is a note.

    Without the `local` extra nothing is verified, since there is nothing that reads text.
    """
    request, original = finished.request, finished.original
    wanted = request.verify and find_spec("rapidocr") is not None
    if not (wanted or request.subtitles):
        return Beside()
    if original is None:
        notes.texts.append("The result was not verified: its parts of a trimmed video are several files.")
        return Beside()
    made, texts = Beside(), None
    with notes.of("The text of the video could not be searched"):
        texts = text_export.find_text(
            original, settings=finished.settings, listener=finished.listener, cancel=finished.cancel
        )
        if wanted:
            with notes.of("The result could not be verified"):
                made = _verified(finished, original, texts)
        if request.subtitles:
            with notes.of("The subtitles could not be written"):
                made = replace(made, subtitles=_subtitles(finished, texts))
    return replace(made, texts=texts)


def _verified(finished: Finished, original: Path, texts: ScreenTexts) -> Beside:
    options = finished.request.options
    roles = acceptance.OVERLAY if options.artificial_text_only else frozenset(TextRole)
    expected = acceptance.Expected(texts=texts, roles=roles, language=options.language)

    def judge(file: Path) -> AcceptanceReport:
        return acceptance.verify(
            original,
            file,
            expected=expected,
            settings=finished.settings,
            listener=finished.listener,
            cancel=finished.cancel,
        )

    report = judge(finished.file)
    if not finished.request.repair or not acceptance.repair_boxes(report):
        return Beside(report=report)
    with files.scratch(finished.file.parent) as folder:
        mended = folder / finished.file.name
        acceptance.repair(
            finished.file,
            report,
            mended,
            settings=finished.settings,
            listener=finished.listener,
            cancel=finished.cancel,
        )
        after = judge(mended)
        if is_better(after, report):
            mended.replace(finished.file)
            return Beside(report=after, repaired=True)
    return Beside(report=report)


def is_better(after: AcceptanceReport, before: AcceptanceReport) -> bool:
    """Return True when a repair has left less text, and has not made an acceptable result poor."""
    order = list(AcceptanceVerdict)
    return after.residual_texts < before.residual_texts and order.index(after.verdict) <= order.index(before.verdict)


def _subtitles(finished: Finished, texts: ScreenTexts) -> tuple[Path, ...]:
    stem = finished.file.stem
    written: list[Path] = []
    for kind in finished.request.subtitles:
        target = finished.file.with_name(files.name(stem, f".{kind}"))
        with files.scratch(target.parent) as folder:
            (draft,) = text_export.write_subtitles(texts, folder / target.name)
            draft.replace(target)
        written.append(target)
    return tuple(written)
