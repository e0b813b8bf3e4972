"""The stages as functions that people call: each composes the rooms it needs and returns one value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from preflight.events import Cancel, Listener, ignore
from preflight.job import Fixed, Upload
from preflight.limits import DEFAULT_LIMITS, Limits
from preflight.plan import Plan, Policy
from preflight.report import Report
from preflight.settings import Settings, load


def check(path: Path | str, *, limits: Limits = DEFAULT_LIMITS) -> Report:
    """Return the verdict on the file at `path`; a file that can't be read is a finding, never an exception."""
    from preflight.check import evaluate
    from preflight.probe import probe

    return evaluate(probe(Path(path)), limits)


def plan(
    report: Report,
    *,
    policy: Policy = Policy.BALANCED,
    trim: tuple[Fraction, Fraction] | None = None,
    settings: Settings | None = None,
) -> Plan:
    """Return the smallest change that makes the file pass, or a plan whose `refusal` says why there is none.

    `trim` keeps only `start`..`end` (seconds); `settings` choose encoder and preset.
    """
    from preflight.fix import plan as decide

    settings = settings or load()
    return decide(report, policy=policy, trim=trim, encoder=settings.encoder, preset=settings.preset)


def fix(
    report: Report,
    into: Path | str,
    *,
    policy: Policy = Policy.BALANCED,
    trim: tuple[Fraction, Fraction] | None = None,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Fixed:
    """Carry out the plan for `report` in the folder `into` and return the files to send, each checked again.

    The source is never written. Raises InputError when there is no plan, ToolError, DiskFullError, CancelledError.
    """
    return act(
        plan(report, policy=policy, trim=trim), report, into, settings=settings, listener=listener, cancel=cancel
    )


def act(
    chosen: Plan,
    report: Report,
    into: Path | str,
    *,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Fixed:
    """Carry out a plan made before. Raises as `fix` does."""
    from preflight.fix import apply
    from preflight.tools import ffmpeg

    settings = settings or load()
    return apply(
        chosen,
        Path(into),
        recheck=lambda path: check(path, limits=report.limits),
        ffmpeg=ffmpeg.find(settings.ffmpeg),
        listener=listener,
        cancel=cancel,
    )


def upload(
    path: Path | str,
    *,
    settings: Settings | None = None,
    life: float | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Upload:
    """Put the file into the configured bucket, unless it is there, and return it with a presigned URL.

    `life` is the URL's life in seconds, by default the deadline's. Raises UsageError without a bucket, StoreError.
    """
    from preflight.upload import upload as send

    settings = settings or load()
    path = Path(path)
    return send(
        path,
        settings=settings,
        extension=path.suffix[1:].lower() or "mp4",
        life=life if life is not None else settings.deadline,
        listener=listener,
        cancel=cancel,
    )


@contextmanager
def service(settings: Settings) -> Iterator[Settings]:
    """Give settings whose service and store can be reached, starting the embedded ones when none are configured.

    Raises ToolMissingError when the embedded service is needed and the `local` extra is not installed.
    """
    if not settings.uses_local_service:
        yield settings
        return
    from preflight.local.stack import LocalStack

    with LocalStack(settings, checker=_codes) as stack:
        yield stack.settings


def _codes(path: Path) -> tuple[int, ...]:
    return check(path).codes


def digest(path: Path, *, listener: Listener = ignore, cancel: Cancel | None = None) -> str:
    """Return the SHA-256 of the file in hex. Raises InputError, FileChangedError, CancelledError."""
    from preflight.upload import digest as read

    return read(path, listener, cancel)


def restore(
    cleaned: Sequence[Path],
    fixed: Fixed,
    destination: Path,
    *,
    keep_audio: bool = True,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Path:
    """Make the finished file at `destination` from the cleaned segments of `fixed`, with the source's own sound.

    Raises InputError when segments are missing, ToolError, DiskFullError, CancelledError.
    """
    from preflight.restore import finish
    from preflight.tools import ffmpeg

    settings = settings or load()
    program = ffmpeg.find(settings.ffmpeg)
    return finish(cleaned, fixed, destination, keep_audio=keep_audio, ffmpeg=program, listener=listener, cancel=cancel)


def picture(before: Path, after: Path, destination: Path, *, settings: Settings | None = None) -> Path:
    """Draw the same frames of both videos side by side, where they differ most, as a PNG. Raises ToolError."""
    from preflight.restore.picture import draw
    from preflight.tools import ffmpeg

    return draw(before, after, destination, ffmpeg=ffmpeg.find((settings or load()).ffmpeg))
