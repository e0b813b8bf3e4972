"""What videos cost that only wait for the service: memory, threads and processor share of one process.

Jobs that were submitted by URL show the scheduler, the poller and the ledger with many waits; files show what a video
holds while it waits. All of them wait at a service in a process of its own. Then Ctrl-C: how long the process takes.

Usage: python -m benchmarks.in_flight [url jobs] [files] [seconds]
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from fixtures import clips
from preflight.ledger import Ledger, State
from preflight.model.job import RemovalOptions
from preflight.settings import Settings
from preflight.workflow import batch
from preflight.workflow.request import RunRequest
from preflight.workflow.url_job import UrlRequest
from tests.fake_cloud import CloudTask, FakeCloud

MIB = 1 << 20


def serve(ready: Connection, count: int) -> None:
    """Run a service whose tasks never end, with `count` of them known from before."""
    with FakeCloud(seconds=1e9) as cloud:
        for number in range(count):
            task = CloudTask(id=f"url-{number}", source="", parameters="{}", created=time.monotonic())
            cloud.tasks[task.id] = task
        ready.send(cloud.url)
        ready.recv()
        ready.send(sum(task.queries for task in cloud.tasks.values()))


def submitted(settings: Settings, count: int) -> None:
    """Enter `count` jobs into the ledger that were submitted by URL before."""
    options = RemovalOptions()
    request = UrlRequest(output=settings.home / "out", options=options).to_json()
    with Ledger(settings.ledger) as ledger:
        for number in range(count):
            source = Path(f"https://example.com/{number}.mp4")
            job = ledger.claim(f"{number:064x}", options.canonical(), settings.account, source=source, request=request)
            with ledger.lease(job.id):
                for state in (State.UPLOADING, State.UPLOADED, State.SUBMITTING):
                    ledger.advance(job.id, state, cause="bench")
                ledger.advance(job.id, State.SUBMITTED, cause="bench", task_id=f"url-{number}")


def copies(folder: Path, count: int) -> list[Path]:
    """Return `count` small videos of different content: a box with a number, which players skip, is behind each."""
    folder.mkdir()
    clip = clips.clip(folder / "clip.mp4", size=(160, 96), seconds=0.2).read_bytes()
    paths = [folder / f"clip-{number}.mp4" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(clip + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big"))
    return paths


def used() -> float:
    """Return the processor seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def memory() -> float:
    """Return the resident memory of this process in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / MIB


def watch(results: Connection, seconds: float, count: int, settings: Settings) -> None:
    """Wait until all are under way, measure, and interrupt the main thread."""
    last = -1
    while True:
        time.sleep(3)
        with Ledger(settings.ledger) as ledger:
            running = ledger.count().get("running", 0)
        # All are waited for when the leases stay as they are.
        if running >= count and last == running:
            break
        last = running
    time.sleep(20)
    start, begun = used(), time.monotonic()
    time.sleep(seconds)
    share = (used() - start) / (time.monotonic() - begun)
    results.send((share, memory(), threading.active_count(), time.time()))
    os.kill(os.getpid(), signal.SIGINT)


def hold(results: Connection, settings: Settings, kind: str, count: int, seconds: float, folder: Path) -> None:
    """Have `count` videos under way in this process until it is interrupted."""
    paths = copies(folder / "clips", count) if kind == "files" else []
    idle = memory()
    results.send(idle)
    threading.Thread(target=watch, args=(results, seconds, count, settings), daemon=True).start()
    if kind == "files":
        found = batch.run_many(paths, request=RunRequest(output=folder / "out"), settings=settings, jobs=count)
    else:
        found = batch.resume(settings=settings, jobs=count)
    try:
        for result in found:
            print(f"unexpected: {result}")
    except KeyboardInterrupt:
        found.close()  # type: ignore[attr-defined]


def measure(kind: str, count: int, seconds: float) -> dict[str, float]:
    """Return the figures of one kind of video."""
    spawn = multiprocessing.get_context("spawn")
    folder = Path(tempfile.mkdtemp(prefix="preflight-in-flight-"))
    ours, theirs = spawn.Pipe()
    service = spawn.Process(target=serve, args=(theirs, count if kind == "url" else 0), daemon=True)
    service.start()
    cloud = FakeCloud()
    cloud.url = ours.recv()
    settings = cloud.settings(folder / "home", deadline=86_400.0, poll_first=2.0, poll_last=30.0)
    # Settings that go to another process leave their secrets behind.
    os.environ.update(cloud.environment(settings.home))
    try:
        if kind == "url":
            submitted(settings, count)
        results, inner = spawn.Pipe()
        process = spawn.Process(target=hold, args=(inner, settings, kind, count, seconds, folder))
        process.start()
        idle = results.recv()
        share, held, threads, interrupted = results.recv()
        process.join()
        ended = time.time() - interrupted
        ours.send(None)
        polls = ours.recv()
        return {
            "videos": count,
            "processor share": share,
            "MiB": held,
            "KiB a video": (held - idle) * 1024 / count,
            "threads": threads,
            "seconds after Ctrl-C": ended,
            "polls": polls,
        }
    finally:
        service.terminate()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Print the figures of both kinds as JSON."""
    given = [int(text) for text in sys.argv[1:]]
    urls, files, seconds = [*given, *(10_000, 300, 60)[len(given) :]]
    for kind, count in (("url", urls), ("files", files)):
        if count:
            print(kind, json.dumps(measure(kind, count, seconds), default=str), flush=True)


if __name__ == "__main__":
    main()
