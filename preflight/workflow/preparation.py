"""The first seam: check, plan, fix and upload of one video, from frozen values to a frozen value.

Nothing here knows a ledger, and nothing costs money: a call that is made twice, on whatever machine, gives the same
value and leaves the same objects in the store, since they are named after their content.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from preflight import api
from preflight.errors import FileChangedError, InputError, UsageError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.fixing import find_cuts
from preflight.ledger import identify
from preflight.model.address import S3Address, spelled
from preflight.model.job import Fixed, Placed, Rejected, Segment, Skipped
from preflight.model.media import FileIdentity
from preflight.model.plan import Plan
from preflight.model.report import Report
from preflight.rules.wording import shell_word
from preflight.settings import Settings, load_settings
from preflight.tools import ffmpeg
from preflight.workflow.elsewhere import copies_folder
from preflight.workflow.output_paths import OutputPaths
from preflight.workflow.remote_source import local_copy
from preflight.workflow.request import RunRequest
from preflight.workflow.store_output import staging_folder

if TYPE_CHECKING:
    from preflight.storage import UploadCheckpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A video that was checked, planned and identified; nothing had an effect yet.

    Attributes:
        request: What is wanted, settled for this video: boxes are normalised, the language is known.
        report: The verdict of the check.
        plan: How the video becomes acceptable.
        digest: SHA-256 of the source in hex. The jobs of a video are known by it, wherever its file lies.
        account: Who pays.
        origin: The address of the object that the checked file is a copy of; None for a file.
    """

    request: RunRequest
    report: Report
    plan: Plan
    digest: str
    account: str
    origin: Path | None = None

    @property
    def source(self) -> Path:
        """The video, as it was named."""
        return self.origin or self.report.path

    @property
    def recorded_source(self) -> Path:
        """The name under which the ledger knows the video, wherever a later process is started."""
        return self.origin or self.report.path.absolute()

    @property
    def destination(self) -> S3Address | None:
        """The folder of a store that results go to; None for a folder of this machine."""
        return S3Address.parse(self.request.output)

    @property
    def segments(self) -> int:
        """How many files are sent, and paid for."""
        return len(self.plan.cuts) + 1

    @property
    def identity(self) -> tuple[str, str, str]:
        """The digest, the parameters and the account by which a ledger knows the jobs of this video."""
        return self.digest, f"{self.request.options.canonical()} {self.plan.key}", self.account

    @property
    def group(self) -> str:
        """The id that the jobs of this video share."""
        return identify(*self.identity)[1]

    def outputs(self, home: Path) -> OutputPaths:
        """Return where results go, and where unfinished files lie under the state folder `home`."""
        return OutputPaths(
            folder=self.request.output if self.destination is None else staging_folder(home, self.group),
            work=work_folder(home, self.group),
            stem=self.request.name or self.source.stem,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A video whose files are ready to be submitted.

    Picklable, and without any secret: the URLs for the service are signed when they are needed.

    Attributes:
        inspected: What was checked, planned and identified.
        fixed: The files that are sent: one, or the segments of a split video.
        placed: Where each of them is in the store, in order; None for one that the service has accepted before.
    """

    inspected: Inspected
    fixed: Fixed
    placed: tuple[Placed | None, ...]

    @property
    def source(self) -> Path:
        """The video."""
        return self.inspected.source

    @property
    def request(self) -> RunRequest:
        """What is wanted, settled for this video."""
        return self.inspected.request


def work_folder(home: Path, group: str) -> Path:
    """Return the folder for what is under way: one for these parameters, since another run may be at the same video."""
    return home.absolute() / "work" / group


def check_and_plan(
    path: Path, request: RunRequest, settings: Settings, listener: Listener = ignore
) -> tuple[Report, Plan]:
    """Check a video and plan its fix, without any effect: all that a dry run does."""
    listener(Progress(stage=Stage.CHECK, done=0, total=1))
    report = api.check(path, limits=settings.limits, text=request.needs_text_detection)
    video = report.media.video if report.media is not None else None
    plan = api.plan(
        report,
        policy=request.policy,
        trim=request.trim,
        # The engine on this machine works on 8-bit SDR; the composite puts its regions into the HDR pictures.
        safe=settings.uses_local_service and video is not None and video.color.is_hdr,
        min_quality=request.min_quality,
        settings=settings,
    )
    if plan.cuts and plan.refusal is None:
        plan = _with_real_cuts(plan, settings)
    listener(Progress(stage=Stage.CHECK, done=1, total=1))
    return report, plan


def _with_real_cuts(plan: Plan, settings: Settings) -> Plan:
    """Return the plan with the cuts that the video's keyframes allow, where those are more than the even ones.

    Each part is a job, so their number has to be right before anything is recorded or paid.
    """
    found = find_cuts.segments(plan, ffmpeg=ffmpeg.find(settings.ffmpeg))
    if len(found) == len(plan.cuts) + 1:
        return plan
    return replace(plan, cuts=tuple(segment.start.time for segment in found[1:]))


def inspect(
    path: Path | str,
    request: RunRequest | None = None,
    *,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Inspected | Rejected | Skipped:
    """Check a video, plan its fix and compute its digest.

    Args:
        path: The video.
        request: What is wanted. Default: `RunRequest()`.
        settings: Limits, encoder and account. Default: environment and `preflight.toml`.
        listener: Called with each `Progress`.
        cancel: Stops the work when it is set.

    Returns:
        What `prepare` and a ledger need; `Rejected` when the video can't be made acceptable, `Skipped` when the request
        skips it.

    Raises:
        UsageError: An argument is wrong.
        InputError, FileChangedError: The file can't be read, or changed meanwhile.
        CancelledError: `cancel` was set.
    """
    path, request, settings = api.require_path(path, "path"), request or RunRequest(), settings or load_settings()
    origin = path if S3Address.parse(path) else None
    if origin is not None:
        path = local_copy(
            path, settings=settings, folder=copies_folder(settings.home), listener=listener, cancel=cancel
        )
    report, plan = check_and_plan(path, request, settings, listener)
    if plan.refusal is not None:
        return Rejected(source=origin or path, codes=report.codes, reason=plan.refusal)
    if request.is_skipped(report.media):
        return Skipped(source=origin or path)
    return Inspected(
        request=request.settled(report.media),
        report=report,
        plan=plan,
        digest=api.digest(report.path, listener=listener, cancel=cancel),
        account=settings.account,
        origin=origin,
    )


def prepare(
    video: Path | str | Inspected,
    request: RunRequest | None = None,
    *,
    settings: Settings | None = None,
    accepted: Collection[int] = (),
    listener: Listener = ignore,
    cancel: Cancel | None = None,
    checkpoint: UploadCheckpoint | None = None,
    on_fixed: Callable[[Fixed], object] | None = None,
) -> Prepared | Rejected | Skipped:
    """Make the files to send, check each of them again, and put them into the store.

    Args:
        video: The video, or what `inspect` returned for it.
        request: What is wanted, when `video` is a path. Default: `RunRequest()`.
        settings: Store, limits, ffmpeg, state folder. Default: environment and `preflight.toml`.
        accepted: Numbers, from 1, of segments that the service has accepted before: they are not uploaded.
        listener: Called with each `Progress`.
        cancel: Stops the work when it is set.
        checkpoint: Where begun uploads are recorded, so that a later call continues them.
        on_fixed: Called between the fix and the upload.

    Returns:
        The value that `pay` takes, on this machine or another one; `Rejected` or `Skipped` as `inspect` does.

    Raises:
        UsageError: An argument is wrong, or no bucket is configured.
        InputError, FileChangedError: The file can't be read or fixed, or changed meanwhile.
        ToolError, DiskFullError: ffmpeg failed, or there is no room.
        StoreError, StoreAccessError: The store failed, or refuses.
        CancelledError: `cancel` was set.

    Example:
        >>> prepared = prepare("clip.mp4", RunRequest(output=Path("cleaned")))
        >>> paid = pay(prepared)
        >>> collect(paid)
    """
    settings = settings or load_settings()
    if isinstance(video, Inspected):
        if request is not None:
            raise UsageError("request is given although video is inspected.", hint="Give it to `inspect`.")
        inspected: Inspected | Rejected | Skipped = video
    else:
        inspected = inspect(video, request, settings=settings, listener=listener, cancel=cancel)
    if not isinstance(inspected, Inspected):
        return inspected
    inspected = present(inspected, settings, listener=listener, cancel=cancel)
    work = inspected.outputs(settings.home).work
    # What is under way is a copy of somebody's video, wherever the home is.
    work.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fixed = api.act(inspected.plan, inspected.report, work, settings=settings, listener=listener, cancel=cancel)
    fixed = _with_digest(fixed, inspected.digest)
    if len(fixed.segments) != inspected.segments:
        raise InputError(
            f"{inspected.report.path} had to be cut into {len(fixed.segments)} parts where {inspected.segments} were "
            "planned; nothing was sent.",
            hint=f"Cut it with `preflight fix {shell_word(str(inspected.report.path))}` and run the parts.",
        )
    if on_fixed is not None:
        on_fixed(fixed)

    def place(segment: Segment) -> Placed:
        from preflight import storage

        return storage.place(
            segment.media.path,
            settings=settings,
            sha256=segment.media.sha256,
            extension=segment.media.container.value,
            listener=listener,
            cancel=cancel,
            checkpoint=checkpoint,
        )

    placed = tuple(None if number in accepted else place(each) for number, each in enumerate(fixed.segments, start=1))
    return Prepared(inspected=inspected, fixed=fixed, placed=placed)


def present(
    inspected: Inspected, settings: Settings, *, listener: Listener = ignore, cancel: Cancel | None = None
) -> Inspected:
    """Return what was inspected with its file on this machine; an object is copied here when no copy is.

    Raises FileChangedError when the object is not the one that was inspected, StoreError.
    """
    media = inspected.report.media
    if inspected.origin is None or media is None:
        return inspected
    folder = copies_folder(settings.home)
    path = local_copy(inspected.origin, settings=settings, folder=folder, listener=listener, cancel=cancel)
    if path.parent.name != media.path.parent.name:
        raise FileChangedError(f"{spelled(inspected.origin)} was replaced meanwhile.", hint="Run it again.")
    here = replace(media, path=path, identity=FileIdentity.of(path))
    report = replace(inspected.report, subject=here)
    return replace(inspected, report=report, plan=replace(inspected.plan, source=here))


def _with_digest(fixed: Fixed, digest: str) -> Fixed:
    """Return `fixed` with the digest of the source where the source itself is sent, so that it is computed once."""
    segments = tuple(
        replace(segment, media=replace(segment.media, sha256=digest))
        if segment.media.path == fixed.source.path and segment.media.sha256 is None
        else segment
        for segment in fixed.segments
    )
    return replace(fixed, segments=segments)
