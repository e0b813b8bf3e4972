"""What is known of texts beside the list of them: what a redo did to each, and which weak spots are about one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from preflight.model.region import parse_box
from preflight.model.text import TextStatus
from preflight.review.subject import RedoEffect, ReviewText, WeakSpot

REFILLED_SEVERITY = 0.3
"""Severity of a text that was filled again: nothing has measured the new fill, so a person looks once."""

ROUNDING = 0.002
"""Difference of edges (of the picture's sides) and of times (in seconds) that rounding explains."""


def redo_boxes(composite: Mapping[str, Any], offset: float) -> list[tuple[RedoEffect, WeakSpot]]:
    """Return the places of the last redo, with times of the result and what was done there."""
    boxes = [
        (RedoEffect.FILLED, (box["x1"], box["y1"], box["x2"], box["y2"]), box["start"], box["end"])
        for box in composite.get("filled") or ()
    ]
    for word in (composite.get("regions") or {}).get("protect") or ():
        corners, in_pixels, start, end = parse_box(word)
        if not in_pixels and end is not None:
            boxes.append((RedoEffect.PUT_BACK, corners, start - offset, end - offset))
    return [(kind, WeakSpot(start=start, end=end, reason="", severity=0.0, box=box)) for kind, box, start, end in boxes]


def redone(text: ReviewText, boxes: Sequence[tuple[RedoEffect, WeakSpot]], *, is_verified: bool) -> ReviewText:
    """Return a text as the last redo has left it: put back where the source was protected, or filled again.

    With `is_verified` the acceptance test has looked at the new fill; what it found is attached later.
    """
    kind = next((kind for kind, box in boxes if is_same(box, text)), None)
    if kind is RedoEffect.FILLED:
        text = replace(text, status=TextStatus.REMOVED, severity=0.0 if is_verified else REFILLED_SEVERITY)
    elif kind is RedoEffect.PUT_BACK:
        text = replace(text, status=TextStatus.KEPT, severity=0.0)
    else:
        return text
    return replace(text, redone=kind, weaknesses=(), note=f"{kind} on request")


def is_same(spot: WeakSpot, text: ReviewText) -> bool:
    """Return whether a box has the place and time of a text, to within rounding."""
    mine, other = (*(spot.box or ()), spot.start, spot.end), (*text.box, text.start, text.end)
    return len(mine) == len(other) and all(abs(a - b) <= ROUNDING for a, b in zip(mine, other, strict=True))


def attached(texts: Sequence[ReviewText], spots: Sequence[WeakSpot]) -> tuple[tuple[ReviewText, ...], list[WeakSpot]]:
    """Return the texts with the weak spots that are about them, and the other spots: each is to be listed once."""
    found = list(texts)
    left = []
    for spot in spots:
        place = next((n for n, text in enumerate(found) if _is_about(spot, text)), None)
        if place is None:
            left.append(spot)
            continue
        text = found[place]
        reasons = text.weaknesses if spot.reason in text.weaknesses else (*text.weaknesses, spot.reason)
        found[place] = replace(text, severity=max(text.severity, spot.severity), weaknesses=reasons)
    return tuple(found), left


def is_outdated(spot: WeakSpot, texts: Sequence[ReviewText]) -> bool:
    """Return whether a spot that was found before the last redo is about a text that it changed."""
    return any(text.redone and _is_about(spot, text) for text in texts)


def _is_about(spot: WeakSpot, text: ReviewText) -> bool:
    """Return whether a spot lies for more than half of its time and around its middle in a text that was changed."""
    if spot.box is None or (text.status is not TextStatus.REMOVED and not text.redone):
        return False
    common = min(spot.end, text.end) - max(spot.start, text.start)
    x, y = (spot.box[0] + spot.box[2]) / 2, (spot.box[1] + spot.box[3]) / 2
    left, top, right, bottom = text.box
    return common > (spot.end - spot.start) / 2 and left <= x <= right and top <= y <= bottom
