"""The stages as functions that people call: each composes the rooms it needs and returns one value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.errors import CredentialsError, UsageError
from preflight.events import Cancel, Listener, ignore
from preflight.model.job import Fixed, Upload
from preflight.model.limits import DEFAULT_LIMITS, Limits
from preflight.model.plan import Plan, Policy
from preflight.model.report import Report
from preflight.settings import Settings, load

if TYPE_CHECKING:
    from preflight.storage import UploadCheckpoint


def check(
    path: Path | str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    deep: str | None = None,
    text: bool = False,
    strict: Collection[str] = (),
    ignore: Collection[str] = (),
) -> Report:
    """Return the verdict on the file at `path`; a file that can't be read is a finding, never an exception.

    `deep` also reads every packet (`packets`) or decodes all (`decode`); `text` looks for text on some frames (extra
    `local`); `strict` turns advisories, by their rules or
    `all`, into failures and `ignore` leaves them out. Raises ToolMissingError without MediaInfo (`deep`: ffmpeg).
    """
    from preflight import checking

    return checking.check(path, terms=checking.Terms(limits=limits, deep=deep, text=text, strict=strict, ignore=ignore))


def check_many(
    paths: Iterable[Path | str],
    *,
    limits: Limits = DEFAULT_LIMITS,
    deep: str | None = None,
    text: bool = False,
    strict: Collection[str] = (),
    ignore: Collection[str] = (),
    jobs: int | None = None,
) -> Iterator[Report]:
    """Yield the verdict on each of `paths` in their order, `jobs` at a time; memory stays flat. Options as `check`."""
    from preflight import check_pool, checking

    terms = checking.Terms(limits=limits, deep=deep, text=text, strict=strict, ignore=ignore)
    return check_pool.check_many(paths, terms=terms, jobs=jobs)


def plan(
    report: Report,
    *,
    policy: Policy = Policy.BALANCED,
    trim: tuple[Fraction, Fraction] | None = None,
    safe: bool = False,
    settings: Settings | None = None,
) -> Plan:
    """Return the smallest change that makes the file pass, or a plan whose `refusal` says why there is none.

    `trim` keeps only `start`..`end` (seconds); `safe` brings odd codecs to H.264 and AAC in MP4; `settings` choose
    encoder and preset.
    """
    from preflight.fixing import plan as decide

    settings = settings or load()
    return decide(report, policy=policy, trim=trim, safe=safe, encoder=settings.encoder, preset=settings.preset)


def fix(
    report: Report,
    into: Path | str,
    *,
    policy: Policy = Policy.BALANCED,
    trim: tuple[Fraction, Fraction] | None = None,
    safe: bool = False,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Fixed:
    """Carry out the plan for `report` in the folder `into` and return the files to send, each checked again.

    Options as `plan`. The source is never written. Raises InputError when there is no plan, ToolError, DiskFullError,
    CancelledError.
    """
    chosen = plan(report, policy=policy, trim=trim, safe=safe, settings=settings)
    return act(chosen, report, into, settings=settings, listener=listener, cancel=cancel)


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
    from preflight.fixing import apply
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
    checkpoint: UploadCheckpoint | None = None,
) -> Upload:
    """Put the file into the configured bucket, unless it is there, and return it with a presigned URL.

    `life` is the URL's life in seconds, by default the deadline's. `checkpoint` (a ledger's `uploads`) lets an upload
    that was interrupted go on. Raises UsageError without a bucket, StoreError.
    """
    from preflight.storage import upload as send

    settings = settings or load()
    path = Path(path)
    return send(
        path,
        settings=settings,
        extension=path.suffix[1:].lower() or "mp4",
        life=life if life is not None else settings.deadline,
        listener=listener,
        cancel=cancel,
        checkpoint=checkpoint,
    )


def require_service(settings: Settings) -> None:
    """Raise what `service` or the first use of it would raise for a missing part, before any work is done.

    CredentialsError without an account, UsageError without a bucket, ToolMissingError without the `local` extra.
    """
    if settings.uses_local_service:
        from preflight.server.stack import require_extra

        require_extra()
    elif not (settings.access_key_name and settings.access_key_secret):
        raise CredentialsError(
            "No account for the removal service is configured.",
            hint="Set AIDGE_ACCESS_KEY_NAME and AIDGE_ACCESS_KEY_SECRET, or use `--service local`.",
        )
    elif not settings.bucket:
        raise UsageError("No bucket is set.", hint="Set PREFLIGHT_BUCKET, or bucket in preflight.toml.")


@contextmanager
def service(settings: Settings) -> Iterator[Settings]:
    """Give settings whose service and store can be reached, starting the embedded ones when none are configured.

    Raises ToolMissingError when the embedded service is needed and the `local` extra is not installed.
    """
    if not settings.uses_local_service:
        yield settings
        return
    from preflight.server.stack import LocalStack

    with LocalStack(settings, check=_codes) as stack:
        yield stack.settings


def _codes(path: Path) -> tuple[int, ...]:
    return check(path).codes


def digest(path: Path, *, listener: Listener = ignore, cancel: Cancel | None = None) -> str:
    """Return the SHA-256 of the file in hex. Raises InputError, FileChangedError, CancelledError."""
    from preflight.storage import digest as read

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


def join(
    manifest: Path | str,
    cleaned: Sequence[Path | str],
    destination: Path | str,
    *,
    keep_audio: bool = True,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Path:
    """Join the segments that a split's `manifest` lists, or their `cleaned` versions (files in order, or one folder).

    Returns the file made; a `destination` that is a folder gets it under the source's name. Raises InputError,
    FileChangedError, ToolError, DiskFullError, CancelledError.
    """
    from preflight.probe import probe
    from preflight.restore import join as put_together
    from preflight.tools import ffmpeg

    return put_together(
        Path(manifest),
        [Path(path) for path in cleaned],
        Path(destination),
        probe=probe,
        keep_audio=keep_audio,
        ffmpeg=ffmpeg.find((settings or load()).ffmpeg),
        listener=listener,
        cancel=cancel,
    )


def container(cleaned: Sequence[Path], fixed: Fixed) -> str:
    """Return the extension of the finished file: of a container for the cleaned pictures and the source's streams."""
    from preflight.restore import container as choose

    return choose(cleaned, fixed)


def picture(before: Path, after: Path, destination: Path, *, settings: Settings | None = None) -> Path:
    """Draw the same frames of both videos side by side, where they differ most, as a PNG. Raises ToolError."""
    from preflight.restore.before_after import draw
    from preflight.tools import ffmpeg

    return draw(before, after, destination, ffmpeg=ffmpeg.find((settings or load()).ffmpeg))
