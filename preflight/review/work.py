"""What is done in the background while a page shows its progress: searches for text, runs, redos."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from preflight.errors import CancelledError, PreflightError

WORKERS = 2
"""Pieces of work at a time: each uses several cores by itself, and a person waits for one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOutcome:
    """What a piece of work has led to, in words; `changed` when another picture or list of texts is to be shown.

    `opens` is the identifier of a new result that replaces what is shown, `record` where it is.
    """

    message: str
    changed: bool = False
    opens: str = ""
    record: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkState:
    """Where a piece of work stands: `share` is 0..1, `note` says what is done; `outcome` is None until it has ended."""

    name: str
    share: float = 0.0
    note: str = ""
    outcome: WorkOutcome | None = None
    failed: bool = False


Report = Callable[[float, str], None]
"""Takes the share that is done, 0..1, and what is done."""

Action = Callable[[Report, threading.Event], WorkOutcome]
"""A piece of work; the event is set when it has to stop."""


class Workbench:
    """Does one piece of work for each key at a time, and remembers how the last one ended."""

    def __init__(self) -> None:
        self._states: dict[str, WorkState] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._executor: ThreadPoolExecutor | None = None
        self._futures: list[Future[None]] = []

    def state(self, key: str) -> WorkState | None:
        """Return where the work for a key stands, None when there was none."""
        with self._lock:
            return self._states.get(key)

    def start(self, key: str, name: str, action: Action) -> bool:
        """Begin a piece of work; return False when there is one for the key already."""
        with self._lock:
            before = self._states.get(key)
            if before is not None and before.outcome is None:
                return False
            self._states[key] = WorkState(name=name, note="waiting for its turn")
            if self._executor is None:
                self._executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="review-work")
            self._futures.append(self._executor.submit(self._do, key, action))
        return True

    def close(self) -> None:
        """Stop what runs, and wait for it."""
        self._stop.set()
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def _do(self, key: str, action: Action) -> None:
        def report(share: float, note: str) -> None:
            self._change(key, share=min(1.0, max(0.0, share)), note=note)

        try:
            outcome = action(report, self._stop)
            self._change(key, share=1.0, outcome=outcome)
        except CancelledError:
            self._change(key, outcome=WorkOutcome(message="Stopped."), failed=True)
        except PreflightError as error:
            self._change(key, outcome=WorkOutcome(message=str(error)), failed=True)
        except Exception as error:  # noqa: BLE001 - the page has to learn that it ended
            self._change(key, outcome=WorkOutcome(message=f"A defect: {error!r}"), failed=True)

    def _change(self, key: str, **values: Any) -> None:
        with self._lock:
            self._states[key] = replace(self._states[key], **values)
