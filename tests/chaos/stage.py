"""One random disaster of a cluster, drawn from a seed, and what must be true afterwards.

Two coordinators share a ledger in PostgreSQL and three workers. Processes are killed, or stopped for longer than their
lease; the database goes down or loses its connections; clocks are wrong; tasks run twice; the service answers late or
not at all. Then a person does what the manual says: `resume`, and settling what is unknown with what the service's
console shows. Nothing may be lost, paid for twice, or differ.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from preflight.ledger import Job, Ledger, State
from preflight.model.job import Result, Succeeded
from preflight.settings import Settings
from preflight.workflow.batch import resume, run_many
from preflight.workflow.request import RunRequest
from tests.chaos import media
from tests.chaos.roles import LEASE
from tests.fake_cloud import Answer, FakeCloud
from tests.postgres import Server

COORDINATORS, WORKERS = 2, 3

HANG = 45.0
"""Seconds after which a coordinator that has not ended counts as hanging."""

FAULTS = (
    "kill coordinator", "kill coordinator", "stop coordinator", "stop coordinator", "kill worker", "kill worker",
    "stop worker", "kill scheduler", "restart database", "cut connections", "cut connections",
)  # fmt: skip


class Cluster:
    """A scheduler and workers that outlive scenarios; what a scenario has killed is started again for the next one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scheduler = 0
        self.workers: list[int] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.roles"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in (*self.workers, self.scheduler):
            self.signal(pid, signal.SIGKILL)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()

    @property
    def address(self) -> str:
        """The scheduler's address."""
        return f"tcp://127.0.0.1:{self.port}"

    def start(self, role: str, **arguments: Any) -> int:
        """Start a process and return its id."""
        pid: int = self._ask({"start": role, "log": str(self.folder / f"{role}.log"), "arguments": arguments})
        return pid

    def ended(self, pid: int) -> int | None:
        """Return the exit status of a process, None while it runs."""
        status: int | None = self._ask({"wait": pid})
        return status

    def mend(self) -> None:
        """Start whatever does not run."""
        if not self.scheduler or self.ended(self.scheduler) is not None:
            self.scheduler = self.start("scheduler", port=self.port)
            # Workers end with their scheduler.
            for pid in self.workers:
                self.signal(pid, signal.SIGKILL)
            self.workers = []
        self.workers = [pid for pid in self.workers if self.ended(pid) is None]
        while len(self.workers) < WORKERS:
            self.workers.append(self.start("worker", address=self.address, folder=str(self.folder)))

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to a process that may be gone."""
        with suppress(ProcessLookupError):
            if pid:
                os.kill(pid, number)

    def _ask(self, command: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A video and the digest of its result."""

    path: Path
    digest: str


@dataclass(kw_only=True)
class Scenario:
    """Everything that a seed decides. `told` is what happened, for the report of a failure."""

    seed: int
    clips: list[Clip]
    jobs: int
    faults: list[tuple[float, str]]
    skews: list[float]
    twice: bool
    flaky: bool
    seconds: float
    slow_answers: float
    lost_answers: float
    rate_limits: float
    told: list[str] = field(default_factory=list)

    @classmethod
    def draw(cls, seed: int, pool: list[Clip]) -> Scenario:
        """Return the scenario of a seed."""
        chance = random.Random(seed)  # noqa: S311
        count = chance.choice([1, 1, 2, 2, 3])
        return cls(
            seed=seed,
            clips=chance.sample(pool, chance.randint(2, len(pool))),
            jobs=chance.randint(2, 4),
            faults=sorted((chance.uniform(0.2, 1.6), chance.choice(FAULTS)) for _ in range(count)),
            skews=[chance.choice([0.0, 0.0, -86_400.0, 3_600.0]) for _ in range(COORDINATORS)],
            twice=chance.random() < 0.3,
            flaky=chance.random() < 0.3,
            seconds=chance.choice([0.0, 0.1, 0.4]),
            slow_answers=chance.choice([0.0, 0.2, 0.5]),
            lost_answers=chance.choice([0.0, 0.0, 0.2]),
            rate_limits=chance.choice([0.0, 0.0, 0.2]),
        )


class Stage:
    """Plays one scenario in a folder of its own."""

    def __init__(self, scenario: Scenario, folder: Path, cluster: Cluster, server: Server) -> None:
        self.scenario = scenario
        self.output = folder / "out"
        self.folder = folder
        self.cluster = cluster
        self.server = server
        self.chance = random.Random(f"play {scenario.seed}")  # noqa: S311
        self.cloud = FakeCloud(script=self._answer, seconds=scenario.seconds)
        self.coordinators: list[int] = []
        self.stopped: list[threading.Timer] = []

    def play(self) -> None:
        """Run into the disaster, recover, and judge. Raises AssertionError with what happened."""
        self.cluster.mend()
        with self.cloud:
            self.settings: Settings = self.cloud.settings(
                self.folder / "home", ledger_url=self.server.new_database(), deadline=20.0
            )
            flaky = self.scenario.clips[0].path.with_name(media.FLAKY.name)
            if self.scenario.flaky:
                flaky.touch()
            try:
                self._disaster()
            finally:
                flaky.unlink(missing_ok=True)
                for pid in self.coordinators:
                    self.cluster.signal(pid, signal.SIGKILL)
                for timer in self.stopped:
                    timer.join()
            self._recover()
            self._judge()

    # The disaster

    def _disaster(self) -> None:
        values = self.settings.to_dict() | {
            "home": str(self.settings.home),
            "ledger_url": str(self.settings.ledger_url),
        }
        plain = {name: str(value) if isinstance(value, str) else value for name, value in values.items()}
        del plain["max_duration"]
        begun = time.monotonic()
        for skew in self.scenario.skews:
            # Both have the same list, in another order.
            videos = [str(clip.path) for clip in self.scenario.clips]
            self.chance.shuffle(videos)
            self.coordinators.append(
                self.cluster.start(
                    "coordinator",
                    videos=videos,
                    output=str(self.output),
                    settings=plain,
                    scheduler=self.cluster.address,
                    skew=skew,
                    twice=self.scenario.twice,
                    jobs=self.scenario.jobs,
                )
            )
        for at, fault in self.scenario.faults:
            time.sleep(max(0.0, begun + at - time.monotonic()))
            self.scenario.told.append(f"{time.monotonic() - begun:.2f} s: {fault}")
            getattr(self, f"_{fault.replace(' ', '_')}")()
        self._wait(begun)

    def _wait(self, begun: float) -> None:
        for pid in self.coordinators:
            while (code := self.cluster.ended(pid)) is None:
                if time.monotonic() > begun + HANG:
                    self.cluster.signal(pid, signal.SIGUSR1)
                    time.sleep(0.5)
                    raise AssertionError(self._story("a coordinator hangs"))
                time.sleep(0.05)
            self.scenario.told.append(f"coordinator ended with {code}")

    def _pause(self, pid: int, seconds: float) -> None:
        self.cluster.signal(pid, signal.SIGSTOP)
        timer = threading.Timer(seconds, lambda: self.cluster.signal(pid, signal.SIGCONT))
        timer.start()
        self.stopped.append(timer)

    def _kill_coordinator(self) -> None:
        self.cluster.signal(self.chance.choice(self.coordinators), signal.SIGKILL)

    def _stop_coordinator(self) -> None:
        self._pause(self.chance.choice(self.coordinators), self.chance.uniform(1.2, 2.5) * LEASE)

    def _kill_worker(self) -> None:
        self.cluster.signal(self.chance.choice(self.cluster.workers), signal.SIGKILL)
        self.cluster.mend()

    def _stop_worker(self) -> None:
        self._pause(self.chance.choice(self.cluster.workers), self.chance.uniform(1.0, 4.0))

    def _kill_scheduler(self) -> None:
        self.cluster.signal(self.cluster.scheduler, signal.SIGKILL)
        time.sleep(self.chance.uniform(0.0, 0.5))
        while self.cluster.ended(self.cluster.scheduler) is None:
            time.sleep(0.02)
        self.cluster.mend()

    def _restart_database(self) -> None:
        self.server.stop(self.chance.choice(["immediate", "fast"]))
        time.sleep(self.chance.uniform(0.0, 0.5))
        self.server.start()

    def _cut_connections(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            self.server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'preflight'"
            )
            time.sleep(0.05)

    def _answer(self, _number: int, _source: str) -> Answer:
        chance = self.chance
        if chance.random() < self.scenario.slow_answers:
            # Sometimes for longer than a lease.
            time.sleep(chance.choice([0.2, 0.8, 1.5 * LEASE]))
        if chance.random() < self.scenario.rate_limits:
            return Answer(accepted=False, reply=_rate_limited)
        return Answer(hang_up=chance.random() < self.scenario.lost_answers)

    # The recovery

    def _recover(self) -> None:
        self.cloud.script = lambda *_: Answer()
        self.cloud.seconds = 0.0
        request = RunRequest(output=self.output)
        paths = [clip.path for clip in self.scenario.clips]
        for _ in range(4):
            self.scenario.told += [_told(result) for result in resume(settings=self.settings, jobs=2)]
            with Ledger(self.settings.ledger) as ledger:
                waiting = list(ledger.iterate(states=[State.UNKNOWN]))
                for job in waiting:
                    self._settle(ledger, job)
            if not waiting:
                break
        results = list(run_many(paths, request=request, settings=self.settings, jobs=2))
        self.scenario.told += [_told(result) for result in results]
        assert all(isinstance(result, Succeeded) for result in results), self._story("a video is lost")

    def _settle(self, ledger: Ledger, job: Job) -> None:
        """Answer as a person who has looked into the service's console."""
        known = {other.task_id for other in ledger.iterate()}
        with ledger.lease(job.id, wait=10):
            orphans = [
                task.id
                for task in self.cloud.accepted
                if task.id not in known and job.key is not None and task.source.endswith(job.key)
            ]
            self.scenario.told.append(f"settled {job.id} with {orphans}")
            if orphans:
                ledger.resolve(job.id, State.SUBMITTED, task_id=orphans[0])
            else:
                ledger.resolve(job.id, State.QUEUED)

    # The judgement

    def _judge(self) -> None:
        twice = {key: count for key, count in self.cloud.paid().items() if count > 1}
        assert not twice, self._story(f"paid twice: {twice}")
        made = {path.name: _digest(path) for path in self.output.glob("*.cleaned.mp4")}
        expected = {f"{clip.path.stem}.cleaned.mp4": clip.digest for clip in self.scenario.clips}
        assert made == expected, self._story(f"outputs differ: {sorted(made)}")
        with Ledger(self.settings.ledger) as ledger:
            assert not [job for job in ledger.iterate() if ledger.holder(job.id)], self._story("a lease is left")
            assert not list(ledger.iterate(only_open=True)), self._story("a job is open")
        media.forget(self.settings.home)

    def _story(self, what: str) -> str:
        log = (self.cluster.folder / "coordinator.log").read_text(errors="replace")[-6000:]
        with Ledger(self.settings.ledger) as ledger:
            histories = [
                f"{job.id} {job.source.name}\n  " + "\n  ".join(
                    f"{step.at:%M:%S.%f} {step.origin}->{step.state} {step.attempt} {step.task_id} {step.cause}"
                    for step in ledger.history(job.id)
                )
                for job in ledger.iterate()
            ]  # fmt: skip
        tasks = [(task.id, task.source[-20:]) for task in self.cloud.accepted]
        return f"seed {self.scenario.seed}: {what}\n{self.scenario}\n{tasks}\n" + "\n".join(histories) + f"\n{log}"


def _rate_limited(_task: str) -> Any:
    from tests.odd_replies import OddReply

    body = {"resCode": 501, "success": False, "requestId": "r", "resMessage": "too many requests", "data": None}
    return OddReply(status=200, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


def _told(result: Result) -> str:
    return f"{type(result).__name__} {result.source.name} {getattr(result, 'error', '')}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def report(seeds: range, play: Callable[[int], None]) -> Counter[str]:
    """Play the scenarios of many seeds and count how they ended; failures are raised at the end, all together."""
    counts: Counter[str] = Counter()
    failures = []
    for seed in seeds:
        try:
            play(seed)
        except AssertionError as error:
            failures.append(str(error))
            counts["failed"] += 1
        else:
            counts["whole, paid once"] += 1
    if failures:
        raise AssertionError(f"{counts}\n" + "\n\n".join(failures))
    return counts
