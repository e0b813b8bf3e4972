"""Writes the page as one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from preflight.errors import InputError
from preflight.events import Listener, Progress, Stage
from preflight.review import page, proxy
from preflight.review.desk import ReviewDesk
from preflight.review.library import load_decisions
from preflight.review.page import EmbeddedProxy
from preflight.review.subject import ReviewVideo
from preflight.serialize import jsonable
from preflight.tools import files

MOST_VIDEOS = 20
"""Videos in one file: a browser opens 200 MB in seconds, and a larger file no longer."""


def write(desk: ReviewDesk, destination: Path, *, title: str, listener: Callable[[str], Listener]) -> None:
    """Write a page with all videos of a desk, their proxies in it.

    Args:
        desk: What to show.
        destination: The file, which is replaced.
        title: Of the page.
        listener: Gives what is called with the progress of the video with a name.

    Raises:
        InputError: There is no video to show, or there are more than `MOST_VIDEOS`.
        ToolError, DiskFullError: A proxy can't be made.
    """
    rows = desk.library.rows()
    videos = [desk.video(row.identifier) for row in rows if row.duration] + list(desk.scanned.values())
    if not videos:
        raise InputError("There is nothing to review.", hint="Give a folder with results of `preflight run`.")
    if len(videos) > MOST_VIDEOS:
        raise InputError(
            f"{len(videos)} videos are too many for one file (at most {MOST_VIDEOS}).",
            hint="Give fewer, or open them without --html.",
        )
    proxies, values = list[EmbeddedProxy](), []
    with files.scratch(destination.parent) as folder:
        for video in videos:
            hear = listener(video.name)
            made = proxy.make(
                video,
                folder / f"{video.identifier}.mp4",
                ffmpeg=desk.ffmpeg,
                offline=True,
                on_progress=lambda share, hear=hear: hear(Progress(stage=Stage.CLEAN, done=share, total=1.0)),  # type: ignore[misc]
            )
            proxies.append(EmbeddedProxy.of(video.identifier, made.file.read_bytes()))
            values.append(_value(video, made.changes))
        boot = {
            "mode": "file",
            "title": title,
            "single": videos[0].identifier if len(videos) == 1 else None,
            "videos": values,
            "rows": jsonable([row for row in rows if row.duration]),
            "totals": jsonable(desk.library.totals()),
        }
        draft = folder / "page.html"
        draft.write_text(page.offline_page(boot, title, proxies), encoding="utf-8")
        draft.replace(destination)


def _value(video: ReviewVideo, changes: tuple[float, ...]) -> dict[str, object]:
    made = load_decisions(video.record).to_json() if video.record else {}
    shown = page.video_json(video, decisions=made, changes=changes, price="")
    # A file may be passed on: the folders of this machine are nobody else's business.
    for name in ("source", "cleaned"):
        shown[name] = shown[name] and Path(shown[name]).name
    shown["record"] = ""
    return shown
