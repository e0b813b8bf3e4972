"""What a person decided about a result, and what of it has to be made again. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from preflight.errors import UsageError
from preflight.model.text import TextStatus
from preflight.review.subject import Box, RedoEffect, ReviewText, ReviewVideo

T = TypeVar("T", bound=StrEnum)

SCHEMA = 1
"""Version of the decisions' JSON; raised when a field changes its meaning or goes away."""

SAME_PLACE = 0.5
"""Intersection over union of two boxes at or above which texts without words count as alike."""

MOST_DECISIONS = 20_000
"""Texts or boxes in one file of decisions; more is not what a person made."""


class Choice(StrEnum):
    """What is to become of one text."""

    ACCEPT = "accept"
    """As it is."""
    REJECT = "reject"
    """Removed, but badly: fill it again."""
    PROTECT = "protect"
    """Put the source's pixels back."""
    REMOVE = "remove"
    """Remove it after all."""


class Overall(StrEnum):
    """What is to become of the whole video."""

    OPEN = ""
    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDecision:
    """The choice for the text `number`, and with `alike` for all texts like it."""

    number: int
    choice: Choice
    alike: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of the picture for some time: corners 0..1, times in seconds of the result.

    `protect` puts the source's pixels back there; otherwise the region is filled.
    """

    start: float
    end: float
    box: Box
    protect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """All that was decided about one video."""

    overall: Overall = Overall.OPEN
    texts: tuple[TextDecision, ...] = ()
    regions: tuple[Region, ...] = ()
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON that `parse` reads."""
        return {
            "schema": SCHEMA,
            "overall": str(self.overall),
            "texts": [{"number": t.number, "choice": str(t.choice), "alike": t.alike} for t in self.texts],
            "regions": [
                {"start": r.start, "end": r.end, "box": list(r.box), "protect": r.protect} for r in self.regions
            ],
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RedoPlan:
    """What a redo has to make: the source in `protect`, a new fill in `fill`, what the service made elsewhere."""

    protect: tuple[Region, ...] = ()
    fill: tuple[Region, ...] = ()

    changes: bool = True
    """False when the result is as decided already."""


def parse(text: str | bytes) -> Decisions:
    """Return the decisions in a JSON text. Raises UsageError that names what is wrong."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError("The decisions are not JSON.", hint="Save them on the review page.") from error
    return from_json(value)


def from_json(value: object) -> Decisions:
    """Return the decisions in a parsed JSON value. Raises UsageError that names what is wrong."""
    if not isinstance(value, Mapping):
        raise UsageError("The decisions are not an object.", hint="Save them on the review page.")
    if value.get("schema") != SCHEMA:
        raise UsageError(f"The decisions have schema {value.get('schema')!r}, not {SCHEMA}.")
    texts = _listed(value, "texts")
    regions = _listed(value, "regions")
    note = value.get("note", "")
    if not isinstance(note, str) or len(note) > 10_000:
        raise UsageError("note is not a text of up to 10,000 characters.")
    return Decisions(
        overall=_member(Overall, value.get("overall", ""), "overall"),
        texts=tuple(_text(item, f"texts[{place}]") for place, item in enumerate(texts)),
        regions=tuple(_region(item, f"regions[{place}]") for place, item in enumerate(regions)),
        note=note,
    )


def alike(text: ReviewText, other: ReviewText) -> bool:
    """Return True for texts that one decision covers: the same words, or without words the same place."""
    if text.status is not other.status:
        return False
    mine, others = (_words(item.words) for item in (text, other))
    return mine == others if mine or others else _overlap(text.box, other.box) >= SAME_PLACE


def choices(decisions: Decisions, video: ReviewVideo) -> dict[int, Choice]:
    """Return the choice for each text that one was made for, by its number; a text's own goes before one for all alike.

    Raises:
        UsageError: A decision names a text that the video does not have.
    """
    texts = {text.number: text for text in video.texts}
    own: dict[int, Choice] = {}
    shared: dict[int, Choice] = {}
    for decision in decisions.texts:
        if decision.number not in texts:
            raise UsageError(
                f"The decisions name text {decision.number}; {video.name} has {len(texts)}.",
                hint="They belong to another result: open its review page and decide there.",
            )
        own[decision.number] = decision.choice
        if decision.alike:
            same = (text.number for text in video.texts if alike(texts[decision.number], text))
            shared.update(dict.fromkeys(same, decision.choice))
    return dict(sorted({**shared, **own}.items()))


def plan(decisions: Decisions, video: ReviewVideo) -> RedoPlan:
    """Return what has to be made again: what was redone before and still holds, and what was decided since.

    Raises:
        UsageError: A decision names a text that the video does not have.
    """
    protect, fill = list[Region](), list[Region]()
    chosen = choices(decisions, video)
    changed = video.has_redone_boxes
    for text in video.texts:
        choice = chosen.get(text.number, Choice.ACCEPT)
        before = {RedoEffect.FILLED: False, RedoEffect.PUT_BACK: True}.get(text.redone)
        after = _kept_after(choice, text)
        changed = changed or after is not before or choice is Choice.REJECT
        if after is not None:
            (protect if after else fill).append(region_of(text, protect=after))
    for region in decisions.regions:
        (protect if region.protect else fill).append(region)
    return RedoPlan(protect=tuple(protect), fill=tuple(fill), changes=changed or bool(decisions.regions))


def _kept_after(choice: Choice, text: ReviewText) -> bool | None:
    """Return whether a text is to show the source (True), a new fill (False), or what the service made (None)."""
    if text.status is TextStatus.REMOVED:
        if choice is Choice.PROTECT:
            return True
        return False if choice is Choice.REJECT or text.redone is RedoEffect.FILLED else None
    if choice is Choice.REMOVE:
        return None if text.redone is RedoEffect.PUT_BACK else False
    return True if text.redone is RedoEffect.PUT_BACK else None


def region_of(text: ReviewText, *, protect: bool) -> Region:
    """Return the place and time of a text."""
    return Region(start=text.start, end=text.end, box=text.box, protect=protect)


def _words(words: str) -> str:
    return "".join(letter for letter in words.casefold() if letter.isalnum())


def _overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (areas - width * height)


def _listed(value: Mapping[str, Any], name: str) -> list[Any]:
    items = value.get(name, [])
    if not isinstance(items, list) or len(items) > MOST_DECISIONS:
        raise UsageError(f"{name} is not a list of up to {MOST_DECISIONS:,} items.")
    return items


def _member(kind: type[T], value: object, name: str) -> T:
    try:
        return kind(value)  # type: ignore[arg-type]
    except ValueError:
        allowed = ", ".join(repr(str(item)) for item in kind)
        raise UsageError(f"{name} is {value!r}, not one of {allowed}.") from None


def _text(item: object, name: str) -> TextDecision:
    if not isinstance(item, Mapping):
        raise UsageError(f"{name} is not an object.")
    number, same = item.get("number"), item.get("alike", False)
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise UsageError(f"{name}.number is {number!r}, not a number from 1.")
    if not isinstance(same, bool):
        raise UsageError(f"{name}.alike is {same!r}, not true or false.")
    return TextDecision(number=number, choice=_member(Choice, item.get("choice"), f"{name}.choice"), alike=same)


def _region(item: object, name: str) -> Region:
    if not isinstance(item, Mapping):
        raise UsageError(f"{name} is not an object.")
    start, end = _numbers([item.get("start"), item.get("end")], f"{name}.start and end")
    corners = item.get("box")
    if not isinstance(corners, list) or len(corners) != 4:
        raise UsageError(f"{name}.box is not a list of four corners.")
    left, top, right, bottom = _numbers(corners, f"{name}.box")
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise UsageError(f"{name}.box is not 0 <= left < right <= 1 and 0 <= top < bottom <= 1.")
    if not 0 <= start < end:
        raise UsageError(f"{name} ends at {end} s, not after its start at {start} s.")
    protect = item.get("protect")
    if not isinstance(protect, bool):
        raise UsageError(f"{name}.protect is {protect!r}, not true or false.")
    return Region(start=start, end=end, box=(left, top, right, bottom), protect=protect)


def _numbers(values: Sequence[object], name: str) -> list[float]:
    numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]
    if len(numbers) != len(values):
        raise UsageError(f"{name} are not numbers.")
    return numbers
