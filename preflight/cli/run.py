"""`preflight run`: everything, for one video or many."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from preflight.cli import common_options, console, region_options
from preflight.cli.allowance import Allowance
from preflight.cli.batch_report import BatchReport, Entry
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.cli.inputs import sources
from preflight.cli.outcomes import overall, run_command, tell_all
from preflight.errors import ExitCode, UsageError
from preflight.model.address import S3Address, is_list
from preflight.model.job import Result, Succeeded
from preflight.model.plan import Plan, Policy
from preflight.model.report import Report
from preflight.settings import Settings
from preflight.tools.output_names import relative_below
from preflight.workflow.output_paths import is_result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from preflight.events import Listener
    from preflight.model.job import InpaintingBox, PixelBox
    from preflight.workflow.request import RunRequest


def run(
    context: Context,
    *,
    files: Sequence[str],
    output: Path,
    language: str,
    all_text: bool,
    remove_audio: bool,
    color_blocks: bool,
    boxes: Sequence[InpaintingBox | PixelBox] | None,
    composite: bool,
    protect: Sequence[str] | None,
    only: Sequence[str] | None,
    keep_text: str | None,
    restore_text: Sequence[int] | None,
    saved: Path | None,
    skip_textless: bool,
    subtitles: Sequence[str] | None,
    verify: bool | None,
    accept: str,
    repair: bool,
    trim: tuple[Fraction, Fraction] | None,
    policy: str,
    min_quality: float | None,
    service: str | None,
    jobs: int,
    deadline: float | None,
    keep: bool,
    keep_upload: bool | None,
    dry_run: bool,
    tree: bool,
    skip_existing: bool,
    max_jobs: int | None,
    budget: float | None,
    on_done: str | None,
    report: Path | None,
    null: bool,
    as_json: bool,
    cluster: str | None = None,
) -> int:
    """Take every video through all stages and return the exit code of all."""
    from preflight import api
    from preflight.workflow.request import RunRequest

    given = context.settings(
        service=service, keep_fixed=keep or None, keep_upload=keep_upload, deadline=deadline, verify=verify
    )
    protect = list(protect or ())
    if saved is not None:
        wish = region_options.load_request(saved)
        files = files or [wish["source"]]
        language, boxes = wish["language"], [*(boxes or ()), *wish["boxes"]]
        all_text, color_blocks = all_text or wish["all_text"], color_blocks or wish["color_blocks"]
        remove_audio, protect = remove_audio or wish["remove_audio"], [*protect, *wish["protect"]]
    if not files:
        raise UsageError("FILES is missing.", hint="Name a video or a folder, or give --request. `preflight run -h`.")
    detect = language == "auto"
    request = RunRequest(
        output=output,
        detect_language=detect,
        skip_textless=skip_textless,
        verify=given.verify or repair or accept == "strict",
        repair=repair,
        subtitles=tuple(dict.fromkeys(subtitles or ())),
        policy=Policy(policy),
        min_quality=min_quality,
        trim=trim,
        composite=composite,
        regions=region_options.regions(protect, only, keep_text, restore_text),
        options=common_options.removal_options(
            "en" if detect else language,
            all_text=all_text,
            remove_audio=remove_audio,
            color_blocks=color_blocks,
            boxes=boxes,
        ),
    )
    if cluster is not None or any(is_list(name) for name in files) or S3Address.parse(output):
        if dry_run or tree or skip_existing or max_jobs is not None or budget is not None:
            raise UsageError(
                "--dry-run, --tree, --skip-existing, --max-jobs and --budget need a list of files of this machine.",
                hint="`preflight check` tries inputs, `preflight jobs budget` limits what an account spends.",
            )
        from preflight.cli.streamed_run import run_streamed

        api.require_service(given)
        return run_streamed(
            files,
            request,
            given,
            cluster=cluster,
            jobs=jobs,
            report=report,
            on_done=on_done,
            null=null,
            as_json=as_json,
        )
    paths = sources(files, null=null)
    roots = [Path(name) for name in files]
    batch = _Batch(
        request=lambda path: replace(request, output=output / relative_below(path, roots)) if tree else request,
        settings=given,
        report=BatchReport(report, price=given.price_per_minute, sources=paths),
        allowance=Allowance(max_jobs=max_jobs, budget=budget, price=given.price_per_minute),
        skip_existing=skip_existing,
    )
    if dry_run:
        return _rehearse(paths, batch, as_json=as_json)
    # What is missing is told before any file is read.
    api.require_service(given)
    if given.service == "auto" and given.uses_local_service:
        console.say("No account is configured: a service on this machine does the work. It starts within seconds.")

    def ended(result: Result) -> None:
        batch.allowance.settle(result.source, jobs=result.submitted if isinstance(result, Succeeded) else 1)
        if on_done is not None:
            run_command(on_done, result)

    with console.batch_progress(len(paths), json_lines=as_json) as board:
        results = batch.results(paths, jobs=jobs, listen=board.listen)
        code = tell_all(
            results,
            board,
            batch.report,
            as_json=as_json,
            seconds=batch.seconds.get,
            ended=ended,
            strict=accept == "strict",
        )
    if batch.outside:
        console.say(f"Left out, since --max-jobs or --budget is used up: {len(batch.outside)} videos.")
    return code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What the videos of one command share.

    `seconds` has the lengths that are known, `outside` the videos that the allowance did not admit.
    """

    request: Callable[[Path], RunRequest]
    settings: Settings
    report: BatchReport
    allowance: Allowance
    skip_existing: bool
    seconds: dict[Path, float] = field(default_factory=dict)
    outside: list[Path] = field(default_factory=list)

    def results(self, paths: Sequence[Path], *, jobs: int, listen: Callable[[Path], Listener]) -> Iterator[Result]:
        """Yield the result of each video that the allowance admits, at the latest once others gave back their share."""
        from preflight.workflow.batch import run_many

        waiting = list(paths)
        while waiting:
            self.outside.clear()
            chosen = self.admitted(waiting)
            yield from run_many(chosen, request=self.request, settings=self.settings, jobs=jobs, listen=listen)
            if len(self.outside) == len(waiting):
                break
            waiting = list(self.outside)
        for path in self.outside:
            entry = Entry(
                source=path, outcome="left out", seconds=self.seconds.get(path), detail="--max-jobs or --budget"
            )
            self.report.add(entry)

    def admitted(self, paths: Sequence[Path]) -> Iterator[Path]:
        """Yield the videos that are to be processed, each when its turn comes."""
        for path in paths:
            if self.skip_existing and has_result(path, self.request(path).output):
                self.report.add(Entry(source=path, outcome="existing", detail="a result is in the output folder"))
                console.say(f"{console.printable(path)}: passed over, since its result is in the output folder.")
            elif not self._measured() or self._admit(path):
                yield path

    def _measured(self) -> bool:
        """Return whether lengths are needed: they cost a look into each file."""
        return self.allowance.is_limited or self.report.file is not None or bool(self.settings.price_per_minute)

    def _admit(self, path: Path) -> bool:
        jobs, seconds = self.foresee(path)[2:]
        if jobs and not self.allowance.admit(path, jobs=jobs, seconds=seconds):
            self.outside.append(path)
            return False
        return True

    def foresee(self, path: Path) -> tuple[Report, Plan, int, float]:
        """Return the verdict and the plan for a video, how many jobs it takes, and its seconds."""
        from preflight.workflow.preparation import check_and_plan

        request = self.request(path)
        verdict, plan = check_and_plan(path, request, self.settings)
        media = verdict.media
        if media is not None and media.duration is not None:
            start, end = request.trim or (Fraction(0), media.duration)
            self.seconds[path] = max(0.0, float(min(media.duration, end) - start))
        unpaid = plan.refusal is not None or request.is_skipped(media)
        return verdict, plan, 0 if unpaid else len(plan.cuts) + 1, self.seconds.get(path, 0.0)


def has_result(path: Path, folder: Path) -> bool:
    """Return whether the output folder has a cleaned file named like this video."""
    return any(is_result(found) for found in folder.glob(f"{glob.escape(path.stem)}.cleaned.*"))


def _rehearse(paths: Sequence[Path], batch: _Batch, *, as_json: bool) -> int:
    """Show what would be done and what it would cost; nothing is sent, and only the report is written."""
    codes = []
    for path in paths:
        request = batch.request(path)
        verdict, plan, jobs, seconds = batch.foresee(path)
        codes.append(ExitCode.INPUT if plan.refusal else ExitCode.OK)
        skipped, language = request.is_skipped(verdict.media), request.settled(verdict.media).options.language
        outcome = "refused" if plan.refusal else "skipped" if skipped else "would be sent"
        if jobs and not batch.allowance.admit(path, jobs=jobs, seconds=seconds):
            outcome, jobs = "left out", 0
        foreseen = plan.refusal or ("would be skipped: no text was seen on its frames" if skipped else _steps(plan))
        batch.report.add(
            Entry(source=path, outcome=outcome, seconds=seconds, jobs=jobs, detail=foreseen, exit_code=int(codes[-1]))
        )
        if as_json:
            console.emit("plan", file=path, report=verdict, plan=plan, skipped=skipped, language=language)
            continue
        seen = f" (language {language})" if request.detect_language and not plan.refusal and not skipped else ""
        left = "left out: --max-jobs or --budget is used up; " if outcome == "left out" else ""
        console.out(f"{console.printable(path)}: {left}{console.printable(foreseen)}{seen}")
    batch.report.finish(as_json=as_json, foreseen=True)
    return overall(codes)


def _steps(plan: Plan) -> str:
    return "; ".join(f"{step.action}: {step.detail}" for step in plan.steps) or "would be sent as it is"


COMMAND = Command(
    name="run",
    summary="Take videos through all stages: the same video without its burned-in text.",
    details="Without an account and a bucket, a service on this machine does the work. Results of earlier runs that "
    "lie in a folder or match a pattern are passed over.",
    example="preflight run clips/*.mp4 -o cleaned --language en",
    run=run,
    parameters=(
        replace(common_options.SOURCES, count="*"),
        Parameter(
            names=("--output", "-o"),
            value="FOLDER",
            convert=Path,
            default=Path(),
            default_text="this folder",
            help="Folder for the results, or s3://BUCKET/PREFIX.",
        ),
        common_options.LANGUAGE_OR_AUTO,
        common_options.ALL_TEXT,
        common_options.REMOVE_AUDIO,
        common_options.COLOR_BLOCKS,
        common_options.BOXES,
        Parameter(
            names=("--composite",),
            count="0",
            default=True,
            negative="--no-composite",
            help="Put only what the service changed into the source's own pictures (extra local).",
        ),
        *region_options.REGIONS,
        Parameter(
            names=("--request",),
            key="saved",
            value="FILE",
            convert=Path,
            help="Take options and regions that the page of `preflight review VIDEO` saved.",
        ),
        Parameter(names=("--skip-textless",), count="0", help="Send no video without text (extra local)."),
        common_options.SUBTITLES,
        Parameter(
            names=("--verify",),
            count="0",
            negative="--no-verify",
            help="Compare each finished file with its source: text left or written, other changes (extra local).",
            default_text="the setting verify",
        ),
        common_options.ACCEPT,
        Parameter(
            names=("--repair",),
            count="0",
            help="Remove text that the service left, or wrote, with the engine on this machine (extra local).",
        ),
        common_options.TRIM,
        common_options.POLICY,
        common_options.MIN_QUALITY,
        common_options.SERVICE,
        common_options.JOBS,
        common_options.CLUSTER,
        common_options.DEADLINE,
        Parameter(names=("--keep",), count="0", help="Keep the fixed file that was sent, for another run."),
        Parameter(
            names=("--keep-upload",),
            count="0",
            negative="--delete-upload",
            help="Leave the uploaded object in the store after its job.",
            default_text="the setting keep_upload",
        ),
        Parameter(names=("--dry-run",), count="0", help="Check and plan only."),
        common_options.TREE,
        Parameter(
            names=("--skip-existing",), count="0", help="Pass over a video whose cleaned file is in the output folder."
        ),
        Parameter(
            names=("--max-jobs",), value="N", convert=common_options.positive, help="Pay for this many jobs at most."
        ),
        Parameter(
            names=("--budget",),
            value="AMOUNT",
            convert=common_options.amount,
            help="Spend this much at most, by the setting price_per_minute.",
        ),
        Parameter(
            names=("--on-done",),
            value="COMMAND",
            help="Run this after each video; {source}, {file} and {outcome} are replaced. No shell is used.",
        ),
        common_options.REPORT,
        common_options.NULL,
        common_options.AS_JSON,
    ),
)
