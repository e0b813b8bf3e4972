"""`preflight doctor`: the effective settings, and whether each part works, with the mend where it doesn't."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command
from preflight.errors import CredentialsError, ExitCode, GatewayError, PreflightError, ServiceError, UsageError
from preflight.serialize import jsonable
from preflight.settings import REQUEST_FORMS, Settings

NEEDED_ENCODERS = ("libx264", "aac")
HARDWARE = ("h264_nvenc", "h264_qsv", "h264_vaapi", "h264_amf", "h264_videotoolbox")
MAX_SKEW = 60.0
"""Seconds. The service's window is not published; signatures older than some minutes are refused by sister services."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One part: whether it works, what was seen, and the mend."""

    part: str
    ok: bool
    seen: str
    mend: str = ""


def doctor(context: Context, *, service: str | None, as_json: bool) -> int:
    """Show the effective settings, secrets hidden, and test each part."""
    settings = context.settings(service=service)
    effective = {spec.name: jsonable(getattr(settings, spec.name)) for spec in fields(settings)}
    if as_json:
        console.emit("settings", **effective)
    else:
        rows: list[tuple[str, ...]] = [(name, "" if value is None else str(value)) for name, value in effective.items()]
        console.table("Settings", ("name", "value"), rows)
        console.out("\nParts")
    found = []
    for diagnosis in diagnose(settings):
        found.append(diagnosis)
        if as_json:
            console.emit("diagnosis", **jsonable(diagnosis))
        else:
            _tell(diagnosis)
    return int(ExitCode.OK if all(d.ok for d in found) else ExitCode.SOME_FAILED)


def diagnose(settings: Settings) -> Iterator[Diagnosis]:
    """Test every part that is configured, each whatever became of the others."""
    yield _test("ffmpeg", lambda: _ffmpeg(settings))
    yield _test("libmediainfo", _mediainfo)
    if settings.fill_model is not None:
        yield _test("fill model", lambda: _fill_model(settings))
    yield _test("ledger", lambda: _ledger(settings))
    yield from _ledger_checks(settings)
    yield _test("service that a run uses", lambda: _choice(settings))
    if settings.uses_local_service:
        yield _test("local service", lambda: _local(settings))
    if settings.bucket:
        yield from _store(settings)
    if settings.access_key_name and settings.access_key_secret:
        yield _test("removal API", lambda: _api(settings))
        yield _test("request form", lambda: _request_form(settings))


def _choice(settings: Settings) -> str:
    """Return which service a run uses. Raises what a run would raise for a part that is missing."""
    from preflight import api

    api.require_service(settings)
    if settings.uses_local_service:
        return "the one on this machine, since no cloud is configured" if settings.service == "auto" else "local"
    return f"{settings.api_domain}, with the bucket {settings.bucket}"


def _request_form(settings: Settings) -> str:
    """Return which forms of a request the service accepts, by asking for a task that does not exist, which is free.

    Raises UsageError when the configured form is refused and another one is accepted, and what keeps the service from
    answering.
    """
    from preflight.removal import RemovalClient

    accepted = []
    for form in REQUEST_FORMS:
        with RemovalClient(replace(settings, request_form=form)) as client:
            answer = client.ask("preflight-doctor")
        if isinstance(answer, ServiceError) and (answer.code is None or isinstance(answer, CredentialsError)):
            raise answer
        # A parameter that the service does not find is refused by its gateway; an unknown task is another answer.
        if not (isinstance(answer, GatewayError) and re.search("param", str(answer.code), re.IGNORECASE)):
            accepted.append(form)
    if accepted and settings.request_form not in accepted:
        raise UsageError(
            f"The service refuses the request form {settings.request_form!r} and accepts {', '.join(accepted)}.",
            hint=f'Set request_form = "{accepted[0]}", or PREFLIGHT_REQUEST_FORM={accepted[0]}.',
        )
    return f"{settings.request_form}; the service accepts {', '.join(accepted) or 'none of them for a query'}"


def _test(part: str, look: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(part=part, ok=True, seen=look())
    except PreflightError as error:
        return Diagnosis(part=part, ok=False, seen=error.message, mend=error.hint or "")


def _ffmpeg(settings: Settings) -> str:
    from preflight.tools import ffmpeg

    build = ffmpeg.describe(settings.ffmpeg)
    for encoder in NEEDED_ENCODERS:
        ffmpeg.require_encoder(build.path, encoder)
    ffmpeg.require_picture_encoder(build.path, settings.encoder)
    hardware = [name for name in HARDWARE if ffmpeg.can_open(build.path, name)]
    parts = [f"{build.text} ({build.origin}): {build.path}", f"encodes with {settings.encoder}"]
    if build.missing:
        parts.append(f"lacks {', '.join(build.missing)}")
    if hardware:
        parts.append(f"this machine has {', '.join(hardware)}")
    return "; ".join(parts)


def _mediainfo() -> str:
    from preflight.probe.sandbox_process import library, load

    load()
    return library()


def _fill_model(settings: Settings) -> str:
    from preflight import engine

    assert settings.fill_model is not None  # noqa: S101
    return f"{settings.fill_model} fills a test picture; SHA-256 {engine.check_fill_model(settings.fill_model).digest}"


def _ledger(settings: Settings) -> str:
    from preflight.ledger import Ledger

    with Ledger(settings.ledger) as ledger:
        ledger.verify()
        return f"{ledger.name}: jobs recorded: {sum(ledger.count().values())}"


def _ledger_checks(settings: Settings) -> Iterator[Diagnosis]:
    from preflight.ledger import Ledger

    try:
        with Ledger(settings.ledger) as ledger:
            for check in ledger.checks():
                mend = "" if check.ok else check.mend
                yield Diagnosis(part=f"ledger: {check.name}", ok=check.ok, seen=check.seen, mend=mend)
    except PreflightError:
        # Said by the test of the ledger itself.
        return


def _tell(diagnosis: Diagnosis) -> None:
    """Print what was found of one part, wrapped between words: a path or a variable that is cut can't be copied."""
    console.out(f"{'ok    ' if diagnosis.ok else 'BROKEN'}  {console.printable(diagnosis.part)}")
    for text, first in ((diagnosis.seen, ""), (diagnosis.mend, "Mend: ")):
        if text:
            console.out(console.wrapped(first + console.printable(text), indent=8))


def _local(settings: Settings) -> str:
    from preflight import api
    from preflight.removal import RemovalClient

    with api.service(settings) as live, RemovalClient(live) as client:
        client.clock_skew()
        return f"starts and answers at {live.api_domain}; store at {live.s3_endpoint}"


def _store(settings: Settings) -> Iterator[Diagnosis]:
    from preflight.storage import doctor as examine

    try:
        for check in examine(settings):
            yield Diagnosis(part=f"store: {check.name}", ok=check.ok, seen=check.detail, mend=check.mend or "")
    except PreflightError as error:
        yield Diagnosis(part="store", ok=False, seen=error.message, mend=error.hint or "")


def _api(settings: Settings) -> str:
    from preflight.removal import RemovalClient

    with RemovalClient(settings) as client:
        skew = client.clock_skew()
    if skew is not None and abs(skew) > MAX_SKEW:
        raise CredentialsError(
            f"This machine's clock is {skew:+.0f} s off the service's.",
            hint="Set the clock (NTP): signatures carry it.",
        )
    return f"{settings.api_domain} answers" + ("" if skew is None else f"; clocks differ by {skew:+.1f} s")


COMMAND = Command(
    name="doctor",
    summary="Show the effective settings, secrets hidden, and test each part.",
    example="preflight doctor --json",
    run=doctor,
    parameters=(common_options.SERVICE, common_options.AS_JSON),
)
