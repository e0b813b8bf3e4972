"""One random disaster, drawn from a seed: what goes wrong while videos are processed, and what must be true afterwards.

A scenario draws videos, the way in which they are run, and faults: kills at a chosen request, network faults, a disk
that is full, a second process, a service that accepts and then replies nonsense. After that the network is well again,
and a person does what the manual says: `resume`, settling what is unknown with what the service's console shows.
"""

from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from preflight.ledger import Job, Ledger, State
from preflight.model.job import Result, Succeeded
from preflight.settings import Settings
from preflight.workflow.batch import resume, run_many
from preflight.workflow.request import RunRequest
from tests import odd_replies
from tests.fake_cloud import Answer, FakeCloud

HANG = 120.0
"""Seconds after which a process that has not ended counts as hanging."""

LONGEST = 2
"""Seconds of the longest video that the service takes in these scenarios, so that a short clip has to be split."""

Digests = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A video of the pool and the digest of its cleaned file when nothing disturbs."""

    path: Path
    name: str
    expected: str


@dataclass(kw_only=True)
class Scenario:
    """Everything that a seed decides. `told` is what happened, for the report of a failure."""

    seed: int
    clips: list[Clip]
    jobs: int
    second_process: bool
    kill_at: int | None
    kill_signal: signal.Signals
    kill_after_effect: bool
    file_limit: int | None
    network: float
    seconds: float
    odd: float
    wrong_result: bool
    told: list[str] = field(default_factory=list)

    @classmethod
    def draw(cls, seed: int, pool: list[Clip]) -> Scenario:
        """Return the scenario of a seed."""
        chance = random.Random(seed)  # noqa: S311
        return cls(
            seed=seed,
            clips=chance.sample(pool, chance.randint(1, min(3, len(pool)))),
            jobs=chance.randint(1, 3),
            second_process=chance.random() < 0.25,
            kill_at=chance.randint(1, 25) if chance.random() < 0.6 else None,
            kill_signal=chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM]),
            kill_after_effect=chance.random() < 0.5,
            file_limit=chance.choice([30_000, 60_000, 120_000, 250_000]) if chance.random() < 0.15 else None,
            network=chance.choice([0.0, 0.0, 0.1, 0.3]),
            seconds=chance.choice([0.0, 0.0, 0.3]),
            odd=chance.choice([0.0, 0.5, 1.0]),
            wrong_result=chance.random() < 0.1,
        )


class Stage:
    """Plays one scenario in a folder of its own."""

    def __init__(self, scenario: Scenario, folder: Path, short: bytes) -> None:
        self.scenario = scenario
        self.folder = folder
        self.output = folder / "out"
        self.chance = random.Random(f"play {scenario.seed}")  # noqa: S311
        self.lock = threading.Lock()
        self.requests = 0
        self.processes: list[subprocess.Popen[bytes]] = []
        self.short = short
        self.cloud = FakeCloud(script=self._answer, failing=self._fail, seconds=scenario.seconds, result=self._result)

    def play(self) -> None:
        """Run into the disaster, recover, and judge. Raises AssertionError with what happened."""
        with self.cloud:
            self.settings: Settings = self.cloud.settings(self.folder / "home", max_duration=Fraction(LONGEST))
            self._disaster()
            self._calm()
            self._recover()
            self._judge()

    # The disaster

    def _disaster(self) -> None:
        count = 2 if self.scenario.second_process else 1
        with self.lock:
            self.processes = [self._start() for _ in range(count)]
        for process in self.processes:
            try:
                code = process.wait(HANG)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(self._story("a process hangs")) from None
            assert process.stderr is not None
            error = process.stderr.read().decode(errors="replace")
            process.stderr.close()
            assert "Traceback" not in error, self._story(error)
            assert "Fatal Python error" not in error, self._story(error)
            self.scenario.told.append(f"exit {code}")

    def _start(self) -> subprocess.Popen[bytes]:
        scenario = self.scenario
        paths = [str(clip.path) for clip in scenario.clips]
        command = [sys.executable, "-m", "preflight", "run", *paths, "-o", str(self.output), "--json"]
        limit = scenario.file_limit

        def before() -> None:
            if limit is not None:
                # Python ignores SIGXFSZ: each write beyond the limit fails, as on a full disk.
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return subprocess.Popen(
            [*command, "--jobs", str(scenario.jobs)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ | self.cloud.environment(self.settings.home) | {"PREFLIGHT_MAX_DURATION": str(LONGEST)},
            preexec_fn=before,  # noqa: PLW1509 - no threads of this process write files
        )

    def _kill_is_due(self) -> bool:
        with self.lock:
            self.requests += 1
            return self.requests == self.scenario.kill_at

    def _kill(self) -> None:
        self.scenario.told.append(f"{self.scenario.kill_signal.name} at request {self.scenario.kill_at}")
        with self.lock:
            self.processes[0].send_signal(self.scenario.kill_signal)
        if self.scenario.kill_signal is not signal.SIGKILL:
            time.sleep(0.1)

    def _answer(self, _number: int, _source: str) -> Answer:
        due = self._kill_is_due()
        if due and not self.scenario.kill_after_effect:
            self._kill()
            return Answer(accepted=self.chance.random() < 0.5, hang_up=True)
        answer = self._odd_answer()
        if due:
            self._kill()
        return answer

    def _odd_answer(self) -> Answer:
        chance = self.chance
        if chance.random() >= self.scenario.odd:
            return Answer()
        kind = chance.choice(["naming", "naming", "silent", "refusing", "hang up"])
        if kind == "hang up":
            accepted = chance.random() < 0.5
            self.scenario.told.append(f"hung up, accepted: {accepted}")
            return Answer(accepted=accepted, hang_up=True)
        replies: dict[str, dict[str, odd_replies.Maker]] = {
            "naming": odd_replies.NAMING,
            "silent": odd_replies.SILENT,
            "refusing": odd_replies.REFUSING,
        }
        name = chance.choice(sorted(replies[kind]))
        # A silent service may have accepted the job or not: the reply is the same.
        accepted = kind == "naming" or (kind == "silent" and chance.random() < 0.5)
        self.scenario.told.append(f"{kind}: {name}, accepted: {accepted}")
        return Answer(accepted=accepted, reply=replies[kind][name])

    def _fail(self, _method: str, _path: str, _number: int) -> str | None:
        if self._kill_is_due():
            self._kill()
            return "cut"
        if self.chance.random() < self.scenario.network:
            return self.chance.choice(["503", "cut"])
        return None

    def _result(self, content: bytes) -> bytes:
        return self.short if self.scenario.wrong_result else content

    # The recovery

    def _calm(self) -> None:
        self.cloud.script = lambda *_: Answer()
        self.cloud.failing = lambda *_: None
        self.cloud.seconds = 0.0
        self.scenario.wrong_result = False

    def _recover(self) -> None:
        for _ in range(4):
            self.scenario.told += [_told(result) for result in resume(settings=self.settings, jobs=2)]
            with Ledger(self.settings.ledger) as ledger:
                waiting = list(ledger.iterate(states=[State.UNKNOWN, State.MISMATCHED]))
                for job in waiting:
                    self._settle(ledger, job)
            if not waiting:
                break
        request = RunRequest(output=self.output)
        paths = [clip.path for clip in self.scenario.clips]
        results = list(run_many(paths, request=request, settings=self.settings, jobs=2))
        self.scenario.told += [_told(result) for result in results]
        assert all(isinstance(result, Succeeded) for result in results), self._story("a video is lost")

    def _settle(self, ledger: Ledger, job: Job) -> None:
        """Answer as a person who has looked into the service's console."""
        known = {other.task_id for other in ledger.iterate()}
        with ledger.lease(job.id):
            if job.state is State.MISMATCHED:
                ledger.resolve(job.id, State.SUBMITTED, task_id=job.task_id)
                return
            orphans = [
                task.id for task in self.cloud.accepted if task.id not in known and self._is_of(task.source, job)
            ]
            if orphans:
                ledger.resolve(job.id, State.SUBMITTED, task_id=orphans[0])
            else:
                ledger.resolve(job.id, State.QUEUED)

    @staticmethod
    def _is_of(source: str, job: Job) -> bool:
        return job.key is not None and source.endswith(job.key)

    # The judgement

    def _judge(self) -> None:
        twice = {key: count for key, count in self.cloud.paid().items() if count > 1}
        assert not twice, self._story(f"paid twice: {twice}")
        found = {path.name: _digest(path) for path in self.output.iterdir()}
        expected = {clip.name: clip.expected for clip in self.scenario.clips}
        cleaned = {name: digest for name, digest in found.items() if ".cleaned." in name and not name.endswith(".json")}
        assert cleaned == expected, self._story(f"outputs differ: {sorted(found)}")
        beside = {
            f"{clip.path.stem}{more}" for clip in self.scenario.clips for more in (".cleaned.json", ".before-after.jpg")
        }
        # What was kept of a wrong result stays for the person to look at.
        left = {name for name in set(found) - set(cleaned) - beside if ".fetched" not in name}
        assert not left, self._story(f"left in the output folder: {left}")
        work = self.settings.home / "work"
        assert not work.exists() or not list(work.iterdir()), self._story(f"left in work: {list(work.iterdir())}")
        with Ledger(self.settings.ledger) as ledger:
            assert not [job for job in ledger.iterate() if ledger.holder(job.id)], self._story("a lease is left")
            assert not list(ledger.iterate(only_open=True)), self._story("a job is open")
            ledger.verify()
        assert not list(resume(settings=self.settings)), self._story("resume has something to do")

    def _story(self, what: str) -> str:
        return f"seed {self.scenario.seed}: {what}\n{self.scenario}\nsubmits: {len(self.cloud.submits)}"


def _told(result: Result) -> str:
    return f"{type(result).__name__} {result.source.name} {getattr(result, 'error', '')}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def undisturbed(path: Path, folder: Path) -> Clip:
    """Return a video with the cleaned file that a run of it leaves when nothing disturbs it."""
    with FakeCloud() as cloud:
        request = RunRequest(output=folder / "out")
        settings = cloud.settings(folder / "home", max_duration=Fraction(LONGEST))
        (result,) = run_many([path], request=request, settings=settings)
    assert isinstance(result, Succeeded), result
    return Clip(path=path, name=result.file.name, expected=_digest(result.file))


def report(seeds: range, play: Callable[[int], None]) -> Counter[str]:
    """Play the scenarios of many seeds and count how they ended; a failed one is raised at the end with all others."""
    counts: Counter[str] = Counter()
    failures = []
    for seed in seeds:
        try:
            play(seed)
        except AssertionError as error:
            failures.append(str(error))
            counts["failed"] += 1
        else:
            counts["whole, paid once, nothing left"] += 1
    if failures:
        raise AssertionError(f"{counts}\n" + "\n\n".join(failures))
    return counts
