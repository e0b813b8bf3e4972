"""Options that several commands share: one wording, one place."""

from __future__ import annotations

from pathlib import Path

from preflight.cli.declaration import Parameter
from preflight.errors import UsageError
from preflight.settings import parse_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from preflight.model.job import InpaintingBox, PixelBox, RemovalOptions

POLICIES = ("balanced", "lossless", "one-file")
"""The values of `preflight.Policy`, whose module is not needed by a check; a test compares both."""

LANGUAGES = ("en", "zh")
"""The values of `preflight.model.job.LANGUAGES`; a test compares both."""


def duration(text: str) -> float:
    """Return seconds for `90`, `1:30` or `90s`. Raises UsageError."""
    return float(parse_seconds(text))


def positive(text: str) -> int:
    """Return a whole number of 1 or more. Raises UsageError."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(f"{text!r} is not a whole number of 1 or more.")
    return int(text)


def amount(text: str) -> float:
    """Return an amount of money. Raises UsageError, ValueError."""
    found = float(text)
    if not 0 <= found < float("inf"):
        raise UsageError(f"{text!r} is not an amount of money.")
    return found


def quality_points(text: str) -> float:
    """Return a VMAF. Raises UsageError, ValueError."""
    found = float(text)
    if not 0 <= found <= 100:
        raise UsageError(f"{text!r} is not a VMAF.", hint="Use 0 to 100, such as 90.")
    return found


def port(text: str) -> int:
    """Return a TCP port, 0 for a free one. Raises UsageError."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise UsageError(f"{text!r} is not a port.", hint="Use 0 to 65535.")
    return int(text)


def parse_trim(text: str) -> tuple[Fraction, Fraction]:
    """Return start and end in seconds of `START-END`. Raises UsageError."""
    start, dash, end = text.partition("-")
    if not dash or parse_seconds(start) >= parse_seconds(end):
        raise UsageError(f"{text!r} is not a time range.", hint="Write START-END, such as 0:10-1:30.")
    return parse_seconds(start), parse_seconds(end)


def parse_box(text: str) -> InpaintingBox | PixelBox:
    """Return the region of `START-END@X1,Y1,X2,Y2`, in pixels with `px` at the end. Raises UsageError."""
    from preflight.model.job import InpaintingBox, PixelBox

    times, _, corners = text.partition("@")
    start, end = (float(time) for time in parse_trim(times))
    try:
        x1, y1, x2, y2 = (float(corner) for corner in corners.removesuffix("px").split(","))
    except ValueError:
        hint = "Write --box 1.5-3.7@0.1,0.8,0.9,0.95 or --box 1.5-3.7@192,864,1728,1026px."
        raise UsageError(f"{text!r} is not a region.", hint=hint) from None
    kind = PixelBox if corners.endswith("px") else InpaintingBox
    return kind(start=start, end=end, x1=x1, y1=y1, x2=x2, y2=y2)


VIDEOS = Parameter(
    names=("FILES",),
    count="+",
    help="Videos, folders, patterns, or - for a list on stdin.",
)
SOURCES = Parameter(
    names=("FILES",),
    count="+",
    help="Videos, folders, patterns, s3://BUCKET/PREFIX/*.mp4, manifests (.csv, .jsonl, .parquet), or - for a list on "
    "stdin.",
)
NULL = Parameter(names=("--null", "-0"), count="0", help="The list on stdin is separated by NUL.")
ALL_TEXT = Parameter(names=("--all-text",), count="0", help="Remove natural text too, as on products and signs.")
REMOVE_AUDIO = Parameter(names=("--remove-audio",), count="0", help="Drop the sound.")
COLOR_BLOCKS = Parameter(names=("--color-blocks",), count="0", help="Remove the block behind text.")
SUBTITLE_FORMATS = ("srt", "vtt", "ass", "json")
"""The values of `preflight.subtitles.FORMATS`, whose package is not needed by a check; a test compares both."""
ACCEPT = Parameter(
    names=("--accept",),
    choices=("any", "strict"),
    default="any",
    help="strict: exit with 1 when the verdict is poor.",
)
SUBTITLES = Parameter(
    names=("--subtitles",),
    value="FORMAT",
    choices=SUBTITLE_FORMATS,
    repeated=True,
    help="Write the text of the video as subtitles beside the cleaned file (extra local). Repeatable.",
)
LANGUAGE = Parameter(names=("--language",), choices=LANGUAGES, default="en", help="Language of the text.")
LANGUAGE_OR_AUTO = Parameter(
    names=("--language",),
    choices=(*LANGUAGES, "auto"),
    default="en",
    help="Language of the text; auto looks at the frames (extra local).",
)
BOXES = Parameter(
    names=("--box",),
    key="boxes",
    value="REGION",
    repeated=True,
    convert=parse_box,
    help="Fill a region: START-END@X1,Y1,X2,Y2 in seconds and 0..1 of the frame, with px at the end in pixels. "
    "Repeatable.",
)
MIN_QUALITY = Parameter(
    names=("--min-quality",),
    value="VMAF",
    convert=quality_points,
    help="Shrink a file that is too large if its picture keeps this quality (VMAF, such as 90), else split it.",
)
TRIM = Parameter(names=("--trim",), value="START-END", convert=parse_trim, help="Keep only this, such as 0:10-1:30.")
POLICY = Parameter(
    names=("--policy",),
    choices=POLICIES,
    default="balanced",
    help="What a fix may do. lossless: never encode the picture; balanced: lose least; one-file: never split.",
)
SERVICE = Parameter(
    names=("--service",),
    choices=("auto", "local", "aidge"),
    help="Which removal service.",
    default_text="auto: the cloud when it is configured, else the one on this machine",
)
AS_JSON = Parameter(names=("--json",), key="as_json", count="0", help="One JSON object a line.")
REPORT = Parameter(
    names=("--report",),
    value="FILE",
    convert=Path,
    help="Write what became of each file, with minutes and cost, as .json or .csv; numbered when the file exists.",
)
OVERWRITE = Parameter(names=("--overwrite",), count="0", help="Replace outputs that exist; a source is never replaced.")
TREE = Parameter(
    names=("--tree",), count="0", help="Keep the folders below each folder that was named, inside the output folder."
)
DEADLINE = Parameter(
    names=("--deadline",), value="TIME", convert=duration, help="Longest wait for a job.", default_text="1:00:00"
)
CLUSTER = Parameter(
    names=("--cluster",),
    value="ADDRESS",
    help="Have the workers of a Dask cluster do the media work: tcp://HOST:8786, or local:N for N processes here.",
)
JOBS = Parameter(names=("--jobs", "-j"), value="N", convert=positive, default=1, help="Videos at a time.")


def removal_options(
    language: str,
    *,
    all_text: bool,
    remove_audio: bool,
    color_blocks: bool,
    boxes: Sequence[InpaintingBox | PixelBox] | None,
) -> RemovalOptions:
    """Return the removal that the options ask for. Raises UsageError."""
    from preflight.model.job import RemovalOptions

    return RemovalOptions(
        language=language,
        artificial_text_only=not all_text,
        remove_audio=remove_audio,
        color_blocks=color_blocks,
        inpainting_boxes=tuple(boxes or ()),
    )
