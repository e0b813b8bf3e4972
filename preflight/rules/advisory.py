"""What advisories have in common: no code, and they can be made strict or be ignored by their rule."""

from __future__ import annotations

from preflight.model.report import Finding, Severity


def advisory(
    rule: str, message: str, *, measured: str, usual: str, fix: str | None = None, command: str | None = None
) -> Finding:
    """Return an advisory: `usual` stands where a failure names its limit.

    Args:
        rule: its stable name.
        message: a sentence for people.
        measured: what the file has.
        usual: what files usually have.
        fix: how it is mended, or None.
        command: the command that mends it, or None.
    """
    return Finding(
        rule=rule,
        message=message,
        measured=measured,
        limit=usual,
        severity=Severity.ADVISORY,
        code=None,
        fix=fix,
        command=command,
    )
