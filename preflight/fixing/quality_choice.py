"""Shrink or split: by the quality that a shrink is foreseen to have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from preflight.errors import UsageError
from preflight.events import Cancel
from preflight.fixing import picture_quality
from preflight.model.job import Fixed
from preflight.model.plan import Action, Plan, Policy

Decide = Callable[[Policy], Plan]
"""Returns the plan of a file under a policy."""


def choose(
    decide: Decide,
    policy: Policy,
    folder: Path,
    *,
    min_quality: float | None,
    ffmpeg: str,
    cancel: Cancel | None = None,
) -> Plan:
    """Return the plan with the quality that its picture is foreseen to have.

    With `min_quality` a file that is too large is shrunk to one file if that keeps the mean quality, and split
    otherwise.

    Args:
        decide: plans the file under a policy.
        policy: what is asked for.
        folder: where samples are made and removed.
        min_quality: least mean quality of a shrunk picture, VMAF; None to keep to the policy.
        ffmpeg: the ffmpeg program.
        cancel: stops the work when it is set.

    Raises:
        UsageError: a shrink is never allowed under the policy, so there is nothing to decide.
        ToolMissingError: the ffmpeg has no VMAF.
        CancelledError: `cancel` was set.
    """
    if min_quality is None:
        chosen = decide(policy)
        return replace(chosen, quality=picture_quality.predict(chosen, folder, ffmpeg=ffmpeg, cancel=cancel))
    if policy is Policy.LOSSLESS:
        raise UsageError("min_quality has no use with policy lossless.", hint="Use the policy balanced.")
    shrunk = decide(Policy.ONE_FILE)
    split = decide(Policy.BALANCED)
    if Action.SHRINK not in shrunk.actions or shrunk.refusal is not None:
        chosen = split if policy is Policy.BALANCED or split.refusal is None else shrunk
        return replace(chosen, quality=picture_quality.predict(chosen, folder, ffmpeg=ffmpeg, cancel=cancel))
    quality = picture_quality.predict(shrunk, folder, ffmpeg=ffmpeg, cancel=cancel)
    if split.refusal is not None or quality is None or quality.mean >= min_quality:
        return replace(shrunk, quality=quality)
    return replace(split, quality=picture_quality.predict(split, folder, ffmpeg=ffmpeg, cancel=cancel))


def measured(fixed: Fixed, *, ffmpeg: str, cancel: Cancel | None = None) -> Fixed:
    """Return `fixed` with the quality of each segment. Raises ToolMissingError, ToolError, CancelledError."""
    from fractions import Fraction

    found = []
    for segment in fixed.segments:
        rate = segment.media.video.frame_rate if segment.media.video is not None else None
        frames = int((segment.media.duration or 0) * (rate or 25))
        start = Fraction(segment.start).limit_denominator(10**6)
        found.append(
            picture_quality.measure(
                fixed.plan, segment.media.path, start=start, frames=frames, ffmpeg=ffmpeg, cancel=cancel
            )
        )
    return replace(fixed, quality=tuple(found))
