"""What the pages are made of while the server runs: the index, proxies on demand, decisions and requests."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from preflight.errors import InputError
from preflight.review import decisions as decided
from preflight.review import page, proxy, request_draft, stills
from preflight.review.decisions import Choice, Decisions, RedoPlan
from preflight.review.library import Library, decisions_path, load, load_decisions
from preflight.review.review_actions import ReviewActions
from preflight.review.subject import Box, ReviewVideo
from preflight.review.work import Report, Workbench, WorkOutcome, WorkState
from preflight.serialize import jsonable
from preflight.tools import files

FRESH = 2.0
"""Seconds for which an index is not read again, however many pages ask for it."""

CACHE_BYTES = 2_000_000_000
"""Size of the kept proxies, in bytes; the oldest go first."""

MOST_ROWS = 500
"""Rows of the index in one answer."""

ALL = "all"
"""Key of the work on all videos without a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person has to agree to before it is done."""

    words: str


@dataclass(slots=True)
class ReviewDesk:
    """Answers the questions of the pages. `folder` is for proxies, which are made when they are first asked for."""

    library: Library
    folder: Path
    ffmpeg: str
    actions: ReviewActions
    scanned: dict[str, ReviewVideo] = field(default_factory=dict)
    """Videos before a run that were searched for text, by their identifiers."""
    work: Workbench = field(default_factory=Workbench)
    _read_at: float = -FRESH
    _index: threading.Lock = field(default_factory=threading.Lock)
    _locks: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    def index(self, *, offset: int, limit: int, search: str, state: str, order: str) -> dict[str, Any]:
        """Return a page of the index, with totals and a `version` that changes when anything shown does."""
        self._refresh()
        rows = self.library.rows(search=search, state=state, order=order)
        shown = rows[offset : offset + min(limit, MOST_ROWS)]
        totals = self.library.totals()
        running = self.work.state(ALL)
        answer = {
            "rows": jsonable(shown),
            "count": len(rows),
            "totals": jsonable(totals),
            "work": running and jsonable(running),
        }
        return {**answer, "version": str(hash(json.dumps(answer)))}

    def video(self, identifier: str) -> ReviewVideo:
        """Return a video. Raises InputError for an unknown one."""
        for _ in range(2):
            if (record := self.library.record(identifier)) is not None:
                return load(record)
            if (path := self.library.new_video(identifier)) is not None:
                if identifier not in self.scanned:
                    self.scanned[identifier] = self.actions.unscanned(path)
                return self.scanned[identifier]
            self._read_at = -FRESH
            self._refresh()
        raise InputError("There is no such video.", hint="Open the list of all videos again.")

    def video_json(self, identifier: str) -> dict[str, Any]:
        """Return what the page shows of a video, with the decisions made so far."""
        video = self.video(identifier)
        made = load_decisions(video.record).to_json() if video.record else {}
        price = "" if video.record else f"A run takes {self.actions.run_price([video])}."
        return page.video_json(video, decisions=made, stamp=_stamp(video), price=price)

    def proxy(self, identifier: str) -> tuple[Path, tuple[float, ...]]:
        """Return the proxy of a video and its changes a frame, made now unless they are kept from before."""
        video = self.video(identifier)
        file = self.folder / f"{identifier}-{_stamp(video)}.mp4"
        beside = file.with_suffix(".json")
        with self._locks[identifier]:
            if not (file.exists() and beside.exists()):
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                made = proxy.make(video, file, ffmpeg=self.ffmpeg)
                beside.write_text(json.dumps(made.changes), encoding="utf-8")
                files.prune(self.folder, CACHE_BYTES, spare=file)
        return file, tuple(json.loads(beside.read_bytes()))

    def thumbnail(self, identifier: str) -> bytes:
        """Return a small JPEG of the middle of a video."""
        video = self.video(identifier)
        shown = video.cleaned or video.source
        if shown is None:
            raise InputError(f"{video.name} is gone.")
        return stills.thumbnail(shown, video.duration / 2, ffmpeg=self.ffmpeg)

    def crop(self, identifier: str, *, after: bool, time: float, box: Box) -> bytes:
        """Return a PNG of a part of the frame that the proxy shows at `time`, in the file's own pixels."""
        video = self.video(identifier)
        shown = video.cleaned if after else video.source
        if shown is None:
            raise InputError(f"{video.name} is gone.")
        # Half a frame earlier: the first frame behind that is the one that is shown, however its time was rounded.
        begin = time - 0.5 / video.rate + (0.0 if after else video.offset)
        return stills.crop(shown, begin, box, ffmpeg=self.ffmpeg)

    def save_decisions(self, identifier: str, body: bytes) -> Path:
        """Save what was decided beside the record and return where. Raises UsageError for what is no decision."""
        video = self.video(identifier)
        if video.record is None:
            raise InputError("This video has no result yet.")
        made = decided.parse(body)
        decided.plan(made, video)
        path = decisions_path(video.record)
        with self._locks[identifier]:
            _write_decisions(made, path)
        self._read_at = -FRESH
        return path

    def save_run_request(self, identifier: str, body: bytes) -> str:
        """Save what is to be removed from a video without a result, and return the next step."""
        video = self.video(identifier)
        return self.actions.save_request(video, request_draft.parse(body, video))

    def work_state(self, identifier: str) -> WorkState | None:
        """Return where the work on a video stands, or on all for `ALL`."""
        return self.work.state(identifier)

    def start_search(self, identifier: str) -> None:
        """Begin to search a video for text."""
        video = self.video(identifier)
        if video.texts_known:
            return

        def search(report: Report, cancel: threading.Event) -> WorkOutcome:
            if video.record is not None:
                with self._locks[identifier]:
                    return self.actions.search(video, report, cancel)
            self.scanned[identifier] = found = self.actions.scanned(video, report, cancel)
            return WorkOutcome(message=f"{len(found.texts)} texts found.", changed=True)

        self.work.start(identifier, "search", search)

    def start_redo(self, identifier: str, *, by_service: bool, pay: bool) -> Question | str:
        """Begin to make a result again by the saved decisions; return a question, or what keeps it from beginning."""
        video = self.video(identifier)
        if video.record is None:
            raise InputError("This video has no result yet.")
        plan = decided.plan(load_decisions(video.record), video)
        if not plan.changes:
            return "Nothing to redo: no decision changes the picture."
        if not by_service:
            return self._start_redo(video, plan)
        if not plan.fill:
            return "The service would do the same again: reject a text, or draw a box to remove what is in it."
        price = self.actions.redo_price(video)
        if not pay and not price.is_local:
            return Question(words=f"The service removes it again, into a file of its own: {price}. Go on?")
        self.work.start(
            identifier,
            "redo",
            lambda report, cancel: self._listed(self.actions.redo_by_service(video, plan, report, cancel)),
        )
        return ""

    def _start_redo(self, video: ReviewVideo, plan: RedoPlan) -> str:
        def redo(report: Report, cancel: threading.Event) -> WorkOutcome:
            with self._locks[video.identifier]:
                outcome = self.actions.redo(video, plan, report, cancel)
                self._settle_decisions(video)
            self._read_at = -FRESH
            return outcome

        self.work.start(video.identifier, "redo", redo)
        return ""

    def _settle_decisions(self, video: ReviewVideo) -> None:
        """Take the decisions about texts that a redo has carried out off the list: the record holds them now."""
        assert video.record is not None  # noqa: S101 - only results are redone
        made = load_decisions(video.record)
        open_ones = tuple(text for text in made.texts if text.choice is Choice.ACCEPT)
        if open_ones != made.texts:
            _write_decisions(replace(made, texts=open_ones), decisions_path(video.record))

    def start_run(self, identifier: str, body: bytes, *, pay: bool) -> Question | str:
        """Begin to run a video with what its page asks for, which is saved too; return a question until `pay`."""
        video = self.video(identifier)
        if video.record is not None:
            raise InputError("This video has a result.")
        draft = request_draft.parse(body, video)
        price = self.actions.run_price([video])
        if not pay and not price.is_local:
            return Question(words=f"This takes {price}. Go on?")

        def run(report: Report, cancel: threading.Event) -> WorkOutcome:
            return self._listed(self.actions.run(video, draft, report, cancel))

        self.work.start(identifier, "run", run)
        return ""

    def start_all(self, *, pay: bool) -> Question | str:
        """Begin to run every video without a result; return a question until `pay`."""
        self._refresh()
        paths = self.library.new_videos
        if not paths:
            return "Every video has a result."
        if not pay:
            videos = [self._unscanned(path) for path in paths]
            price = self.actions.run_price([video for video in videos if video is not None])
            return Question(words=f"Run {len(paths)} videos: {price}. Go on?")
        self.work.start(ALL, "run", lambda report, cancel: self._listed(self.actions.run_many(paths, report, cancel)))
        return ""

    def _listed(self, outcome: WorkOutcome) -> WorkOutcome:
        """Have the index list the result of an outcome, also where it is outside the places that are looked through."""
        self._read_at = -FRESH
        self._refresh()
        if outcome.record is not None and self.library.record(outcome.opens) is None:
            self.library.places = (*self.library.places, outcome.record)
            self._read_at = -FRESH
        return outcome

    def _unscanned(self, path: Path) -> ReviewVideo | None:
        try:
            return self.actions.unscanned(path)
        except InputError:
            return None

    def search_now(self, identifier: str, report: Report) -> None:
        """Search a video for text unless that was done, for a page that can't do it later. Raises PreflightError."""
        video = self.video(identifier)
        if video.texts_known:
            return
        if video.record is None:
            self.scanned[identifier] = self.actions.scanned(video, report)
        elif video.source is not None and video.cleaned is not None:
            self.actions.search(video, report)

    def close(self) -> None:
        """Stop the work that runs."""
        self.work.close()

    def _refresh(self) -> None:
        with self._index:
            if time.monotonic() - self._read_at >= FRESH:
                self.library.refresh()
                self._read_at = time.monotonic()


def _write_decisions(made: Decisions, path: Path) -> None:
    with files.scratch(path.parent) as folder:
        draft = folder / path.name
        draft.write_text(json.dumps(made.to_json(), indent=2) + "\n", encoding="utf-8")
        draft.replace(path)


def _stamp(video: ReviewVideo) -> str:
    """Return what changes when one of the video's files does."""
    shown = [path for path in (video.source, video.cleaned) if path is not None]
    return "-".join(f"{path.stat().st_mtime_ns:x}" for path in shown if path.exists())
