"""Apply every rule in the order of the report, and then `strict` and `ignore`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from preflight.model.limits import DEFAULT_LIMITS, Limits
from preflight.model.media import Media, Unreadable
from preflight.model.report import Finding, Report, Severity
from preflight.rules import (
    codec,
    container,
    decodable,
    deep_read,
    duration,
    external_data,
    layout,
    readable,
    resolution,
    size,
    text,
    timing,
    truncation,
    wording,
)

Rule = Callable[[Media, Limits], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    duration.check,
    size.check,
    container.check,
    decodable.check,
    truncation.check,
    external_data.check,
    deep_read.check,
    resolution.check,
    codec.check,
    timing.check,
    layout.check,
    text.check,
)

ADVISORIES = (
    "codec", "hdr", "bit-depth", "chroma", "audio-codec", "variable-frame-rate", "interlaced", "low-bit-rate",
    "quicktime-brand", "moov-at-end", "no-index", "no-audio", "many-streams", "damaged-packets", "disordered-packets",
    "size-change", "black-video", "frozen-video", "no-text",
)  # fmt: skip
"""The rules whose findings are advisories: what `strict` and `ignore` may name."""

ALL = "all"


def evaluate(
    subject: Media | Unreadable,
    limits: Limits = DEFAULT_LIMITS,
    *,
    strict: Collection[str] = (),
    ignore: Collection[str] = (),
) -> Report:
    """Return all findings on `subject` under `limits`, in the order of the service's codes, advisories last.

    Advisories whose rule is in `strict` become failures, those in `ignore` are left out; `all` stands for every one.
    """
    if isinstance(subject, Unreadable):
        return Report(subject=subject, limits=limits, findings=tuple(readable.check(subject, limits)))
    found = [f for rule in RULES for f in rule(subject, limits)]
    findings = apply_policy(with_commands(found), strict=strict, ignore=ignore)
    return Report(subject=subject, limits=limits, findings=findings)


def with_commands(findings: list[Finding]) -> Iterator[Finding]:
    """Yield `findings` with their commands in their hints, or without any where the fix would refuse the file.

    That is so when one failure can't be mended.
    """
    is_hopeless = any(f.severity is Severity.FAILURE and f.fix is None for f in findings)
    for finding in findings:
        if finding.command is None or finding.fix is None or is_hopeless:
            yield replace(finding, command=None)
        else:
            yield replace(finding, fix=wording.with_command(finding.fix, finding.command))


def apply_policy(
    findings: Iterable[Finding], *, strict: Collection[str], ignore: Collection[str]
) -> tuple[Finding, ...]:
    """Return `findings` with `strict` and `ignore` applied, failures first."""
    kept = [_strictly(f, strict) for f in findings if f.severity is Severity.FAILURE or not _named(f, ignore)]
    return tuple(sorted(kept, key=lambda f: f.severity is Severity.ADVISORY))


def _named(finding: Finding, rules: Collection[str]) -> bool:
    return finding.rule in rules or ALL in rules


def _strictly(finding: Finding, strict: Collection[str]) -> Finding:
    return replace(finding, severity=Severity.FAILURE) if _named(finding, strict) else finding
