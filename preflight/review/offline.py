"""Writes the page as one file."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from preflight.errors import InputError, ToolMissingError
from preflight.events import Listener, Progress, Stage
from preflight.review import page, proxy, record_reader, stills
from preflight.review.desk import ReviewDesk
from preflight.review.library import load_decisions
from preflight.review.page import EmbeddedProxy
from preflight.review.subject import Box, ReviewText, ReviewVideo, RowKind, WeakSpot
from preflight.serialize import jsonable
from preflight.tools import files

MOST_VIDEOS = 20
"""Videos in one file: a browser opens 200 MB in seconds, and a larger file no longer."""


MOST_ZOOMS = 8
"""Places of a video whose full-size crops are in the file."""

WIDEST_ZOOM = 0.6
"""Share of the picture's sides that a zoom shows of a wide text, as in stage.js."""

LEAST_ZOOM_BYTES = 450_000
"""Size of all crops of a video beside a proxy of the largest size, in bytes: base64 makes less than 10 MB of both."""

MOST_ZOOM_BYTES = 3_000_000
"""Size of all crops of a video, in bytes: eight of 4K have 2 to 4 MB."""


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
    named = {record_reader.identifier(path) for path in desk.library.places if path.is_file()}
    rows = [row for row in desk.library.rows() if row.kind is RowKind.RESULT or row.identifier in named]
    videos = [desk.video(row.identifier) for row in rows]
    if not videos:
        raise InputError("There is nothing to review.", hint="Give a folder with results of `preflight run`.")
    if len(videos) > MOST_VIDEOS:
        raise InputError(
            f"{len(videos)} videos are too many for one file (at most {MOST_VIDEOS}).",
            hint="Give fewer, or open them without --html.",
        )
    proxies, values = list[EmbeddedProxy](), []
    with files.scratch(destination.parent) as folder:
        for found in videos:
            hear = listener(found.name)
            with suppress(InputError, ToolMissingError):
                desk.search_now(
                    found.identifier,
                    lambda share, _, hear=hear: hear(Progress(stage=Stage.TEXT, done=share, total=1.0)),  # type: ignore[misc]
                )
            video = desk.video(found.identifier)
            made = proxy.make(
                video,
                folder / f"{video.identifier}.mp4",
                ffmpeg=desk.ffmpeg,
                offline=True,
                on_progress=lambda share, hear=hear: hear(Progress(stage=Stage.CLEAN, done=share, total=1.0)),  # type: ignore[misc]
            )
            proxies.append(EmbeddedProxy.of(video.identifier, made.file.read_bytes()))
            left = proxy.OFFLINE_BYTES - made.file.stat().st_size + LEAST_ZOOM_BYTES
            crops = zooms(video, desk.ffmpeg, min(MOST_ZOOM_BYTES, left))
            values.append({**_value(video, made.changes), "zooms": crops})
        boot = {
            "mode": "file",
            "title": title,
            "single": videos[0].identifier if len(videos) == 1 else None,
            "videos": values,
            "rows": jsonable(rows),
            "totals": jsonable(desk.library.totals()),
        }
        draft = folder / "page.html"
        draft.write_text(page.offline_page(boot, title, proxies), encoding="utf-8")
        draft.replace(destination)


def zooms(video: ReviewVideo, ffmpeg: str, most: int) -> list[dict[str, object]]:
    """Return crops of up to `most` bytes, before and after, of the worst places in the middle of their time."""
    shown = {"before": video.source, "after": video.cleaned}
    places: list[ReviewText | WeakSpot] = [*video.weak_spots, *video.texts]
    worst = sorted(places, key=lambda item: -item.severity)
    made, size = list[dict[str, object]](), 0
    for item in [item for item in worst if item.box is not None][:MOST_ZOOMS]:
        assert item.box is not None  # noqa: S101 - the others are left out
        time, box = (item.start + min(item.end, video.duration)) / 2, _around(item.box)
        zoom: dict[str, object] = {"time": time, "box": list(box)}
        for half, path in shown.items():
            if path is not None:
                begin = max(0.0, time - 0.5 / video.rate) + (video.offset if half == "before" else 0.0)
                content = stills.small_crop(path, begin, box, ffmpeg=ffmpeg)
                size += len(content)
                zoom[half] = f"data:image/jpeg;base64,{base64.b64encode(content).decode('ascii')}"
        if size > most:
            break
        made.append(zoom)
    return made


def _around(box: Box) -> Box:
    """Return the part of the picture that the page's zoom shows for a box: see `zoom` in stage.js."""
    side = min(WIDEST_ZOOM, max(0.12, 1.4 * (box[2] - box[0]), 1.4 * (box[3] - box[1])))
    x, y = (min(1 - side / 2, max(side / 2, (box[n] + box[n + 2]) / 2)) for n in (0, 1))
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2


def _value(video: ReviewVideo, changes: tuple[float, ...]) -> dict[str, object]:
    made = load_decisions(video.record).to_json() if video.record else {}
    shown = page.video_json(video, decisions=made, changes=changes, price="")
    # A file may be passed on: the folders of this machine are nobody else's business.
    for name in ("source", "cleaned"):
        shown[name] = shown[name] and Path(shown[name]).name
    shown["record"] = ""
    return shown
