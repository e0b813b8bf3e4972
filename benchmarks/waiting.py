"""What 1,000 jobs that wait at once cost: CPU share, memory, and how soon a finished one is noticed.

The peer is the plain way: a thread a job, each with `RemovalClient.wait`.
Usage: python benchmarks/waiting.py [jobs] [seconds]
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any

from preflight.model.job import Task
from preflight.removal import RemovalClient
from preflight.removal.poller import TaskPoller
from preflight.settings import Secret, Settings

RAMP = 100.0
"""Seconds after which every job's interval has grown from 2 to 30."""


class Service(BaseHTTPRequestHandler):
    """Says `running` of every task until its time has come: task `N@T` is finished at time T."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        """Answer a query."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        done = time.time() >= float(body["taskId"].partition("@")[2])
        data: dict[str, Any] = {"taskStatus": "finished" if done else "running"}
        if done:
            data["videoUrl"] = "http://127.0.0.1/result.mp4"
        reply = json.dumps({"resCode": 200, "success": True, "requestId": "r", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve(ready: Connection) -> None:
    """Run the service in a process of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    ready.send(server.server_address[1])
    server.serve_forever()


def measure(port: int, jobs: int, seconds: float, way: str, result: Connection) -> None:
    """Wait for `jobs` tasks in this process and send the figures."""
    settings = Settings(
        service="aidge",
        access_key_name="bench",
        access_key_secret=Secret("bench"),
        api_domain=f"http://127.0.0.1:{port}",
    )
    start = time.time()
    finish = [start + RAMP + seconds + (i * 30.0 / jobs) for i in range(jobs)]
    noticed: list[float] = []

    def end(at: float) -> Callable[[Future[Task]], None]:
        def note(future: Future[Task]) -> None:
            future.result()
            noticed.append(time.time() - at)

        return note

    waiter = TaskPoller(settings)
    pool = ThreadPoolExecutor(jobs if way == "threads" else 1)
    for number, at in enumerate(finish):
        task_id = f"{number}@{at}"
        alone = way == "threads"
        future = pool.submit(_alone, settings, task_id) if alone else waiter.watch(task_id, deadline=3600)
        future.add_done_callback(end(at))
        # Submits do not come all at once either.
        time.sleep(10 / jobs)
    ramp = _cpu()
    time.sleep(max(0.0, start + RAMP - time.time()))
    steady, begun = _cpu(), time.time()
    time.sleep(seconds)
    share = (_cpu() - steady) / (time.time() - begun)
    ramp_share = (steady - ramp) / (RAMP - 10)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    threads = threading.active_count()
    while len(noticed) < jobs:
        time.sleep(0.2)
    waiter.close()
    pool.shutdown()
    result.send((share, ramp_share, memory, threads, max(noticed), len(noticed)))


def _alone(settings: Settings, task_id: str) -> Task:
    with RemovalClient(settings) as client:
        return client.wait(task_id, deadline=3600)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure both ways against one service and print the figures and their ratios."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    ways = sys.argv[3].split(",") if len(sys.argv) > 3 else ["one thread", "threads"]
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    service = spawn.Process(target=serve, args=(there,), daemon=True)
    service.start()
    port = here.recv()
    figures = {}
    for way in ways:
        process = spawn.Process(target=measure, args=(port, jobs, seconds, way, there))
        process.start()
        figures[way] = here.recv()
        process.join()
        share, ramp, memory, threads, latest, done = figures[way]
        print(
            f"{way:>10}: {jobs} jobs waiting: {share:.2%} of a core (while starting {ramp:.2%}), {memory:.0f} MB peak, "
            f"{threads} threads; {done} noticed, the latest {latest:.1f} s after it was done (interval: 30 s)"
        )
    if len(figures) == 2:
        ours, peer = figures["one thread"], figures["threads"]
        print(f"ratio ours/peer: CPU {ours[0] / peer[0]:.2f}, memory {ours[2] / peer[2]:.2f}")
    service.terminate()


if __name__ == "__main__":
    main()
