"""The check as functions that people call: one file or any number, each `Path -> Report`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.check import evaluate
from preflight.errors import InputError, ToolError, ToolMissingError
from preflight.events import Cancel, Listener, ignore
from preflight.limits import DEFAULT_LIMITS, Limits
from preflight.media import FileIdentity, Media, Reading, TextPlace, TextSeen, Unreadable
from preflight.probe import probe
from preflight.report import Report

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future
    from queue import Queue

_SLACK = Fraction(1, 20)
"""Seconds that ffmpeg's clock may run beyond the header's: rounding, and padding of sound."""
_JOBS = 4
"""Files checked at a time by default at most: more disks and cores than that are rare, and memory grows with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How to check: under which limits, how deep, and what is made of the advisories.

    `deep` is None, `packets` or `decode`; `text` looks for text on frames; `strict` and `ignore` hold advisories'
    rules or `all`.
    """

    limits: Limits = DEFAULT_LIMITS
    deep: str | None = None
    text: bool = False
    strict: Collection[str] = ()
    ignore: Collection[str] = ()


def check(
    path: Path | str, *, terms: Terms = Terms(), listener: Listener = ignore, cancel: Cancel | None = None
) -> Report:
    """Return the verdict on the file at `path`; a file that can't be read is a finding, never an exception.

    Raises ToolMissingError when MediaInfo, ffmpeg for a deep check or the `local` extra for `text` is missing;
    CancelledError.
    """
    subject = probe(Path(path))
    if isinstance(subject, Media) and terms.deep is not None:
        subject = _deepened(subject, terms.deep, listener, cancel)
    if isinstance(subject, Media) and terms.text:
        subject = replace(subject, text=text_of(subject.path))
    return evaluate(subject, terms.limits, strict=terms.strict, ignore=terms.ignore)


def text_of(path: Path) -> TextSeen | None:
    """Return the text on some frames of the video at `path`; None when they can't be decoded.

    Raises ToolMissingError without ffmpeg or without the `local` extra, which has the reader of text.
    """
    from preflight.local.engine import preview
    from preflight.tools import ffmpeg

    try:
        seen = preview(path, ffmpeg=ffmpeg.find())
    except ToolMissingError:
        raise
    except (InputError, ToolError):
        return None
    places = (
        TextPlace(time=spot.time, text=spot.text, box=(spot.x1, spot.y1, spot.x2, spot.y2)) for spot in seen.spots
    )
    return TextSeen(language=seen.language, places=tuple(places))


def check_many(
    paths: Iterable[Path | str],
    *,
    terms: Terms = Terms(),
    jobs: int | None = None,
    listen: Callable[[Path], Listener] = lambda _: ignore,
) -> Iterator[Report]:
    """Yield the verdict on each of `paths`, in their order, each as soon as it and those before it are known.

    `paths` may be endless: only some more than `jobs` (by default the number of cores, at most 4) are taken ahead.
    Leaving the iterator stops what runs. Raises as `check` does.
    """
    from concurrent.futures import ThreadPoolExecutor
    from queue import Queue

    count = jobs or min(_JOBS, os.cpu_count() or 1)
    cancel = threading.Event()
    waiting: Queue[Future[Report] | None] = Queue(maxsize=2 * count)

    def one(path: Path) -> Report:
        return check(path, terms=terms, listener=listen(path), cancel=cancel)

    with ThreadPoolExecutor(max_workers=count, thread_name_prefix="check") as pool:
        # Its own thread waits for the next path, so that a verdict is not kept back by a slow list.
        feeder = threading.Thread(target=_feed, args=(paths, pool, one, waiting, cancel), daemon=True)
        feeder.start()
        try:
            while (future := waiting.get()) is not None:
                yield future.result()
        finally:
            cancel.set()
            while not waiting.empty():
                future = waiting.get_nowait()
                if future is not None:
                    future.cancel()


def _feed(
    paths: Iterable[Path | str],
    pool: Executor,
    one: Callable[[Path], Report],
    waiting: Queue[Future[Report] | None],
    cancel: threading.Event,
) -> None:
    """Hand in path after path, and at the end None; an error of the list itself is handed on as a failed future."""
    from concurrent.futures import Future

    try:
        for path in paths:
            if not _put(waiting, pool.submit(one, Path(path)), cancel):
                return
    except BaseException as error:  # noqa: BLE001 - it is raised where the verdicts are read
        failed: Future[Report] = Future()
        failed.set_exception(error)
        _put(waiting, failed, cancel)
    _put(waiting, None, cancel)


def _put(waiting: Queue[Future[Report] | None], item: Future[Report] | None, cancel: threading.Event) -> bool:
    from queue import Full

    while not cancel.is_set():
        try:
            waiting.put(item, timeout=0.1)
        except Full:
            continue
        return True
    return False


def _deepened(media: Media, deep: str, listener: Listener, cancel: Cancel | None) -> Media | Unreadable:
    from preflight.probe import Depth, read

    reading = read(media, depth=Depth(deep), listener=listener, cancel=cancel)
    try:
        same = FileIdentity.of(media.path) == media.identity
    except OSError:
        same = False
    if not same:
        return Unreadable(
            path=media.path,
            reason="changing",
            detail="The file changed while it was read.",
            hint="Wait until the copy or the recording has ended.",
            size=media.size,
        )
    return replace(media, reading=reading, duration=_true_duration(media, reading))


def _true_duration(media: Media, reading: Reading | None) -> Fraction | None:
    """Return the header's duration, or how far the packets really reach when that is more."""
    reached = reading.reached if reading is not None else None
    if reached is None or (media.duration is not None and reached <= media.duration + _SLACK):
        return media.duration
    return reached
