"""Options that say which regions of the source stay, and files in which such wishes are saved."""

from __future__ import annotations

import json
from pathlib import Path

from preflight.cli.declaration import Parameter
from preflight.errors import UsageError
from preflight.model.region import Regions, parse_box

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from preflight.model.job import InpaintingBox


def region(text: str) -> str:
    """Return the word of a region that can be read. Raises UsageError."""
    parse_box(text)
    return text


def number(text: str) -> int:
    """Return the number of a text, from 1. Raises UsageError."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(f"{text!r} is not the number of a text.", hint="The record lists texts, from 1 on.")
    return int(text)


PROTECT = Parameter(
    names=("--protect",),
    value="BOX",
    repeated=True,
    convert=region,
    help="Keep the source in a box: X1,Y1,X2,Y2 in 0..1 of the frame, with px at the end in pixels, and @START-END in "
    "seconds. Repeatable.",
)
ONLY = Parameter(
    names=("--only",),
    value="BOX",
    repeated=True,
    convert=region,
    help="Take only what was changed in a box, and keep the source elsewhere. Repeatable.",
)
KEEP_TEXT = Parameter(
    names=("--keep-text",), value="REGEX", help="Keep texts whose words match this regular expression."
)
RESTORE_TEXT = Parameter(
    names=("--restore-text",),
    value="N",
    repeated=True,
    convert=number,
    help="Put the text with this number in the record back. Repeatable.",
)
REGIONS = (PROTECT, ONLY, KEEP_TEXT, RESTORE_TEXT)


def regions(
    protect: Sequence[str] | None, only: Sequence[str] | None, keep_text: str | None, restore_text: Sequence[int] | None
) -> Regions:
    """Return the regions of a command."""
    return Regions(
        protect=tuple(protect or ()),
        only=tuple(only or ()),
        keep_text=keep_text,
        restore_text=tuple(restore_text or ()),
    )


def word(found: Mapping[str, Any]) -> str:
    """Return a region of the review page as the options write it."""
    left, top, right, bottom = found["box"]
    return f"{left},{top},{right},{bottom}@{found['start']}-{found['end']}"


def load_request(path: Path) -> dict[str, Any]:
    """Return what the review page saved before a run: `source`, options, `fill` and `protect`. Raises UsageError."""
    hint = "Save it on the page of `preflight review VIDEO`."
    try:
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict) or found["schema"] != 1:
            raise UsageError(f"{path} is not a request of schema 1.", hint=hint)
        return {
            "source": str(found["source"]),
            "language": str(found["language"]),
            "all_text": bool(found["all_text"]),
            "color_blocks": bool(found["color_blocks"]),
            "remove_audio": bool(found["remove_audio"]),
            "boxes": [_inpainting_box(box) for box in found["fill"]],
            "protect": [region(word(box)) for box in found["protect"]],
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"--request: {path} can't be read: {error}.", hint=hint) from error


def _inpainting_box(found: Mapping[str, Any]) -> InpaintingBox:
    from preflight.model.job import InpaintingBox

    x1, y1, x2, y2 = found["box"]
    return InpaintingBox(start=found["start"], end=found["end"], x1=x1, y1=y1, x2=x2, y2=y2)
