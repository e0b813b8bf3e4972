"""The stages of a video's processing as functions of the library: each returns one frozen value.

What a caller passes wrong is a UsageError that names the argument. Times are seconds, sizes bytes, unless stated.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight.errors import CredentialsError, UsageError
from preflight.events import Cancel, Listener, ignore
from preflight.model.job import Fixed, Upload
from preflight.model.limits import DEFAULT_LIMITS, Limits
from preflight.model.plan import Plan, Policy
from preflight.model.report import Report
from preflight.settings import Settings, load_settings

if TYPE_CHECKING:
    from preflight.storage import UploadCheckpoint

MAX_QUALITY = 100.0
"""The highest VMAF."""


def check(
    path: Path | str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    deep: str | None = None,
    text: bool = False,
    strict: Collection[str] = (),
    ignore: Collection[str] = (),
) -> Report:
    """Return the verdict on one file. Nothing is written or sent.

    Args:
        path: the file. One that can't be read is a finding of the report, not an exception.
        limits: what the service takes, in bytes, seconds and pixels.
        deep: None reads the headers; `packets` reads every packet, `decode` decodes every frame, to find damage.
        text: look for text on some frames (extra `local`).
        strict: advisories that count as failures, by their rules, or `all`.
        ignore: advisories that are left out, by their rules, or `all`.

    Returns:
        The report: `ok`, `codes`, `findings`, and the measured facts in `media`.

    Raises:
        UsageError: an argument is wrong; the message names it.
        ToolMissingError: MediaInfo is missing, or ffmpeg for `deep`, or the extra for `text`.

    Example:
        >>> report = preflight.check("clip.mp4")
        >>> report.ok or [finding.message for finding in report.failures]
    """
    from preflight import checking

    terms = checking.Terms(limits=limits, deep=deep, text=text, strict=strict, ignore=ignore)
    return checking.check(require_path(path, "path"), terms=terms)


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
    """Yield the verdict on each of many files, in their order, as soon as it is known.

    Args:
        paths: the files; the iterable may be endless, since only a few are taken ahead.
        limits: as for `check`.
        deep: as for `check`.
        text: as for `check`.
        strict: as for `check`.
        ignore: as for `check`.
        jobs: files that are checked at the same time; by default one a core, up to 4.

    Yields:
        A report for each path. Leaving the iterator stops the checks that run.

    Raises:
        UsageError: an argument is wrong; the message names it.
        ToolMissingError: as for `check`.

    Example:
        >>> for report in preflight.check_many(Path("videos").glob("*.mp4")):
        ...     print(report.path, report.ok)
    """
    from preflight import check_pool, checking

    if isinstance(paths, str | bytes | Path):
        raise UsageError(f"paths is one path, {str(paths)!r}.", hint="Pass a list of paths, or use check().")
    require_count(jobs, "jobs")
    terms = checking.Terms(limits=limits, deep=deep, text=text, strict=strict, ignore=ignore)
    return check_pool.check_many((require_path(path, "paths") for path in paths), terms=terms, jobs=jobs)


def plan(
    report: Report,
    *,
    policy: Policy = Policy.BALANCED,
    trim: tuple[Fraction, Fraction] | None = None,
    safe: bool = False,
    quality: bool = False,
    min_quality: float | None = None,
    settings: Settings | None = None,
    cancel: Cancel | None = None,
) -> Plan:
    """Return the smallest change that makes a file pass. Nothing is written but samples, which are removed.

    Args:
        report: the verdict of `check`.
        policy: what the change may do: `lossless`, `balanced` or `one-file`.
        trim: keep only start..end, in seconds.
        safe: bring rare codecs to H.264 and AAC in MP4.
        quality: foresee the quality of an encoded picture (VMAF) from samples, into the plan's `quality`; `act` then
            measures that of the files.
        min_quality: shrink a file that is too large to one file if the mean quality of its picture is foreseen to be
            this much (VMAF, 0 to 100), and split it otherwise; implies `quality`.
        settings: choose encoder and preset; by default those of `load_settings()`.
        cancel: stops the samples when it is set.

    Returns:
        The plan. `is_empty` when the file passes as it is; `refusal` says why nothing can be done.

    Raises:
        UsageError: an argument is wrong; the message names it.
        ToolMissingError: quality is asked for, and the ffmpeg has no VMAF.
        CancelledError: `cancel` was set.

    Example:
        >>> plan = preflight.plan(preflight.check("clip.mkv"))
        >>> [step.detail for step in plan.steps]
    """
    from preflight.fixing import plan as decide

    if not isinstance(report, Report):
        raise UsageError(f"report is {report!r}, not a Report.", hint="Pass what preflight.check() returned.")
    policy = _policy(policy)
    if trim is not None:
        trim = _time_range(trim)
    settings = settings or load_settings()

    def plan_under(one: Policy) -> Plan:
        return decide(report, policy=one, trim=trim, safe=safe, encoder=settings.encoder, preset=settings.preset)

    if not quality and min_quality is None:
        return plan_under(policy)
    from preflight.fixing import quality_choice
    from preflight.tools import ffmpeg

    if min_quality is not None and not 0 <= min_quality <= MAX_QUALITY:
        raise UsageError(f"min_quality is {min_quality!r}.", hint="Use a VMAF from 0 to 100, such as 90.")
    with tempfile.TemporaryDirectory(prefix="preflight-") as folder:
        return quality_choice.choose(
            plan_under,
            policy,
            Path(folder),
            min_quality=min_quality,
            ffmpeg=ffmpeg.find(settings.ffmpeg),
            cancel=cancel,
        )


def fix(  # noqa: PLR0913 - each is an option of its own
    report: Report,
    into: Path | str,
    *,
    policy: Policy = Policy.BALANCED,
    trim: tuple[Fraction, Fraction] | None = None,
    safe: bool = False,
    quality: bool = False,
    min_quality: float | None = None,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Fixed:
    """Plan and make the files to send, and check each of them again. The source is never written.

    Args:
        report: the verdict of `check`.
        into: folder for the files.
        policy: as for `plan`.
        trim: as for `plan`.
        safe: as for `plan`.
        quality: as for `plan`.
        min_quality: as for `plan`.
        settings: as for `plan`; `ffmpeg` names another program than the wheel's.
        listener: called with each `Progress`.
        cancel: stops the work when it is set, such as a `threading.Event`.

    Returns:
        The files in `segments`: the source itself when it passes, one file, or the parts of a split in order.

    Raises:
        UsageError: an argument is wrong; the message names it.
        InputError: there is no plan that makes the file pass.
        ToolError: ffmpeg failed, or its result could not be proved.
        DiskFullError: there is no room in `into`; nothing half-written is left.
        CancelledError: `cancel` was set.

    Example:
        >>> fixed = preflight.fix(preflight.check("clip.mkv"), "fixed")
        >>> [segment.media.path for segment in fixed.segments]
    """
    chosen = plan(
        report,
        policy=policy,
        trim=trim,
        safe=safe,
        quality=quality,
        min_quality=min_quality,
        settings=settings,
        cancel=cancel,
    )
    return act(chosen, report, require_path(into, "into"), settings=settings, listener=listener, cancel=cancel)


def require_path(value: object, name: str) -> Path:
    """Return `value` as a path. Raises UsageError, which names the argument `name`."""
    if not isinstance(value, str | Path) or not str(value):
        raise UsageError(f"{name} is {value!r}, not a path.", hint="Pass a string or a pathlib.Path.")
    return Path(value)


def require_count(value: object, name: str) -> None:
    """Raise UsageError, which names the argument `name`, unless `value` is None or a whole number above 0."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise UsageError(f"{name} is {value!r}.", hint="Use a whole number of 1 or more.")


def _policy(value: object) -> Policy:
    try:
        return Policy(str(value))
    except ValueError:
        known = ", ".join(policy.value for policy in Policy)
        raise UsageError(f"policy is {value!r}.", hint=f"Use one of: {known}.") from None


def _time_range(value: object) -> tuple[Fraction, Fraction]:
    hint = "Use (start, end) in seconds, such as (Fraction(10), Fraction(90))."
    try:
        start, end = (Fraction(time) for time in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise UsageError(f"trim is {value!r}.", hint=hint) from None
    if not 0 <= start < end:
        raise UsageError(f"trim is {start} to {end} s.", hint=hint)
    return start, end


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

    settings = settings or load_settings()
    program = ffmpeg.find(settings.ffmpeg)
    fixed = apply(
        chosen,
        Path(into),
        recheck=lambda path: check(path, limits=report.limits),
        ffmpeg=program,
        listener=listener,
        cancel=cancel,
    )
    if chosen.quality is None:
        return fixed
    from preflight.fixing import quality_choice

    return quality_choice.measured(fixed, ffmpeg=program, cancel=cancel)


def upload(
    path: Path | str,
    *,
    settings: Settings | None = None,
    life: float | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
    checkpoint: UploadCheckpoint | None = None,
) -> Upload:
    """Put a file into the configured bucket, unless its content is there, and return a tested URL for it.

    Args:
        path: the file.
        settings: bucket, endpoint and credentials; by default those of `load_settings()`.
        life: seconds until the URL expires, up to 7 days; by default the setting `deadline`.
        listener: called with each `Progress`, in bytes.
        cancel: stops the upload when it is set; a checkpoint lets the next call go on.
        checkpoint: where parts that arrived are recorded (`preflight.ledger.Ledger.uploads`); None records nothing.

    Returns:
        The object's bucket and key, its size and SHA-256, and the URL in `url`, which hides its signature when printed.

    Raises:
        UsageError: an argument is wrong, or no bucket is configured.
        InputError: the file can't be read; FileChangedError when it changed during the upload.
        StoreError: the store failed; StoreAccessError for credentials, bucket and permissions.
        CancelledError: `cancel` was set.

    Example:
        >>> sent = preflight.upload("clip.mp4", life=7200)
        >>> sent.url.reveal()
    """
    from preflight.storage import upload as send

    settings = settings or load_settings()
    path = require_path(path, "path")
    if life is not None and (not isinstance(life, int | float) or not life > 0):
        raise UsageError(f"life is {life!r}.", hint="Use a number of seconds above 0.")
    if not settings.bucket:
        raise UsageError("No bucket is set.", hint="Set PREFLIGHT_BUCKET, or bucket in preflight.toml.")
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

    CredentialsError without a whole account, UsageError without a bucket, ToolMissingError without the `local` extra.
    """
    if settings.uses_local_service:
        from preflight.server.stack import require_extra

        require_extra()
        return
    missing = [name for name, there in settings.cloud_parts.items() if not there]
    if not missing:
        return
    some = len(missing) < len(settings.cloud_parts)
    sentence = f"{'Only a part of the cloud' if some else 'No cloud'} is configured: {', '.join(missing)} missing."
    hint = f"Set {', '.join(missing)}, or use `--service local` to work on this machine."
    if "PREFLIGHT_BUCKET" in missing and len(missing) == 1:
        raise UsageError(sentence, hint=hint)
    raise CredentialsError(sentence, hint=hint)


@contextmanager
def service(settings: Settings) -> Iterator[Settings]:
    """Give settings whose service and store can be reached, starting the embedded ones when none are configured.

    Raises ToolMissingError when the embedded service is needed and the `local` extra is not installed, and UsageError
    for a fill model that can't be used.
    """
    if not settings.uses_local_service:
        yield settings
        return
    from preflight.server.stack import LocalStack

    require_fill_model(settings)
    with LocalStack(settings, check=_codes) as stack:
        yield stack.settings


def require_fill_model(settings: Settings) -> None:
    """Raise UsageError for a fill model of the settings that can't be used: now, and not in each task of a service."""
    if settings.fill_model is not None:
        from preflight import engine

        engine.check_fill_model(settings.fill_model)


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

    settings = settings or load_settings()
    program = ffmpeg.find(settings.ffmpeg)
    return finish(cleaned, fixed, destination, keep_audio=keep_audio, ffmpeg=program, listener=listener, cancel=cancel)


def join(
    manifest: Path | str,
    cleaned: Sequence[Path | str],
    destination: Path | str,
    *,
    keep_audio: bool = True,
    overwrite: bool = False,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Path:
    """Join the segments of a split, or their cleaned versions, into one file with the source's sound and metadata.

    Args:
        manifest: the JSON file that `fix` wrote beside the segments.
        cleaned: the cleaned segments in order, or one folder that has them; empty joins the segments themselves.
        destination: the finished file, or a folder, which gets it under the source's name.
        keep_audio: take the source's sound; False leaves the sound out.
        overwrite: replace an existing `destination`. The source and the segments are never replaced.
        settings: `ffmpeg` names another program than the wheel's.
        listener: called with each `Progress`.
        cancel: stops the work when it is set.

    Returns:
        The path of the finished file.

    Raises:
        UsageError: an argument is wrong, or `destination` exists; the message names it.
        InputError: the manifest can't be read, or segments are missing; FileChangedError when one was replaced.
        ToolError: ffmpeg failed; DiskFullError when there is no room.
        CancelledError: `cancel` was set.

    Example:
        >>> preflight.join("fixed/film-fixed.json", ["cleaned"], "film-cleaned.mp4")
    """
    from preflight.probe import probe
    from preflight.restore import join as put_together
    from preflight.tools import ffmpeg

    if isinstance(cleaned, str | Path):
        raise UsageError(f"cleaned is one path, {str(cleaned)!r}.", hint=f"Pass a list: [{str(cleaned)!r}].")
    return put_together(
        require_path(manifest, "manifest"),
        [require_path(path, "cleaned") for path in cleaned],
        require_path(destination, "destination"),
        probe=probe,
        keep_audio=keep_audio,
        overwrite=overwrite,
        ffmpeg=ffmpeg.find((settings or load_settings()).ffmpeg),
        listener=listener,
        cancel=cancel,
    )


def container(cleaned: Sequence[Path], fixed: Fixed) -> str:
    """Return the extension of the finished file: of a container for the cleaned pictures and the source's streams."""
    from preflight.restore import container as choose

    return choose(cleaned, fixed)


def picture(
    before: Path,
    after: Path,
    destination: Path,
    *,
    reports: Sequence[Mapping[str, Any]] = (),
    starts: Sequence[float] = (0.0,),
    offset: float = 0.0,
    seconds: float | None = None,
    settings: Settings | None = None,
) -> Path:
    """Draw the same frames of both videos side by side, as a JPEG: a row for each different text, the worst included.

    Args:
        before: The source.
        after: The result.
        destination: The picture, which is replaced.
        reports: The removal report of each segment, as JSON; without one the frames that differ most are shown.
        starts: Where each segment begins in the result, in seconds.
        offset: Where the result begins in the source, in seconds.
        seconds: Length of the result, where it is known: a short one is read once.
        settings: Which ffmpeg; by default those of the environment.

    Returns:
        `destination`.

    Raises:
        ToolError: A video shows no frame.
    """
    from preflight.restore.before_after import draw, moments_of
    from preflight.tools import ffmpeg

    program = ffmpeg.find((settings or load_settings()).ffmpeg)
    moments = moments_of(reports, starts)
    return draw(before, after, destination, ffmpeg=program, moments=moments, offset=offset, seconds=seconds)
