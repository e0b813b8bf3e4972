"""The rows of accounts: one rate of submits and one budget for every process that uses the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from preflight.errors import CreditError
from preflight.ledger.backend import Backend, Session

_T = TypeVar("_T")

MILLIONTHS = 1_000_000
"""Units of the ledger's amounts in one unit of the currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitPace:
    """The rate of submits as it is recorded.

    `interval` is the seconds between two submits, `free_at` the time from which the next may leave (seconds since 1970
    by the database's clock), `pauses` the number of refusals so far.
    """

    interval: float
    free_at: float
    pauses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What an account has spent and may spend, in millionths of the currency; `limit` None means without a limit."""

    spent: int
    limit: int | None


class AccountLog:
    """The ledger's table of accounts. Every method raises LedgerError."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def change_pace(self, account: str, change: Callable[[SubmitPace | None, float], tuple[SubmitPace, _T]]) -> _T:
        """Replace the pace of an account by what `change` makes of it and of the time by the database's clock.

        `change` gets None for an account without a pace. Its second result is returned.
        """

        def work(session: Session) -> _T:
            _ensure(session, account)
            row = session.one(
                f"SELECT pace, free_at, pauses, {session.clock} AS now FROM accounts "  # noqa: S608
                f"WHERE account = ?{session.lock}",
                (account,),
            )
            assert row is not None  # noqa: S101 - it was made above
            known = row["pace"] is not None
            old = SubmitPace(interval=row["pace"], free_at=row["free_at"], pauses=row["pauses"]) if known else None
            new, result = change(old, float(row["now"]))
            session.run(
                "UPDATE accounts SET pace = ?, free_at = ?, pauses = ? WHERE account = ?",
                (new.interval, new.free_at, new.pauses, account),
            )
            return result

        return self._backend.write(work)

    def budget(self, account: str) -> Budget:
        """Return what an account has spent and may spend."""
        row = self._backend.read(
            lambda session: session.one("SELECT spent, budget FROM accounts WHERE account = ?", (account,))
        )
        return Budget(spent=row["spent"], limit=row["budget"]) if row else Budget(spent=0, limit=None)

    def set_budget(self, account: str, limit: int | None) -> None:
        """Set what an account may spend in all; None is no limit."""

        def work(session: Session) -> None:
            _ensure(session, account)
            session.run("UPDATE accounts SET budget = ? WHERE account = ?", (limit, account))

        self._backend.write(work)


def spend(session: Session, account: str, amount: int) -> None:
    """Note that `amount` more is spent, or given back. Raises CreditError when the budget does not have so much."""
    if not amount:
        return
    _ensure(session, account)
    changed = session.run(
        "UPDATE accounts SET spent = spent + ? WHERE account = ? AND (budget IS NULL OR ? < 0 OR spent + ? <= budget)",
        (amount, account, amount, amount),
    )
    if not changed:
        raise CreditError(
            f"The budget of the account {account} is used up.",
            hint="`preflight jobs budget` shows and sets it; `preflight resume` continues.",
        )


def _ensure(session: Session, account: str) -> None:
    session.run("INSERT INTO accounts (account) VALUES (?) ON CONFLICT (account) DO NOTHING", (account,))
