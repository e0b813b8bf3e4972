"""Many videos through the real coordinator and ledger in PostgreSQL, with stubbed media work and a simulated service.

    python -m benchmarks.cluster_simulation [--videos 2000] [--filled 0 100000 1000000] [--in-flight 400]

The time of the service is scaled: 10 minutes are 0.6 s. One submit in a hundred meets a fault: a refusal for being too
fast, a job that fails, or an answer that is lost. For ledgers with more and more finished videos in them the program
prints the coordinator's processor time a video, that of the database, transactions a video, throughput and memory; the
cost of a video should be the same in each column, which is what an extrapolation to ten million rests on.

    python -m benchmarks.cluster_simulation --lines 1000000

reads a manifest with that many lines, ends each video at once, and prints the memory at the start and at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).parents[1]))
from fixtures import clips
from preflight.ledger import Ledger
from preflight.model.job import Fixed, Placed, Result, Segment, Skipped, Succeeded
from preflight.removal import rate
from preflight.settings import Settings
from preflight.workflow import job_driver, run
from preflight.workflow.batch import run_many
from preflight.workflow.collection import Collected, Fetched
from preflight.workflow.preparation import Inspected, Prepared
from preflight.workflow.request import RunRequest
from preflight.workflow.run import VideoRun
from preflight.workflow.source_list import expand_sources
from preflight.workflow.steps import Steps
from tests.fake_cloud import Answer, FakeCloud
from tests.odd_replies import OddReply
from tests.postgres import Server, server

SERVICE_SECONDS = 0.6
"""Ten minutes at a thousandth of the time."""

FAULTS = 0.01
"""Share of submits that meet a fault."""

_inspected: list[Inspected] = []


class Here(Executor):
    """Makes each call at once: the stubbed media work takes no time."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return the kept promise."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - it is raised where the value is asked for
            future.set_exception(error)
        return future


def inspect(path: Path, request: RunRequest, **_: Any) -> Inspected:
    """Return a video that differs from others by its name."""
    known = _inspected[0]
    media = known.report.media
    assert media is not None
    subject = replace(media, path=path)
    digest = hashlib.sha256(str(path).encode()).hexdigest()
    return replace(known, request=request, report=replace(known.report, subject=subject), digest=digest)


def prepare(inspected: Inspected, **_: Any) -> Prepared:
    media = inspected.report.media
    assert media is not None
    fixed = Fixed(source=media, plan=inspected.plan, segments=(Segment(media=media),))
    placed = Placed(bucket="bucket", key=f"preflight/{inspected.digest}.mp4", size=1, sha256=inspected.digest)
    return Prepared(inspected=inspected, fixed=fixed, placed=(placed,))


def collect(paid: Any, _results: Any, *, target: Path, **_: Any) -> Collected:
    result = Succeeded(source=paid.prepared.source, file=target, task_ids=paid.task_ids, submitted=paid.submitted)
    return Collected(paid=paid, parts=(Fetched(file=target),), result=result)


def serve(connection: Connection) -> None:
    """Serve as the removal service in a process of its own."""

    def answer(number: int, _source: str) -> Answer:
        if number % round(1 / FAULTS):
            return Answer()
        if number % 3 == 0:
            return Answer(accepted=False, reply=_reply(501))
        if number % 3 == 1:
            return Answer(accepted=False, reply=_reply(1000))
        return Answer(hang_up=True)

    with FakeCloud(script=answer, seconds=SERVICE_SECONDS) as cloud:
        connection.send(cloud.url)
        connection.recv()


def _reply(code: int) -> Any:
    body = {"resCode": code, "success": False, "requestId": "r", "resMessage": "scripted", "data": None}
    return lambda _: OddReply(status=200, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


def fill(url: str, count: int) -> None:
    """Put `count` finished videos and their histories into the ledger."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO jobs (id, grp, digest, parameters, account, source, segment, segments, state, attempt, "
            "task_id, key, url, file, target, request, created, updated, open) "
            "SELECT lpad(to_hex(n), 12, '0'), lpad(to_hex(n), 12, '0'), md5(n::text), '{}', 'key@host', "
            "('/in/' || n)::bytea, 1, 1, 'fetched', 1, 'task-' || n, 'preflight/' || md5(n::text), 'https://h/r.mp4', "
            "('/out/' || n)::bytea, ('/out/' || n)::bytea, '{}', to_char(timestamp '2026-01-01' + n * interval '1 s', "
            "'YYYY-MM-DD\"T\"HH24:MI:SS+00:00'), to_char(timestamp '2026-01-01' + n * interval '1 s', "
            "'YYYY-MM-DD\"T\"HH24:MI:SS+00:00'), 0 FROM generate_series(1, %s) AS n",
            (count,),
        )
        connection.execute(
            "INSERT INTO transitions (job, at, origin, state, cause, attempt, task_id) "
            "SELECT id, updated, 'done', 'fetched', 'restored', 1, task_id FROM jobs"
        )
        connection.execute("ANALYZE")


def processor_seconds(running: Server) -> float:
    """Return the processor time of all processes of the database so far, those that ended included."""
    ticks = os.sysconf("SC_CLK_TCK")
    main = int((running.data / "postmaster.pid").read_text().split()[0])
    total = 0
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if entry.name == str(main):
            total += sum(map(int, fields[11:15]))
        elif len(fields) > 1 and fields[1] == str(main):
            total += sum(map(int, fields[11:13]))
    return total / ticks


def measure(running: Server, base: Settings, count: int, videos: int, in_flight: int) -> dict[str, float]:
    """Run `videos` with `count` finished ones in the ledger and return the figures."""
    url = running.new_database()
    with Ledger(url):
        pass
    if count:
        fill(str(url), count)
    running.execute("CHECKPOINT")
    settings = replace(base, ledger_url=url)

    def commits() -> int:
        name = url.rpartition("/")[2]
        found = running.execute(f"SELECT xact_commit FROM pg_stat_database WHERE datname = '{name}'")  # noqa: S608 - our own name
        return int(str(found[0][0]))

    before = time.perf_counter(), time.process_time(), processor_seconds(running), commits()
    outcomes: Counter[str] = Counter()
    request = RunRequest(output=settings.home / "out")
    paths = (Path(f"/videos/{number}.mp4") for number in range(videos))
    for result in run_many(
        paths, request=lambda path: replace(request, name=path.stem), settings=settings, jobs=in_flight, executor=Here()
    ):
        outcomes[type(result).__name__] += 1
    # Statistics reach the server's tables within a second of a session's end.
    wall, own, database = (
        time.perf_counter() - before[0], time.process_time() - before[1], processor_seconds(running) - before[2]
    )  # fmt: skip
    time.sleep(1.5)
    print(f"{count:>9,} videos before: {dict(outcomes)}", flush=True)
    return {
        "coordinator, ms a video": 1000 * own / videos,
        "database, ms a video": 1000 * database / videos,
        "transactions a video": (commits() - before[3]) / videos,
        "videos a second (wall)": videos / wall,
        "coordinator's peak, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def stub(settings: Settings, folder: Path) -> None:
    """Put the stand-ins in place, and remove the pauses that are scaled to nothing."""
    from preflight.workflow.preparation import inspect as really_inspect

    clip = clips.clip(folder / "clip.mp4", size=(160, 96), seconds=0.5)
    found = really_inspect(clip, RunRequest(), settings=settings)
    assert isinstance(found, Inspected)
    _inspected.append(found)
    for work in (inspect, prepare, collect):
        setattr(run, work.__name__, work)
    rate.FIRST_INTERVAL = rate.SHORTEST_INTERVAL = 0.0
    rate.SubmitRate.__dataclass_fields__["interval"].default = 0.0
    job_driver.RECORD_PAUSE = 0.05


def simulate(filled: list[int], videos: int, in_flight: int) -> None:
    """Print a table with a column for each size of the ledger."""
    folder = Path(tempfile.mkdtemp(prefix="preflight-simulation-"))
    ours, theirs = multiprocessing.Pipe()
    service = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    service.start()
    url = ours.recv()
    settings = _settings(folder, url)
    try:
        stub(settings, folder)
        with server() as running:
            columns = [measure(running, settings, count, videos, in_flight) for count in filled]
    finally:
        ours.send(None)
        service.join(5)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'':<28}" + "".join(f"{count:>14,}" for count in filled))
    for name in columns[0]:
        print(f"{name:<28}" + "".join(f"{column[name]:>14.2f}" for column in columns))


def _settings(folder: Path, url: str) -> Settings:
    with FakeCloud() as cloud:
        made = cloud.settings(folder / "home")
    return replace(made, api_domain=url, s3_endpoint=url, poll_first=0.3, poll_last=1.0)


def read_lines(count: int) -> None:
    """Print the memory before and after a manifest of `count` lines has gone through the coordinator."""
    folder = Path(tempfile.mkdtemp(prefix="preflight-lines-"))
    try:
        manifest = folder / "list.csv"
        with manifest.open("w") as file:
            file.write("source,name\n")
            file.writelines(f"s3://bucket/{number}.mp4,{number}\n" for number in range(count))

        def steps(_self: VideoRun, path: Path) -> Steps[Result]:
            yield from ()
            return Skipped(source=path)

        VideoRun.steps = steps  # type: ignore[method-assign]
        settings = Settings(home=folder / "home", service="aidge", access_key_name="key")
        names: dict[Path, str | None] = {}

        def paths() -> Iterator[Path]:
            for source in expand_sources([str(manifest)], settings):
                names[source.path] = source.name
                yield source.path

        request = RunRequest(output=folder / "out")
        begun = time.process_time()
        for number, _ in enumerate(
            run_many(paths(), request=lambda path: replace(request, name=names.pop(path)), settings=settings, jobs=200)
        ):
            if number == count // 100:
                print(f"after {number:,}: {_resident():.1f} MB")
        took = time.process_time() - begun
        print(f"after {count:,}: {_resident():.1f} MB; {1e6 * took / count:.0f} us of processor time a line")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=2000)
    parser.add_argument("--filled", type=int, nargs="*", default=[0, 100_000, 1_000_000])
    parser.add_argument("--in-flight", type=int, default=400)
    parser.add_argument("--lines", type=int)
    chosen = parser.parse_args()
    if chosen.lines:
        read_lines(chosen.lines)
    else:
        simulate(chosen.filled, chosen.videos, chosen.in_flight)


if __name__ == "__main__":
    main()
