"""`preflight jobs`: what the ledger knows of every paid job, and how an unknown one is settled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from preflight.cli import console, context
from preflight.errors import UsageError

if TYPE_CHECKING:
    from preflight.ledger import Job, Ledger, State

_JSON = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
_ID = Annotated[str, typer.Argument(help="The job's id, or its beginning.", show_default=False)]
_COLUMNS = ("id", "state", "updated", "task", "file")


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(no_args_is_help=False, rich_markup_mode=None)
    group.callback(
        invoke_without_command=True,
        help="List jobs, show one, settle one whose submit was not answered, or forget one.",
        epilog="Example: preflight jobs --state unknown",
    )(jobs)
    group.command("show", epilog="Example: preflight jobs show 3fa9")(show)
    group.command("resolve", epilog="Example: preflight jobs resolve 3fa9 --task 1234567")(resolve)
    group.command("forget", epilog="Example: preflight jobs forget 3fa9")(forget)
    app.add_typer(group, name="jobs")


def jobs(
    ctx: typer.Context,
    state: Annotated[list[str] | None, typer.Option(help="Only jobs in this state; repeatable.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Say every change until interrupted.")] = False,
    as_json: _JSON = False,
) -> None:
    """List jobs, the oldest first."""
    if ctx.invoked_subcommand is not None:
        return
    from preflight.ledger import Ledger, State

    unknown = set(state or ()) - set(State)
    if unknown:
        raise UsageError(f"No job has the state {unknown.pop()!r}.", hint=f"Use one of: {', '.join(State)}.")
    with Ledger(context.settings(ctx).ledger) as ledger:
        wanted = [State(name) for name in state or ()]
        if watch:
            _watch(ledger, wanted, as_json=as_json)
        found = ledger.jobs(states=wanted)
        if as_json:
            for job in found:
                console.emit("job", disagreement=job.disagreement, **_fields(job))
        else:
            console.table("", _COLUMNS, [_row(job) for job in found])


def show(ctx: typer.Context, job: _ID, as_json: _JSON = False) -> None:
    """Show one job and how it came to where it is."""
    from preflight.ledger import Ledger

    with Ledger(context.settings(ctx).ledger) as ledger:
        found = ledger.get(job)
        history, holder = ledger.history(found.id), ledger.holder(found.id)
    if as_json:
        console.emit("job", holder=holder, history=history, disagreement=found.disagreement, **_fields(found))
        return
    facts = [(name, str(value)) for name, value in _fields(found).items() if value is not None]
    console.table("", ("job", found.id), [*facts, ("worked on by process", str(holder or "none"))])
    rows = [(step.at.isoformat(" ", "seconds"), str(step.attempt), step.state, step.cause) for step in history]
    console.table("", ("at", "attempt", "state", "cause"), rows)
    if found.disagreement:
        console.say("The service refused a file that our check passed: its limits may have moved. Please report it.")


def resolve(
    ctx: typer.Context,
    job: _ID,
    resubmit: Annotated[bool, typer.Option("--resubmit", help="It was not accepted: send it again.")] = False,
    task: Annotated[str | None, typer.Option(help="It was accepted, with this task id.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Leave it.")] = False,
    as_json: _JSON = False,
) -> None:
    """Settle a job whose submit was sent and not answered. Look into the service's console first.

    `preflight resume` goes on afterwards. A wrong task id can be settled again in the same way.
    """
    from preflight.ledger import Ledger, State

    task = task.strip() if task is not None else None
    if task == "" or [resubmit, task is not None, drop].count(True) != 1:
        raise UsageError("Say what happened to the job.", hint="Give one of --resubmit, --task TASKID, --drop.")
    to = State.QUEUED if resubmit else State.CANCELLED if drop else State.SUBMITTED
    with Ledger(context.settings(ctx).ledger) as ledger:
        with ledger.lease(ledger.get(job).id) as found:
            settled = ledger.resolve(found.id, to, task_id=task)
        _say(settled, as_json=as_json)


def forget(
    ctx: typer.Context,
    job: _ID,
    force: Annotated[bool, typer.Option("--force", help="Even one that has not ended.")] = False,
    as_json: _JSON = False,
) -> None:
    """Delete a job and its history: the same video is paid for again when it is run again."""
    from preflight.ledger import ENDED, Ledger

    with Ledger(context.settings(ctx).ledger) as ledger, ledger.lease(ledger.get(job).id) as found:
        if found.state not in ENDED and not force:
            raise UsageError(
                f"Job {found.id} is {found.state}: what was paid for it would be lost.",
                hint="`preflight resume` goes on with it; --force forgets it anyway.",
            )
        ledger.forget(found.id)
        _say(found, as_json=as_json, event="forgotten")


def _say(job: Job, *, as_json: bool, event: str = "job") -> None:
    if as_json:
        console.emit(event, **_fields(job))
    else:
        console.say(f"{job.id}: {'forgotten' if event == 'forgotten' else job.state}")


def _watch(ledger: Ledger, states: list[State], *, as_json: bool, pause: float = 1.0) -> None:
    """Say every change of every job until interrupted."""
    known: dict[str, Job] = {}
    while True:
        for job in ledger.jobs(states=states):
            if known.get(job.id) != job:
                known[job.id] = job
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
