"""What the pages are made of while the server runs: the index, proxies on demand, decisions and requests."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preflight.errors import InputError
from preflight.review import decisions as decided
from preflight.review import page, proxy, request_draft, stills
from preflight.review.decisions import RedoPlan
from preflight.review.library import Library, decisions_path, load, load_decisions
from preflight.review.request_draft import RequestDraft
from preflight.review.subject import ReviewVideo
from preflight.serialize import jsonable
from preflight.tools import files

FRESH = 2.0
"""Seconds for which an index is not read again, however many pages ask for it."""

CACHE_BYTES = 2_000_000_000
"""Size of the kept proxies, in bytes; the oldest go first."""

MOST_ROWS = 500
"""Rows of the index in one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedoOutcome:
    """What a redo did: `changed` when the result is another one now; `price` when it would have to be paid for."""

    message: str
    changed: bool = False
    price: str | None = None


Redo = Callable[[ReviewVideo, RedoPlan, bool], RedoOutcome]
"""Makes a result again; the flag says that the person agreed to pay."""

SaveRequest = Callable[[ReviewVideo, RequestDraft], str]
"""Saves what is to be removed from a video, and returns the next step."""


Price = Callable[[ReviewVideo], str]
"""Says what a run of a video would cost."""


def _no_price(_: ReviewVideo) -> str:
    return ""


@dataclass(slots=True)
class ReviewDesk:
    """Answers the questions of the pages. `folder` is for proxies, which are made when they are first asked for."""

    library: Library
    folder: Path
    ffmpeg: str
    redo: Redo
    save_request: SaveRequest
    scanned: dict[str, ReviewVideo] = field(default_factory=dict)
    """Videos before a run, by their identifiers."""
    price: Price = _no_price
    _read_at: float = -FRESH
    _index: threading.Lock = field(default_factory=threading.Lock)
    _locks: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    def index(self, *, offset: int, limit: int, search: str, state: str, order: str) -> dict[str, Any]:
        """Return a page of the index, with totals and a `version` that changes when anything shown does."""
        self._refresh()
        rows = self.library.rows(search=search, state=state, order=order)
        shown = rows[offset : offset + min(limit, MOST_ROWS)]
        totals = self.library.totals()
        answer = {"rows": jsonable(shown), "count": len(rows), "totals": jsonable(totals)}
        return {**answer, "version": str(hash(json.dumps(answer)))}

    def video(self, identifier: str) -> ReviewVideo:
        """Return a video. Raises InputError for an unknown one."""
        if identifier in self.scanned:
            return self.scanned[identifier]
        record = self.library.record(identifier)
        if record is None:
            self._refresh()
            record = self.library.record(identifier)
        if record is None:
            raise InputError("There is no such video.", hint="Open the list of all videos again.")
        return load(record)

    def video_json(self, identifier: str) -> dict[str, Any]:
        """Return what the page shows of a video, with the decisions made so far."""
        video = self.video(identifier)
        made = load_decisions(video.record).to_json() if video.record else {}
        return page.video_json(video, decisions=made, stamp=_stamp(video), price=self.price(video))

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

    def save_decisions(self, identifier: str, body: bytes) -> Path:
        """Save what was decided beside the record and return where. Raises UsageError for what is no decision."""
        video = self.video(identifier)
        if video.record is None:
            raise InputError("This video has no result yet.")
        made = decided.parse(body)
        decided.plan(made, video)
        path = decisions_path(video.record)
        with self._locks[identifier], files.scratch(path.parent) as folder:
            draft = folder / path.name
            draft.write_text(json.dumps(made.to_json(), indent=2) + "\n", encoding="utf-8")
            draft.replace(path)
        self._read_at = -FRESH
        return path

    def save_run_request(self, identifier: str, body: bytes) -> str:
        """Save what is to be removed from a video that was scanned, and return the next step."""
        video = self.video(identifier)
        return self.save_request(video, request_draft.parse(body, video))

    def redo_video(self, identifier: str, *, pay: bool) -> RedoOutcome:
        """Make the result again by the saved decisions."""
        video = self.video(identifier)
        if video.record is None:
            raise InputError("This video has no result yet.")
        plan = decided.plan(load_decisions(video.record), video)
        if plan.is_empty:
            return RedoOutcome(message="Nothing to redo: no decision changes the picture.")
        outcome = self.redo(video, plan, pay)
        self._read_at = -FRESH
        return outcome

    def _refresh(self) -> None:
        with self._index:
            if time.monotonic() - self._read_at >= FRESH:
                self.library.refresh()
                self._read_at = time.monotonic()


def _stamp(video: ReviewVideo) -> str:
    """Return what changes when one of the video's files does."""
    shown = [path for path in (video.source, video.cleaned) if path is not None]
    return "-".join(f"{path.stat().st_mtime_ns:x}" for path in shown if path.exists())
