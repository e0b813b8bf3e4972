"""`preflight jobs`: what the ledger knows of every paid job, and how an unknown one is settled."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import islice

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from preflight.ledger import Job, Ledger, State

_COLUMNS = ("id", "state", "updated", "task", "file")
_PAGE = 500
"""Jobs in one table."""


def jobs(context: Context, *, state: Sequence[str] | None, watch: bool, as_json: bool) -> int:
    """List jobs, the oldest first."""
    from preflight.ledger import Ledger, State

    with Ledger(context.settings().ledger) as ledger:
        wanted = [State(name) for name in state or ()]
        if watch:
            _watch(ledger, wanted, as_json=as_json)
        found = ledger.iterate(states=wanted)
        if as_json:
            for job in found:
                console.emit("job", disagreement=job.disagreement, **_fields(job))
        else:
            # Page by page, so that a million jobs are neither kept nor waited for.
            while rows := [_row(job) for job in islice(found, _PAGE)]:
                console.table("", _COLUMNS, rows)
    return int(ExitCode.OK)


def show(context: Context, *, job: str, as_json: bool) -> int:
    """Show one job and how it came to where it is."""
    from preflight.ledger import Ledger

    with Ledger(context.settings().ledger) as ledger:
        found = ledger.get(job)
        history, holder = ledger.history(found.id), ledger.holder(found.id)
    if as_json:
        console.emit("job", holder=holder, history=history, disagreement=found.disagreement, **_fields(found))
        return int(ExitCode.OK)
    facts = [(name, str(value)) for name, value in _fields(found).items() if value is not None]
    console.table("", ("job", found.id), [*facts, ("worked on by process", str(holder or "none"))])
    rows = [(step.at.isoformat(" ", "seconds"), str(step.attempt), step.state, step.cause) for step in history]
    console.table("", ("at", "attempt", "state", "cause"), rows)
    if found.disagreement:
        console.say("The service refused a file that our check passed: its limits may have moved. Please report it.")
    return int(ExitCode.OK)


def resolve(context: Context, *, job: str, resubmit: bool, task: str | None, drop: bool, as_json: bool) -> int:
    """Settle a job whose submit was sent and not answered. Raises UsageError unless exactly one way is given."""
    from preflight.ledger import Ledger, State

    task = task.strip() if task is not None else None
    if task == "" or [resubmit, task is not None, drop].count(True) != 1:
        raise UsageError("Say what happened to the job.", hint="Give one of --resubmit, --task TASKID, --drop.")
    to = State.QUEUED if resubmit else State.CANCELLED if drop else State.SUBMITTED
    with Ledger(context.settings().ledger) as ledger:
        with ledger.lease(ledger.get(job).id) as found:
            settled = ledger.resolve(found.id, to, task_id=task)
        _say(settled, as_json=as_json)
    return int(ExitCode.OK)


def forget(context: Context, *, job: str, force: bool, as_json: bool) -> int:
    """Delete a job and its history. Raises UsageError for one that has not ended, unless forced."""
    from preflight.ledger import ENDED, Ledger, State

    with Ledger(context.settings().ledger) as ledger, ledger.lease(ledger.get(job).id) as found:
        if found.state not in ENDED and not force:
            next_step = (
                f"`preflight jobs resolve {found.id}` settles it"
                if found.state is State.UNKNOWN
                else (f"`preflight resume {found.id}` continues it")
            )
            raise UsageError(
                f"Job {found.id} is {found.state}: what was paid for it would be lost.",
                hint=f"{next_step}; --force forgets it anyway.",
            )
        ledger.forget(found.id)
        _say(found, as_json=as_json, event="forgotten")
    return int(ExitCode.OK)


def retry(context: Context, *, jobs: Sequence[str], as_json: bool) -> int:
    """Queue failed jobs again, all of them when none is named. Raises UsageError for one that has not failed."""
    from preflight.ledger import Ledger, State

    with Ledger(context.settings().ledger) as ledger:
        named = [ledger.get(job) for job in jobs] or list(ledger.jobs(states=(State.FAILED,)))
        for job in named:
            if job.state is not State.FAILED:
                raise UsageError(f"Job {job.id} is {job.state}, not failed.", hint="`preflight jobs` lists the states.")
        for job in named:
            with ledger.lease(job.id) as held:
                _say(ledger.advance(held.id, State.QUEUED, cause="to be tried again"), as_json=as_json)
    if not named:
        console.say("No job has failed.")
    elif not as_json:
        console.say("`preflight resume` submits them again.")
    return int(ExitCode.OK)


def budget(context: Context, *, amount: str | None, as_json: bool) -> int:
    """Show what the account has spent and may spend in all, or set it. Raises UsageError."""
    from preflight.ledger import Ledger
    from preflight.ledger.accounts import MILLIONTHS

    settings = context.settings()
    with Ledger(settings.ledger) as ledger:
        if amount is not None:
            limit = None if amount == "none" else round(common_options.amount(amount) * MILLIONTHS)
            if limit is not None and not settings.price_per_minute:
                raise UsageError("A budget needs the price of a minute.", hint="Set PREFLIGHT_PRICE_PER_MINUTE.")
            ledger.accounts.set_budget(settings.account, limit)
        found = ledger.accounts.budget(settings.account)
    limit_seen = None if found.limit is None else found.limit / MILLIONTHS
    if as_json:
        console.emit("budget", account=settings.account, spent=found.spent / MILLIONTHS, limit=limit_seen)
    else:
        limit_text = "no limit" if limit_seen is None else f"{limit_seen:.2f}"
        console.say(f"{settings.account}: spent {found.spent / MILLIONTHS:.2f}, budget {limit_text}")
    return int(ExitCode.OK)


def prune(context: Context, *, days: int, as_json: bool) -> int:
    """Delete the histories of jobs that ended long ago; the jobs stay."""
    from preflight.ledger import Ledger

    with Ledger(context.settings().ledger) as ledger:
        number = ledger.prune(datetime.now(UTC) - timedelta(days=days))
    if as_json:
        console.emit("pruned", entries=number)
    else:
        console.say(f"Entries deleted: {number}")
    return int(ExitCode.OK)


def _say(job: Job, *, as_json: bool, event: str = "job") -> None:
    if as_json:
        console.emit(event, **_fields(job))
    else:
        console.say(f"{job.id}: {'forgotten' if event == 'forgotten' else job.state}")


def _watch(ledger: Ledger, states: list[State], *, as_json: bool, pause: float = 1.0) -> None:
    """Say every change of every job until interrupted."""
    last: tuple[datetime, str] | None = None
    while True:
        for job in ledger.changes(last):
            last = (job.updated, job.id)
            if states and job.state not in states:
                continue
            if as_json:
                console.emit("job", **_fields(job))
            else:
                console.out("  ".join(console.printable(cell) for cell in _row(job)))
        time.sleep(pause)


def _fields(job: Job) -> dict[str, object]:
    names = ("id", "group", "segment", "segments", "state", "attempt", "account", "source", "task_id", "key", "url")
    more = ("file", "code", "message", "created", "updated", "parameters", "digest")
    return {name: getattr(job, name) for name in (*names, *more)} | {"source": job.name}


def _row(job: Job) -> tuple[str, str, str, str, str]:
    name = job.name if job.segments == 1 else f"{job.name} ({job.segment} of {job.segments})"
    state = f"{job.state} ({job.code})" if job.code is not None else str(job.state)
    return job.id, state, job.updated.isoformat(" ", "seconds"), job.task_id or "", name


_JOB = Parameter(names=("JOB",), help="The job's id, or its beginning.")
_STATES = (
    "queued", "fixed", "uploading", "uploaded", "submitting", "submitted", "running", "done", "fetched", "mismatched",
    "failed", "unknown", "cancelled",
)  # fmt: skip
"""The values of `preflight.ledger.State`, whose import loads the database; a test compares both."""

COMMAND = Command(
    name="jobs",
    summary="List jobs, show one, settle one whose submit was not answered, or forget one.",
    example="preflight jobs --state unknown",
    run=jobs,
    parameters=(
        Parameter(names=("--state",), choices=_STATES, repeated=True, help="Only jobs in this state; repeatable."),
        Parameter(names=("--watch",), count="0", help="Print every change until interrupted."),
        common_options.AS_JSON,
    ),
    subcommands=(
        Command(
            name="show",
            summary="Show one job and its history.",
            example="preflight jobs show 3fa9",
            run=show,
            parameters=(_JOB, common_options.AS_JSON),
        ),
        Command(
            name="resolve",
            summary="Settle a job whose submit was sent and not answered.",
            details="Look into the service's console first. `preflight resume` goes on afterwards. A wrong task id "
            "can be settled again in the same way.",
            example="preflight jobs resolve 3fa9 --task 1234567",
            run=resolve,
            parameters=(
                _JOB,
                Parameter(names=("--resubmit",), count="0", help="It was not accepted: send it again."),
                Parameter(names=("--task",), value="TASK_ID", help="It was accepted, with this task id."),
                Parameter(names=("--drop",), count="0", help="Give it up."),
                common_options.AS_JSON,
            ),
        ),
        Command(
            name="retry",
            summary="Queue failed jobs again, for `preflight resume`: each is paid for again.",
            example="preflight jobs retry 3fa9",
            run=retry,
            parameters=(
                Parameter(
                    names=("JOBS",), count="*", default=(), help="Ids, or their beginnings; else all that failed."
                ),
                common_options.AS_JSON,
            ),
        ),
        Command(
            name="budget",
            summary="Show or set what the account may spend in all, over every process that uses the ledger.",
            details="Costs are counted by the setting price_per_minute, from the moment in which a submit leaves.",
            example="preflight jobs budget 250",
            run=budget,
            parameters=(
                Parameter(names=("AMOUNT",), count="?", help="The new budget, or `none`; else it is only shown."),
                common_options.AS_JSON,
            ),
        ),
        Command(
            name="prune",
            summary="Delete the histories of jobs that ended long ago. The jobs stay, so that none is paid for twice.",
            example="preflight jobs prune --days 90",
            run=prune,
            parameters=(
                Parameter(
                    names=("--days",),
                    value="N",
                    convert=common_options.positive,
                    default=90,
                    default_text="90",
                    help="Keep the histories of jobs that changed within this many days.",
                ),
                common_options.AS_JSON,
            ),
        ),
        Command(
            name="forget",
            summary="Delete a job and its history: the same video is paid for again when it is run again.",
            example="preflight jobs forget 3fa9",
            run=forget,
            parameters=(
                _JOB,
                Parameter(names=("--force",), count="0", help="Even one that has not ended."),
                common_options.AS_JSON,
            ),
        ),
    ),
)
