"""What the ledger needs of a database: transactions, one dialect of SQL, and the database's own clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

_T = TypeVar("_T")

Row = Mapping[str, Any]
"""One row of an answer, by column names."""


class Session(ABC):
    """One transaction. Statements are written once, with `?` for each value, and run on both back ends.

    Attributes:
        clock: SQL expression for the seconds since 1970 by the database's clock. No lease is judged by another one.
        lock: What a SELECT ends with so that nobody else changes its rows before the transaction ends.
        skip_locked: The same, leaving out rows that somebody else has locked.
    """

    clock: str
    lock: str
    skip_locked: str

    @abstractmethod
    def all(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Return every row of an answer."""

    @abstractmethod
    def run(self, query: str, values: Sequence[object] = ()) -> int:
        """Execute a statement and return the number of rows that it changed."""

    @abstractmethod
    def run_many(self, query: str, values: Sequence[Sequence[object]]) -> None:
        """Execute a statement once for each sequence of values."""

    def one(self, query: str, values: Sequence[object] = ()) -> Row | None:
        """Return the first row of an answer, or None."""
        rows = self.all(query, values)
        return rows[0] if rows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck:
    """One thing that `doctor` looks at: whether it is as it should be, what was seen, and the mend."""

    name: str
    ok: bool
    seen: str
    mend: str = ""


class Backend(Protocol):
    """A database with the ledger's tables. Every method raises LedgerError; any thread may call.

    Attributes:
        name: How people call the place: a path, or an address without its password.
        is_shared: True when processes on other machines use it, whose ids say nothing here.
    """

    name: str
    is_shared: bool

    def read(self, work: Callable[[Session], _T]) -> _T:
        """Return what `work` reads."""

    def write(self, work: Callable[[Session], _T]) -> _T:
        """Return what `work` returns; all that it wrote is durable then, or none of it happened.

        `work` may be called again when a connection is lost, also after a commit whose answer is lost. So it must lead
        to the same rows when it is repeated.
        """

    def verify(self) -> None:
        """Raise LedgerError when the data are damaged."""

    def checks(self) -> list[LedgerCheck]:
        """Return what an administrator should know of the set-up."""

    def close(self) -> None:
        """Close all connections; safe to call twice."""
