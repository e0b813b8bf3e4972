"""How many more jobs a batch may pay for, under `--max-jobs` and `--budget`."""

from __future__ import annotations

import threading
from pathlib import Path

from preflight.errors import UsageError


class Allowance:
    """Admits videos while jobs and money last. What is reserved for a video and not spent is given back.

    Raises UsageError for a budget without a price. Any thread may call.
    """

    def __init__(self, *, max_jobs: int | None = None, budget: float | None = None, price: float = 0.0) -> None:
        if budget is not None and not price:
            raise UsageError(
                "--budget needs the price of a minute.", hint="Set PREFLIGHT_PRICE_PER_MINUTE, or price_per_minute."
            )
        self.is_limited = max_jobs is not None or budget is not None
        self._jobs = float("inf") if max_jobs is None else max_jobs
        self._money = float("inf") if budget is None else budget
        self._price = price
        self._reserved: dict[Path, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def admit(self, path: Path, *, jobs: int, seconds: float) -> bool:
        """Reserve what a video of this length takes; return False when not so much is left."""
        cost = seconds / 60 * self._price
        with self._lock:
            # Money is a sum of products: it may be off by less than a thousandth of the smallest coin.
            if jobs > self._jobs or cost > self._money + 1e-6:
                return False
            self._jobs -= jobs
            self._money -= cost
            self._reserved[path] = (jobs, cost)
        return True

    def settle(self, path: Path, *, jobs: int) -> None:
        """Give back what was reserved for a video and not spent: `jobs` were paid for in the end."""
        with self._lock:
            reserved, cost = self._reserved.pop(path, (0, 0.0))
            self._jobs += reserved - jobs
            self._money += cost if reserved and not jobs else 0.0
