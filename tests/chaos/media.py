"""Cheap stand-ins for the media work: real files, a real store and real HTTP, but no parser and no ffmpeg."""

from __future__ import annotations

import pickle
import secrets
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from preflight import storage
from preflight.errors import ToolError
from preflight.model.job import Fixed, Segment, Succeeded, Task
from preflight.removal import RemovalClient
from preflight.settings import Settings
from preflight.workflow import run
from preflight.workflow.collection import Collected, Fetched
from preflight.workflow.payment import Paid
from preflight.workflow.preparation import Inspected, Prepared
from preflight.workflow.preparation import inspect as really_inspect
from preflight.workflow.request import RunRequest

FLAKY = Path("flaky")
"""While this file lies beside a video, some steps fail as a tool does."""


def remember(video: Path, settings: Settings) -> None:
    """Note what a real inspection of a video finds."""
    found = really_inspect(video, RunRequest(), settings=settings)
    assert isinstance(found, Inspected), found
    video.with_suffix(".inspected").write_bytes(pickle.dumps(found))


def inspect(path: Path, request: RunRequest, *, settings: Settings, **_: Any) -> Inspected:
    """Return what was noted of a video."""
    del settings
    found: Inspected = pickle.loads(path.with_suffix(".inspected").read_bytes())  # noqa: S301 - our own file
    return replace(found, request=request)


def prepare(inspected: Inspected, *, settings: Settings, accepted: Collection[int] = (), **_: Any) -> Prepared:
    """Put the video itself into the store."""
    media = inspected.report.media
    assert media is not None
    _stumble(media.path)
    placed = None
    if 1 not in accepted:
        placed = storage.place(media.path, settings=settings, sha256=inspected.digest, extension="mp4")
    fixed = Fixed(source=media, plan=inspected.plan, segments=(Segment(media=media),))
    return Prepared(inspected=inspected, fixed=fixed, placed=(placed,))


def collect(
    paid: Paid, results: Sequence[Task | Path] | None = None, *, target: Path, settings: Settings, **_: Any
) -> Collected:
    """Fetch the result and put it to its place."""
    import requests

    del results
    source = paid.prepared.source
    _stumble(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    with RemovalClient(settings) as client:
        url = client.wait(paid.jobs[0].task_id or "").video_url
    assert url is not None
    draft.write_bytes(requests.get(url.reveal(), timeout=10).content)
    # A slow disk: somebody may be stopped or killed in the middle.
    time.sleep(0.02)
    draft.replace(target)
    result = Succeeded(source=source, file=target, task_ids=paid.task_ids, submitted=paid.submitted)
    return Collected(paid=paid, parts=(Fetched(file=target),), result=result)


def _stumble(path: Path) -> None:
    if path.with_name(FLAKY.name).exists() and secrets.randbelow(8) == 0:
        raise ToolError("A tool failed.", retryable=True)


def install() -> None:
    """Have this process's runs use the stand-ins."""
    for work in (inspect, prepare, collect):
        setattr(run, work.__name__, work)


def forget(folder: Path) -> None:
    """Remove what killed tasks have left."""
    shutil.rmtree(folder, ignore_errors=True)
