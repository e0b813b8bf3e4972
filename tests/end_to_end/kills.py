"""Kill a real run from outside at a chosen system call, go on, and judge what came of it.

strace delivers SIGKILL when a thread of the run enters its n-th call of a kind: `fdatasync` is each durable write of
the ledger, `pwrite64` each write before it, `sendto` each request about to leave, `recvfrom` each reply about to be
read. Nothing in the program knows of it.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from fixtures.stores import fresh_prefix
from preflight.ledger import Job, Ledger, State
from preflight.server.stack import environment
from preflight.settings import Settings
from preflight.storage import incomplete
from tests.end_to_end.cli import Outcome, preflight

KILLED = -9


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One source, one home and one output folder, against a live `stack`; `known` are the tasks from before."""

    source: Path
    folder: Path
    stack: Settings
    known: frozenset[str]
    more: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # An empty ledger, so that the first durable write of the run is about the job.
        with Ledger(self.settings.ledger):
            pass

    @property
    def settings(self) -> Settings:
        return Settings(home=self.folder / "home")

    @property
    def environment(self) -> dict[str, str]:
        home = {"PREFLIGHT_HOME": str(self.settings.home), "PREFLIGHT_DEADLINE": "60"}
        pace = {"PREFLIGHT_POLL_FIRST": "0.1", "PREFLIGHT_POLL_LAST": "0.5"}
        return home | environment(self.stack) | pace | self.more

    @property
    def arguments(self) -> list[str]:
        return ["run", str(self.source), "-o", str(self.folder / "out"), "--json", *self.options]

    def run(self) -> Outcome:
        return preflight(*self.arguments, **self.environment)

    def resume(self) -> Outcome:
        return preflight("resume", "--json", **self.environment)

    def killed_at(self, call: str, number: int) -> bool:
        """Run until a thread enters its call `number` of a kind; False when the run came to its end before."""
        trace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}"]
        trace += ["-e", f"inject={call}:signal=KILL:when={number}"]
        command = [*trace, sys.executable, "-m", "preflight", *self.arguments]
        done = subprocess.run(command, capture_output=True, env=os.environ | self.environment, check=False, timeout=120)
        assert done.returncode in {0, KILLED}, done.stderr.decode()
        return done.returncode == KILLED

    @property
    def jobs(self) -> tuple[Job, ...]:
        with Ledger(self.settings.ledger) as ledger:
            return ledger.jobs()

    @property
    def accepted(self) -> list[str]:
        """The tasks that the service has taken in this scene: what has to be paid."""
        return [task for task in tasks(self.stack) if task not in self.known]

    @property
    def results(self) -> dict[str, str]:
        """The names and digests of what lies in the output folder."""
        folder = self.folder / "out"
        return {path.name: digest(path) for path in folder.iterdir()} if folder.exists() else {}

    @property
    def begun(self) -> list[str]:
        """The multipart uploads of this scene that were begun and not completed."""
        there = replace(self.stack, prefix=self.more["PREFLIGHT_PREFIX"])
        return [upload.upload_id for upload in incomplete(there)]

    def go_on(self) -> list[State]:
        """Do what a person does after a crash: resume, settling what is unknown; return the states that were found."""
        found = [job.state for job in self.jobs]
        before = set(self.accepted)
        outcome = self.resume() if found else self.run()
        for job in self.jobs:
            if job.state is State.UNKNOWN:
                assert outcome.code == 7, outcome.err
                # Segments that had not been sent yet are sent now, and the ledger knows their tasks.
                new = set(self.accepted) - before
                assert new <= {other.task_id for other in self.jobs}, "an unknown job was sent again"
                self._settle(job)
                outcome = self.resume()
        if not self.results:
            # Killed between the ledger's last word and the end, or before the first.
            outcome = self.run()
        assert outcome.code == 0, (outcome.code, outcome.err)
        return found

    def _settle(self, job: Job) -> None:
        """Answer as a person who has looked into the service's console."""
        orphans = set(self.accepted) - {other.task_id for other in self.jobs}
        how = ["--task", orphans.pop()] if orphans else ["--resubmit"]
        outcome = preflight("jobs", "resolve", job.id, *how, **self.environment)
        assert outcome.code == 0, outcome.err


def scene(source: Path, folder: Path, stack: Settings, **more: str) -> Scene:
    """Return a scene that starts now, with `more` in its environment.

    Its objects have a prefix of their own: what an earlier scene has sent would not be sent again.
    """
    prefix = {"PREFLIGHT_PREFIX": fresh_prefix()}
    return Scene(source=source, folder=folder, stack=stack, known=frozenset(tasks(stack)), more=prefix | more)


def tasks(stack: Settings) -> list[str]:
    """Return the ids of all tasks in the service's own books."""
    books = sqlite3.connect(f"file:{stack.home.absolute()}/service/tasks.sqlite?mode=ro", uri=True)
    try:
        return [row[0] for row in books.execute("SELECT id FROM tasks ORDER BY created")]
    finally:
        books.close()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
