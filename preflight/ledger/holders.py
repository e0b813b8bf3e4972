"""The rows of holders and of their leases; each function runs inside the caller's transaction.

A holder is one open ledger of a process. It renews its row by a heartbeat, so that ten thousand leases cost one write.
The database's clock alone says how long a holder was silent. Each new lease raises the epoch in the job's row, and
every later write compares it, so that a holder that lost its lease changes nothing.
"""

from __future__ import annotations

from preflight.ledger.backend import Row, Session
from preflight.ledger.owner import Owner, is_alive, this_machine, went_down


def owner_of(session: Session, job_id: str) -> tuple[Owner | None, float]:
    """Return who holds a job, and the seconds since the last heartbeat."""
    query = (
        f"SELECT holders.*, {session.clock} - beat AS silent FROM leases "  # noqa: S608
        "JOIN holders ON holders.id = leases.holder WHERE job = ?"
    )
    row = session.one(query, (job_id,))
    return (None, 0.0) if row is None else (_owner(row), float(row["silent"]))


def put_owner(session: Session, owner: Owner) -> None:
    """Write the heartbeat of `owner`."""
    session.run(
        f"INSERT INTO holders (id, machine, pid, started, beat) VALUES (?, ?, ?, ?, {session.clock}) "  # noqa: S608
        "ON CONFLICT (id) DO UPDATE SET beat = excluded.beat",
        (owner.id, owner.machine, owner.pid, owner.started),
    )


def remove_owner(session: Session, owner: Owner) -> None:
    """Forget an owner that holds no lease."""
    query = "DELETE FROM holders WHERE id = ? AND NOT EXISTS (SELECT 1 FROM leases WHERE holder = ?)"
    session.run(query, (owner.id, owner.id))


def put_leases(session: Session, job_ids: list[str], owner: Owner) -> dict[str, int]:
    """Make `owner` the holder of jobs and return their new epochs, which fence the writes of earlier holders."""
    marks = ", ".join("?" for _ in job_ids)
    query = f"UPDATE jobs SET epoch = epoch + 1 WHERE id IN ({marks}) RETURNING id, epoch"  # noqa: S608
    epochs = {row["id"]: int(row["epoch"]) for row in session.all(query, job_ids)}
    session.run_many(
        "INSERT INTO leases (job, holder, epoch) VALUES (?, ?, ?) "
        "ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, epoch = excluded.epoch",
        [(job_id, owner.id, epoch) for job_id, epoch in epochs.items()],
    )
    return epochs


def remove_lease(session: Session, job_id: str, owner: Owner, epoch: int) -> None:
    """Release a job, unless another owner has taken it over."""
    session.run("DELETE FROM leases WHERE job = ? AND holder = ? AND epoch = ?", (job_id, owner.id, epoch))


def remove_leases(session: Session, owner: Owner) -> None:
    """Release every job of `owner`."""
    session.run("DELETE FROM leases WHERE holder = ?", (owner.id,))


def living(session: Session, *, is_shared: bool) -> list[str]:
    """Return the ids of all living holders."""
    here = this_machine()
    rows = session.all(f"SELECT holders.*, {session.clock} - beat AS silent FROM holders")  # noqa: S608
    return [
        row["id"] for row in rows if is_alive(_owner(row), here=here, silent=float(row["silent"]), is_shared=is_shared)
    ]


def has_unchecked_crash(session: Session) -> bool:
    """Return whether a machine went down with the ledger open, and the file was not checked since."""
    here = this_machine()
    query = f"SELECT holders.*, {session.clock} - beat AS silent FROM holders WHERE checked = 0"  # noqa: S608
    return any(went_down(_owner(row), here=here, silent=float(row["silent"])) for row in session.all(query))


def mark_crashes_checked(session: Session) -> None:
    """Note that the file was checked after the crashes that are known so far."""
    session.run("UPDATE holders SET checked = 1")


def remove_dead_owners(session: Session, *, is_shared: bool) -> None:
    """Forget owners that are dead and hold no lease."""
    here = this_machine()
    idle = (
        f"SELECT holders.*, {session.clock} - beat AS silent FROM holders "  # noqa: S608
        "WHERE NOT EXISTS (SELECT 1 FROM leases WHERE holder = holders.id)"
    )
    for row in session.all(idle):
        if not is_alive(_owner(row), here=here, silent=float(row["silent"]), is_shared=is_shared):
            session.run("DELETE FROM holders WHERE id = ?", (row["id"],))


def _owner(row: Row) -> Owner:
    return Owner(machine=row["machine"], pid=row["pid"], started=row["started"], id=row["id"])
