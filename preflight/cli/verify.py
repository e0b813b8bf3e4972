"""`preflight verify`: is a cleaned video the source without its text, and nothing else?"""

from __future__ import annotations

from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode
from preflight.serialize import jsonable
from preflight.tools.output_names import OutputNames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from preflight.restore.acceptance import AcceptanceReport


def verify(
    context: Context,
    *,
    source: Path,
    cleaned: Path,
    evidence: Path | None,
    all_text: bool,
    accept: str,
    repair: Path | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Compare a cleaned video with its source and return 1 when it is poor and `accept` is strict."""
    from preflight.workflow import acceptance

    names = OutputNames([source, cleaned], overwrite=overwrite)
    target = None if repair is None else names.chosen(repair, "--repair")
    settings = context.settings()
    with console.progress(json_lines=as_json) as naming:
        listener = naming(cleaned.name)
        report = acceptance.verify(
            source, cleaned, all_text=all_text, evidence=evidence, settings=settings, listener=listener
        )
        fixed = target is not None and bool(
            acceptance.repair(cleaned, report, target, settings=settings, listener=listener)
        )
        after = None
        if fixed and target is not None:
            after = acceptance.verify(source, target, all_text=all_text, settings=settings, listener=listener)
    final = after or report
    if as_json:
        console.emit(
            "verified",
            source=source,
            cleaned=cleaned,
            reasons=report.reasons,
            repaired=target if fixed else None,
            verdict_after_repair=None if after is None else after.verdict,
            **jsonable(report),
        )
    else:
        _tell(cleaned, report)
        if evidence is not None:
            console.say(f"Evidence: {console.printable(evidence)} ({len(report.evidence)} pictures)")
        if fixed and target is not None and after is not None:
            console.say("After the repair:")
            _tell(target, after)
        elif target is not None:
            console.say("Nothing to repair: no text is left.")
    return int(ExitCode.SOME_FAILED if accept == "strict" and final.verdict.value == "poor" else ExitCode.OK)


def _tell(cleaned: Path, report: AcceptanceReport) -> None:
    console.out(f"{console.printable(cleaned)}: {report.verdict.value}")
    for finding in report.findings:
        console.say(f"  {finding.level.value}: {finding.problem.value}: {console.printable(finding.reason)}")
        for place in finding.places[:5]:
            where = "" if place.box is None else f" at {place.box[0]},{place.box[1]}-{place.box[2]},{place.box[3]}"
            words = f' "{console.printable(place.text)}"' if place.text else ""
            console.say(f"    frames {place.first_frame}-{place.last_frame} ({place.time:.2f} s){where}{words}")


COMMAND = Command(
    name="verify",
    summary="Say whether a cleaned video is good: no text left, none written, nothing else changed, in sync.",
    details="The verdict is accepted, accepted with remarks, or poor, each with reasons.",
    example="preflight verify clip.mp4 cleaned.mp4 --evidence claim",
    run=verify,
    parameters=(
        Parameter(names=("SOURCE",), convert=Path, help="The video with its text."),
        Parameter(names=("CLEANED",), convert=Path, help="The cleaned video."),
        Parameter(
            names=("--evidence",),
            value="FOLDER",
            convert=Path,
            help="Write the report and pictures of what was found, for a claim.",
        ),
        Parameter(names=("--all-text",), count="0", help="Text of the scene should be gone, too."),
        common_options.ACCEPT,
        Parameter(
            names=("--repair",),
            value="FILE",
            convert=Path,
            help="Remove text that is left, or that was written, with the engine on this machine, into this file.",
        ),
        common_options.OVERWRITE,
        common_options.AS_JSON,
    ),
)
