"""Runs the waiting tasks one after the other in a worker process that may crash, hang or be killed."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

from preflight.errors import ToolError
from preflight.server.task_store import StoredTask, TaskStore
from preflight.tools import process

ENGINE = "preflight.engine:remove_text"

CRASHES = 2
"""Worker crashes after which a task fails with 801."""

SILENCE = 900.0
"""Seconds without a message from the engine after which its worker counts as hung and is killed."""

_log = logging.getLogger(__name__)
_IDLE = 1.0
"""Seconds between two looks for new tasks and for a hung worker."""

_PATIENCE = 30
"""Seconds that an idle worker is kept for the next task."""


class Runner:
    """Does the tasks of `store` until stopped. `progress` holds the share done of running tasks."""

    def __init__(
        self,
        store: TaskStore,
        *,
        ffmpeg: str,
        entry: str = ENGINE,
        silence: float = SILENCE,
        fill_model: Path | None = None,
    ) -> None:
        self._store = store
        self._ffmpeg = ffmpeg
        self._fill_model = fill_model
        # -P: a module in the folder that the person happens to be in must not stand in for one of ours.
        self._argv = [sys.executable, "-P", "-m", "preflight.server.engine_process", entry]
        self._silence = silence
        self._heard = 0.0
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._worker: process.Running | None = None
        self._threads = (
            threading.Thread(target=self._loop, name="preflight-runner", daemon=True),
            threading.Thread(target=self._watch, name="preflight-watch", daemon=True),
        )
        self.progress: dict[str, float] = {}

    def start(self) -> None:
        """Begin with the tasks that an earlier service left."""
        self._store.clean(now=time.time())
        self._store.adopt()
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Say that a task was added."""
        self._wake.set()

    def stop(self) -> None:
        """Kill the worker and its children; the task it was at waits for the next service."""
        self._stopping.set()
        self._wake.set()
        while any(thread.is_alive() for thread in self._threads):
            # Again and again, since the loop may be starting a worker just now.
            self._kill()
            for thread in self._threads:
                thread.join(0.05)

    def _kill(self) -> None:
        worker = self._worker
        if worker is not None:
            worker.kill()

    def _watch(self) -> None:
        while not self._stopping.wait(_IDLE):
            if self.progress and time.monotonic() - self._heard > self._silence:
                self._kill()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            task = self._next()
            if task is not None:
                try:
                    self._work(task)
                except ToolError as error:
                    self._store.fail(task.id, 801, f"model failed: {error.message}")
                except (OSError, sqlite3.Error):
                    # No room on the disk, no database: the task is ours still and is taken again.
                    _log.exception("task %s could not be run", task.id)
                    self._stopping.wait(_IDLE)

    def _next(self, patience: int = 1) -> StoredTask | None:
        """Return a task to do, or None after `patience` seconds without one, or at a stop."""
        for _ in range(patience):
            self._wake.clear()
            self._store.adopt()
            task = self._store.take()
            if task is not None:
                return task
            self._wake.wait(_IDLE)
            if self._stopping.is_set():
                break
        return None

    def _work(self, task: StoredTask | None) -> None:
        """Start a worker and let it do `task` and those that follow, until it dies or nothing comes for a while."""
        path = os.pathsep.join(entry for entry in sys.path if entry)
        environment = {**os.environ, "PYTHONPATH": path}
        pipes = {"stdin": process.PIPE, "stdout": process.PIPE}
        with process.start(self._argv, **pipes, env=environment) as worker:
            self._worker = worker
            try:
                while task is not None and self._do(worker, task):
                    task = self._next(_PATIENCE)
            finally:
                self._worker = None

    def _do(self, worker: process.Running, task: StoredTask) -> bool:
        """Let `worker` do `task`; return False when it died, or a stop was asked for."""
        self._heard = time.monotonic()
        self.progress[task.id] = 0.0
        try:
            answer = None if self._stopping.is_set() else self._ask(worker, task)
        finally:
            self.progress.pop(task.id, None)
        if answer is None or "code" in answer:
            _log.info("task %s: %s; the worker's last output:\n%s", task.id, answer or "died", worker.stderr_tail)
        if answer is None:
            self._after_death(task)
        elif "code" in answer:
            self._store.fail(task.id, answer["code"], answer["message"])
            self._store.discard(task.id)
        else:
            self._store.finish(task.id, answer["quality"])
            self._store.tidy(task)
        return answer is not None

    def _ask(self, worker: process.Running, task: StoredTask) -> dict[str, Any] | None:
        """Return the worker's final answer on `task`, or None when it died before."""
        job = {
            "source": str(task.source),
            "destination": str(task.result),
            "options": task.options.to_wire(),
            "ffmpeg": self._ffmpeg,
            "fill_model": None if self._fill_model is None else str(self._fill_model),
        }
        try:
            worker.stdin.write(json.dumps(job).encode() + b"\n")
            worker.stdin.flush()
            for line in worker.stdout:
                answer: dict[str, Any] = json.loads(line)
                self._heard = time.monotonic()
                if "progress" not in answer:
                    return answer
                self.progress[task.id] = answer["progress"]
        except (OSError, ValueError):
            # A pipe that closes in the middle of a line or of a write is a death as well.
            return None
        return None

    def _after_death(self, task: StoredTask) -> None:
        crashed = not self._stopping.is_set()
        if crashed and task.crashes + 1 >= CRASHES:
            self._store.fail(task.id, 801, "model failed: the worker process died")
            self._store.discard(task.id)
        else:
            self._store.put_back(task.id, crashed=crashed)
