"""Decisions of the page as the boxes that a redo takes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from preflight.errors import UsageError
from preflight.model.job import InpaintingBox
from preflight.model.region import Regions
from preflight.review import decisions as decided
from preflight.review.decisions import RedoPlan, Region
from preflight.review.subject import ReviewVideo


def plan_of(path: Path, video: ReviewVideo) -> RedoPlan:
    """Return what the decisions in a file have to be made again. Raises UsageError."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--decisions: {path} can't be read: {error.strerror}.") from error
    return decided.plan(decided.parse(text), video)


def protecting(plan: RedoPlan, video: ReviewVideo) -> Regions:
    """Return the regions in which the source stays."""
    return Regions(protect=tuple(region_word(region, video) for region in plan.protect))


def region_word(region: Region, video: ReviewVideo) -> str:
    """Return a region as `--protect` takes it: its times are those of the source."""
    left, top, right, bottom = region.box
    start, end = (round(time + video.offset, 3) for time in (region.start, region.end))
    return f"{left},{top},{right},{bottom}@{start}-{end}"


def inpainting_boxes(regions: Sequence[Region]) -> list[InpaintingBox]:
    """Return regions as the engine fills them: their times are those of the result."""
    return [
        InpaintingBox(start=r.start, end=r.end, x1=r.box[0], y1=r.box[1], x2=r.box[2], y2=r.box[3]) for r in regions
    ]


def boxes_to_fill(words: Sequence[str], video: ReviewVideo) -> list[InpaintingBox]:
    """Return the boxes of `--fill`. Raises UsageError."""
    from preflight.workflow.recomposition import boxes_of

    return list(boxes_of(words, video.size, Fraction(video.duration)))
