"""Every rule, in the order in which its findings are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from preflight.check import container, duration, readable, resolution, size, whole
from preflight.limits import DEFAULT_LIMITS, Limits
from preflight.media import Media, Unreadable
from preflight.report import Finding, Report

Rule = Callable[[Media, Limits], Iterator[Finding]]

RULES: tuple[Rule, ...] = (duration.check, size.check, container.check, whole.check, resolution.check)


def evaluate(subject: Media | Unreadable, limits: Limits = DEFAULT_LIMITS) -> Report:
    """Return all findings on `subject` under `limits`, in the order of the service's codes, advisories last."""
    if isinstance(subject, Unreadable):
        return Report(subject=subject, limits=limits, findings=tuple(readable.check(subject, limits)))
    return Report(subject=subject, limits=limits, findings=tuple(f for rule in RULES for f in rule(subject, limits)))
