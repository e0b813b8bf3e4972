"""Several files into the store at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from preflight.errors import PreflightError
from preflight.events import Listener, ignore
from preflight.model.job import Upload
from preflight.settings import Settings
from preflight.storage.file_upload import upload
from preflight.storage.multipart import UploadCheckpoint
from preflight.storage.store import UPLOADS_AT_ONCE, open_store


def upload_many(
    paths: Iterable[Path],
    *,
    settings: Settings,
    life: float,
    listen: Callable[[Path], Listener] = lambda _: ignore,
    checkpoint: UploadCheckpoint | None = None,
    at_once: int = UPLOADS_AT_ONCE,
) -> Iterator[tuple[Path, Upload | PreflightError]]:
    """Send files, several at a time, with one client.

    Args:
        paths: the files; a few are taken ahead of those that are under way.
        settings: as for `place`. `upload_rate` holds for each file.
        life: seconds until the URLs expire.
        listen: gives the listener of a file; it is called from several threads.
        checkpoint: as for `place`.
        at_once: number of files that are sent at a time.

    Yields:
        Each path, in the order given, with its upload or with the error that ended it. The error of one file does not
        stop the others. When the caller stops early, the files under way are stopped; a checkpoint continues them.

    Raises:
        UsageError: no bucket is set.
        StoreAccessError: the credentials can't be used.
    """
    cancel = threading.Event()

    def send(path: Path) -> Upload | PreflightError:
        extension = path.suffix[1:].lower() or "mp4"
        try:
            return upload(
                path,
                settings=settings,
                extension=extension,
                life=life,
                listener=listen(path),
                cancel=cancel,
                checkpoint=checkpoint,
            )
        except PreflightError as error:
            return error

    with open_store(settings), ThreadPoolExecutor(at_once, thread_name_prefix="upload-file") as pool:
        waiting: list[tuple[Path, Future[Upload | PreflightError]]] = []
        try:
            for path in paths:
                waiting.append((path, pool.submit(send, path)))
                if len(waiting) > at_once:
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)
        finally:
            cancel.set()
            pool.shutdown(cancel_futures=True)


def _first(
    waiting: list[tuple[Path, Future[Upload | PreflightError]]],
) -> tuple[Path, Upload | PreflightError]:
    path, future = waiting.pop(0)
    return path, future.result()
