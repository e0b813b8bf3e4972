"""What a person wants to be removed from a video that was only scanned so far. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from preflight.errors import UsageError
from preflight.model.text import TextStatus
from preflight.review import decisions as decided
from preflight.review.decisions import Choice, Region
from preflight.review.subject import ReviewVideo

LANGUAGES = ("en", "zh")
"""Languages that the service knows; see the API page."""

_FLAGS = ("all_text", "color_blocks", "remove_audio")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDraft:
    """The options of a run, the regions to fill whatever they show, and those where the source stays."""

    language: str
    all_text: bool
    color_blocks: bool
    remove_audio: bool
    fill: tuple[Region, ...] = ()
    protect: tuple[Region, ...] = ()


def foreseen(video: ReviewVideo, *, all_text: bool) -> ReviewVideo:
    """Return a video with what a run would do to each text: all of it goes when that is asked for."""
    if not all_text:
        return video
    return replace(video, texts=tuple(replace(text, status=TextStatus.REMOVED) for text in video.texts))


def parse(body: bytes, video: ReviewVideo) -> RequestDraft:
    """Return the draft that the page sent. Raises UsageError that names what is wrong."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError("The request is not JSON.") from error
    options = value.get("options") if isinstance(value, Mapping) else None
    if not isinstance(options, Mapping):
        raise UsageError("options is missing.")
    if options.get("language") not in LANGUAGES:
        raise UsageError(f"language is {options.get('language')!r}, not one of {', '.join(LANGUAGES)}.")
    for name in _FLAGS:
        if not isinstance(options.get(name), bool):
            raise UsageError(f"{name} is {options.get(name)!r}, not true or false.")
    made = decided.from_json(value.get("decisions"))
    video = foreseen(video, all_text=bool(options["all_text"]))
    chosen = decided.choices(made, video)
    texts = {text.number: text for text in video.texts}
    kept = [n for n, choice in chosen.items() if choice is Choice.PROTECT and texts[n].status is TextStatus.REMOVED]
    added = [n for n, choice in chosen.items() if choice is Choice.REMOVE and texts[n].status is not TextStatus.REMOVED]
    return RequestDraft(
        language=str(options["language"]),
        **{name: bool(options[name]) for name in _FLAGS},
        fill=(
            *(decided.region_of(texts[number], protect=False) for number in added),
            *(region for region in made.regions if not region.protect),
        ),
        protect=(
            *(decided.region_of(texts[number], protect=True) for number in kept),
            *(region for region in made.regions if region.protect),
        ),
    )
