"""What the page can have done: search for text, make a result again, run videos that have no result yet."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from preflight import api
from preflight.errors import InputError
from preflight.events import Listener, Progress, Stage
from preflight.model.job import (
    Failed,
    Mismatched,
    Pending,
    Rejected,
    RemovalOptions,
    Result,
    Skipped,
    Succeeded,
    Unknown,
)
from preflight.model.text import ScreenText, ScreenTexts, TextRole, TextStatus
from preflight.review import record_reader, redo_boxes
from preflight.review.decisions import RedoPlan
from preflight.review.request_draft import RequestDraft
from preflight.review.subject import ReviewText, ReviewVideo
from preflight.review.work import Report, WorkOutcome
from preflight.rules.wording import shell_word
from preflight.serialize import jsonable
from preflight.settings import Settings
from preflight.tools import ffmpeg
from preflight.tools.output_names import OutputNames
from preflight.workflow import paid_redo
from preflight.workflow.output_paths import TEXTS_SEARCHED, read_json_record, record_of, write_json_record
from preflight.workflow.paid_redo import JobPrice
from preflight.workflow.request import RunRequest

RESULTS = "cleaned"
"""Name of the folder, beside the videos, for the results of runs that a page started."""


STAGES = {
    Stage.CHECK: "checking the video",
    Stage.FIX: "making it fit for the service",
    Stage.SUBMIT: "handing it to the service",
    Stage.UPLOAD: "sending",
    Stage.WAIT: "the service works",
    Stage.FETCH: "fetching the result",
    Stage.RESTORE: "putting the result together",
    Stage.VERIFY: "comparing the result with the source",
    Stage.TEXT: "looking for text",
    Stage.CLEAN: "filling",
}
"""Stages of a run in words."""


class ReviewActions:
    """Does with the settings of a command what pages ask for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def ffmpeg(self) -> str:
        """Path of ffmpeg. Raises ToolMissingError."""
        return ffmpeg.find(self._settings.ffmpeg)

    def unscanned(self, path: Path) -> ReviewVideo:
        """Return a video before its run, whose texts are not known yet. Raises InputError for what is no video."""
        report = api.check(path, limits=self._settings.limits)
        media = report.media
        if media is None or media.video is None:
            raise InputError(
                f"{path.name} can't be reviewed: it is not a video.",
                hint=f"`preflight check {shell_word(str(path))}` says why.",
            )
        return ReviewVideo(
            identifier=record_reader.identifier(path),
            name=path.name,
            source=path.absolute(),
            cleaned=None,
            record=None,
            size=media.video.display_size,
            rate=float(media.video.frame_rate or 25),
            duration=float(media.duration or 0),
            texts_known=False,
        )

    def scanned(self, video: ReviewVideo, report: Report, cancel: threading.Event | None = None) -> ReviewVideo:
        """Return a video with all its text, and what a run would do with each.

        Raises:
            InputError: The video can't be decoded.
            ToolMissingError: The `local` extra is not installed.
            CancelledError: `cancel` was set.
        """
        from preflight import engine

        assert video.source is not None  # noqa: S101 - a video before its run has one
        found = engine.find_texts(
            video.source, ffmpeg=self.ffmpeg, on_progress=lambda share: report(share, "looking for text"), cancel=cancel
        )
        return replace(
            video,
            size=(found.width, found.height),
            rate=found.frame_rate,
            duration=video.duration or found.frames / found.frame_rate,
            texts=tuple(_review_text(number, text, found) for number, text in enumerate(found.texts, 1)),
            texts_known=True,
        )

    def search(self, video: ReviewVideo, report: Report, cancel: threading.Event | None = None) -> WorkOutcome:
        """Find the texts of a result whose service reported none, and put them into its record."""
        from preflight.workflow import recorded_texts

        assert video.record is not None  # noqa: S101 - a result has one
        if video.source is None or video.cleaned is None:
            raise InputError("The texts are not known, and the source to find them in is gone.")
        texts = recorded_texts.searched_texts(
            video.source,
            settings=self._settings,
            listener=_hearing(report, "looking for text"),
            cancel=cancel,
        )
        begin, end = video.offset, video.offset + video.duration
        texts = tuple(text for text in texts if text.end > begin and text.start < end)
        texts = tuple(replace(text, number=number) for number, text in enumerate(texts, 1))
        texts = recorded_texts.compared_texts(
            texts, video.source, video.cleaned, offset=video.offset, settings=self._settings, cancel=cancel
        )
        content = read_json_record(video.record)
        write_json_record(video.record, {**content, "texts": [text.to_json() for text in texts], TEXTS_SEARCHED: True})
        return WorkOutcome(message=f"{len(texts)} texts found.", changed=True)

    def redo(self, video: ReviewVideo, plan: RedoPlan, report: Report, cancel: threading.Event) -> WorkOutcome:
        """Make a result again of what was kept; no job is paid for."""
        from preflight.workflow.recomposition import redo

        assert video.record is not None  # noqa: S101 - only results are redone
        made = redo(
            video.record,
            regions=redo_boxes.protecting(plan, video),
            fill=redo_boxes.inpainting_boxes(plan.fill),
            settings=self._settings,
            listener=_hearing(report, "making it again"),
            cancel=cancel,
        )
        words = ["Made again, free of charge."]
        if made.verdict is not None:
            words.append(f"Verdict: {made.verdict}.")
        return WorkOutcome(message=" ".join((*words, *made.notes)), changed=True)

    def redo_price(self, video: ReviewVideo) -> JobPrice:
        """Return what a new job for a result costs."""
        assert video.record is not None  # noqa: S101 - only results are redone
        return paid_redo.price_of(video.record, settings=self._settings)

    def redo_by_service(
        self, video: ReviewVideo, plan: RedoPlan, report: Report, cancel: threading.Event
    ) -> WorkOutcome:
        """Have the service make a result again, beside the first one."""
        assert video.record is not None  # noqa: S101 - only results are redone
        result = paid_redo.redo_by_service(
            video.record,
            fill=redo_boxes.inpainting_boxes(plan.fill),
            regions=redo_boxes.protecting(plan, video) if plan.protect else None,
            settings=self._settings,
            listener=_hearing(report, "the service works"),
            cancel=cancel,
        )
        return _outcome(result)

    def run_price(self, videos: Sequence[ReviewVideo]) -> JobPrice:
        """Return what runs of videos cost: a video takes a job, and one that has to be split a job for each part."""
        seconds = sum(video.duration for video in videos)
        return paid_redo.job_price(seconds, sum(map(self._jobs, videos)), self._settings)

    def _jobs(self, video: ReviewVideo) -> int:
        limits = self._settings.limits
        if video.source is None or (video.duration <= limits.max_seconds and _size(video.source) <= limits.max_bytes):
            return 1
        return len(api.plan(api.check(video.source, limits=limits), settings=self._settings).cuts) + 1

    def run(self, video: ReviewVideo, draft: RequestDraft, report: Report, cancel: threading.Event) -> WorkOutcome:
        """Run a video with what its page asked for; the result goes into a folder beside it."""
        from preflight.workflow.run import VideoRun

        assert video.source is not None  # noqa: S101 - a video before its run has one
        api.require_service(self._settings)
        request = RunRequest(
            output=video.source.parent / RESULTS,
            options=RemovalOptions(
                language=draft.language,
                artificial_text_only=not draft.all_text,
                color_blocks=draft.color_blocks,
                remove_audio=draft.remove_audio,
                inpainting_boxes=tuple(redo_boxes.inpainting_boxes(draft.fill)),
            ),
            regions=redo_boxes.protecting(RedoPlan(protect=draft.protect), video),
            verify=self._settings.verify,
        )
        listener = _hearing(report, "running")
        return _outcome(
            VideoRun(request=request, settings=self._settings, listener=listener, cancel=cancel).process(video.source)
        )

    def run_many(self, paths: Sequence[Path], report: Report, cancel: threading.Event) -> WorkOutcome:
        """Run videos one after the other, each in the language of most of its text."""
        from preflight.workflow.batch import run_many

        api.require_service(self._settings)
        done, shares, results = 0, dict.fromkeys(paths, 0.0), list[Result]()

        def listen(path: Path) -> Listener:
            def hear(share: float, note: str) -> None:
                shares[path] = max(shares[path], min(share, 1.0))
                report(sum(shares.values()) / len(paths), f"{path.name}: {note} ({done + 1} of {len(paths)})")

            return _hearing(hear, "running")

        def request(path: Path) -> RunRequest:
            return RunRequest(output=path.parent / RESULTS, detect_language=True, verify=self._settings.verify)

        for result in run_many(paths, request=request, settings=self._settings, listen=listen, cancel=cancel):
            done += 1
            shares[result.source] = 1.0
            results.append(result)
            report(done / len(paths), f"{done} of {len(paths)}")
        failed = [result for result in results if not isinstance(result, Succeeded)]
        words = " ".join(f"{result.source.name}: {_outcome(result).message}" for result in failed[:5])
        return WorkOutcome(message=f"{len(results) - len(failed)} cleaned, {len(failed)} not. {words}".strip())

    def save_request(self, video: ReviewVideo, draft: RequestDraft) -> str:
        """Write what is to be removed beside the source, and return the command that runs it. Raises UsageError."""
        assert video.source is not None  # noqa: S101 - a scanned video has one
        names = OutputNames([video.source])
        path = names.derived(video.source.with_name(f"{video.source.stem}.request.json"))
        path.write_text(json.dumps(request_json(video, draft), indent=2) + "\n", encoding="utf-8")
        return f"preflight run --request {shell_word(str(path))}"


def request_json(video: ReviewVideo, draft: RequestDraft) -> dict[str, Any]:
    """Return the JSON that `preflight run --request` reads."""
    return {"schema": 1, "source": str(video.source), **jsonable(draft)}


def _hearing(report: Report, note: str) -> Callable[[Progress], None]:
    """Return a listener that reports the share of the stage that is done, named by the stage."""

    def hear(progress: Progress) -> None:
        share = progress.done / progress.total if progress.total else 0.0
        report(float(share), progress.note or STAGES.get(progress.stage, note))

    return hear


def _review_text(number: int, text: ScreenText, found: ScreenTexts) -> ReviewText:
    scene = text.role is TextRole.SIGN
    status = TextStatus.UNCERTAIN if not text.certain else TextStatus.KEPT if scene else TextStatus.REMOVED
    left, top, right, bottom = text.box
    return ReviewText(
        number=number,
        words=text.text,
        status=status,
        start=round(float(text.start), 3),
        end=round(float(text.end), 3),
        box=(left / found.width, top / found.height, right / found.width, bottom / found.height),
        severity=record_reader.UNCERTAIN_SEVERITY if status is TextStatus.UNCERTAIN else 0.0,
        note=str(text.role),
    )


def _outcome(result: Result) -> WorkOutcome:
    """Return a result in words, with the next step where there is none."""
    match result:
        case Succeeded(file=file):
            record = record_of(file)
            return WorkOutcome(
                message=f"Done: {file.name}.", changed=True, opens=record_reader.identifier(record), record=record
            )
        case Skipped():
            return WorkOutcome(message="Skipped: no text was seen on its frames.")
        case Rejected(reason=reason):
            return WorkOutcome(message=f"Refused: {reason}")
        case Failed(error=error):
            return WorkOutcome(message=str(error))
        case Mismatched(problems=problems, job_id=job):
            return WorkOutcome(
                message=f"The service's result differs from what was sent: {'; '.join(problems)}. It is kept; "
                f"`preflight jobs resolve {job} --resubmit` submits the video once more."
            )
        case Pending():
            return WorkOutcome(message="Still pending at the service; `preflight resume` goes on.")
        case Unknown(job_id=job):
            return WorkOutcome(
                message=f"Job {job} was sent and not answered. It may be paid for, so it is not sent again; "
                f"`preflight jobs resolve {job}` settles it."
            )


def _size(path: Path) -> int:
    """Return the size of a file in bytes, 0 for one that is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
