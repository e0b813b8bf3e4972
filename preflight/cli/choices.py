"""Options that several commands share: one wording, one place."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated

import typer

from preflight.errors import UsageError
from preflight.model.job import InpaintingBox, PixelBox, RemovalOptions
from preflight.settings import parse_seconds

Videos = Annotated[
    list[str], typer.Argument(help="Videos, folders, patterns, or - for a list on stdin.", show_default=False)
]
Null = Annotated[bool, typer.Option("--null", "-0", help="The list on stdin is separated by NUL.")]
Language = Annotated[str, typer.Option(help="Language of the text: en or zh.")]
LanguageOrAuto = Annotated[str, typer.Option(help="Language of the text: en, zh, or auto to look at the frames.")]
AllText = Annotated[bool, typer.Option("--all-text", help="Remove natural text too, as on products and signs.")]
RemoveAudio = Annotated[bool, typer.Option("--remove-audio", help="Drop the sound.")]
ColorBlocks = Annotated[bool, typer.Option("--color-blocks", help="Remove the block behind text.")]
Boxes = Annotated[
    list[str] | None,
    typer.Option("--box", help="Fill a region: START-END@X1,Y1,X2,Y2 in s and 0..1, or px behind; repeatable."),
]
Trim = Annotated[str | None, typer.Option(help="Keep only START-END, such as 0:10-1:30.")]
Service = Annotated[str | None, typer.Option(help="local, aidge, or auto.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def removal(
    language: str, *, all_text: bool, remove_audio: bool, color_blocks: bool, boxes: Sequence[str] | None
) -> RemovalOptions:
    """Return the removal that the options ask for. Raises UsageError."""
    return RemovalOptions(
        language=language,
        artificial_text_only=not all_text,
        remove_audio=remove_audio,
        color_blocks=color_blocks,
        inpainting_boxes=tuple(parse_box(text) for text in boxes or ()),
    )


def parse_trim(text: str) -> tuple[Fraction, Fraction]:
    """Return start and end in seconds of `START-END`. Raises UsageError."""
    start, dash, end = text.partition("-")
    if not dash or parse_seconds(start) >= parse_seconds(end):
        raise UsageError(f"{text!r} is not a stretch of time.", hint="Write START-END, such as 0:10-1:30.")
    return parse_seconds(start), parse_seconds(end)


def parse_box(text: str) -> InpaintingBox | PixelBox:
    """Return the region of `START-END@X1,Y1,X2,Y2`, in pixels with `px` at the end. Raises UsageError."""
    times, _, corners = text.partition("@")
    start, end = (float(time) for time in parse_trim(times))
    try:
        x1, y1, x2, y2 = (float(corner) for corner in corners.removesuffix("px").split(","))
    except ValueError:
        hint = "Write --box 1.5-3.7@0.1,0.8,0.9,0.95 or --box 1.5-3.7@192,864,1728,1026px."
        raise UsageError(f"{text!r} is not a region.", hint=hint) from None
    kind = PixelBox if corners.endswith("px") else InpaintingBox
    return kind(start=start, end=end, x1=x1, y1=y1, x2=x2, y2=y2)
