"""What is asked of the removal service and what comes back, as values."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from preflight.errors import PreflightError, UsageError
from preflight.model.media import Media
from preflight.model.plan import PictureQuality, Plan

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintingBox:
    """A region to fill whatever it shows: corners in 0..1 of the display size, origin top left; times in seconds."""

    start: float
    end: float
    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        _require_numbers(self)
        corners = (self.x1, self.y1, self.x2, self.y2)
        if not (0 <= self.x1 < self.x2 <= 1 and 0 <= self.y1 < self.y2 <= 1):
            raise UsageError(
                f"Box corners {corners} are not 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1.",
                hint="Give pixels as a PixelBox, or with `--box START-END@X1,Y1,X2,Y2px`.",
            )
        if not 0 <= self.start < self.end:
            raise UsageError(f"Box times {self.start}-{self.end} s are not 0 <= start < end.")

    def to_wire(self) -> dict[str, Any]:
        """Return the later revision's shape: `{"timestamp": [start, end], "box": [x1, y1, x2, y2]}`."""
        return {"timestamp": [self.start, self.end], "box": [self.x1, self.y1, self.x2, self.y2]}


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelBox:
    """An `InpaintingBox` with its corners in pixels of a video's display size."""

    start: float
    end: float
    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        _require_numbers(self)

    def normalised(self, size: tuple[int, int]) -> InpaintingBox:
        """Return the API's box for a video shown at `size` (width, height). Raises UsageError for a box outside."""
        width, height = size
        corners = {"x1": self.x1 / width, "y1": self.y1 / height, "x2": self.x2 / width, "y2": self.y2 / height}
        return InpaintingBox(start=self.start, end=self.end, **corners)

    def to_wire(self) -> dict[str, Any]:
        """Raise UsageError: the API takes no pixels."""
        raise UsageError(
            "The size of the picture is not known, so a box can't be in pixels.", hint="Give 0..1 instead."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalOptions:
    """The documented parameters of a removal, validated. Raises UsageError for what the API would not take.

    `language` and `artificial_text_only` are in every revision of the API page; the rest only in the later one, so
    `to_wire` leaves them out unless they are set.
    """

    language: str = "en"
    artificial_text_only: bool = True
    remove_audio: bool = False
    color_blocks: bool = False
    inpainting_boxes: tuple[InpaintingBox | PixelBox, ...] = ()

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise UsageError(f"Language {self.language!r} is not supported by the service.", hint="Use 'en' or 'zh'.")
        for name in ("artificial_text_only", "remove_audio", "color_blocks"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name} is {getattr(self, name)!r}.", hint="Use True or False.")
        boxes: object = self.inpainting_boxes
        if not isinstance(boxes, tuple) or not all(isinstance(box, InpaintingBox | PixelBox) for box in boxes):
            raise UsageError(
                f"inpainting_boxes is {boxes!r}, not a tuple of boxes.", hint="Give (InpaintingBox(...), ...)."
            )

    def settled(self, size: tuple[int, int]) -> RemovalOptions:
        """Return the options for a video shown at `size`: boxes in pixels become the API's. Raises UsageError."""
        boxes = tuple(b.normalised(size) if isinstance(b, PixelBox) else b for b in self.inpainting_boxes)
        return replace(self, inpainting_boxes=boxes)

    def during(self, start: float, end: float | None) -> RemovalOptions:
        """Return the options for a part that lasts from `start` to `end` (seconds; None: to the end of the video).

        The times of boxes count from the beginning of the part then, and boxes of other parts are left out.
        """
        boxes = tuple(
            replace(box, start=max(0.0, box.start - start), end=(box.end if end is None else min(box.end, end)) - start)
            for box in self.inpainting_boxes
            if box.end > start and (end is None or box.start < end)
        )
        return replace(self, inpainting_boxes=boxes)

    def to_wire(self) -> dict[str, Any]:
        """Return the business parameters as the API names them, without `videoUrl`.

        Raises UsageError while a box is in pixels, which only `settled` can convert.
        """
        wire: dict[str, Any] = {"language": self.language, "artificialTextOnly": self.artificial_text_only}
        if self.remove_audio:
            wire["removeAudio"] = True
        if self.color_blocks:
            wire["colorBlocks"] = True
        if self.inpainting_boxes:
            wire["inpaintingBoxes"] = [box.to_wire() for box in self.inpainting_boxes]
        return wire

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> RemovalOptions:
        """Return the options that `to_wire` wrote. Raises UsageError, KeyError or TypeError for other shapes."""
        return cls(
            language=wire["language"],
            artificial_text_only=wire["artificialTextOnly"],
            remove_audio=wire.get("removeAudio", False),
            color_blocks=wire.get("colorBlocks", False),
            inpainting_boxes=tuple(
                InpaintingBox(**dict(zip(("start", "end"), box["timestamp"], strict=True)), **_corners(box["box"]))
                for box in wire.get("inpaintingBoxes", ())
            ),
        )

    def canonical(self) -> str:
        """Return one text for equal options, used to recognise a job that was already done."""
        return json.dumps(self.to_wire(), sort_keys=True, separators=(",", ":"))


def _require_numbers(box: InpaintingBox | PixelBox) -> None:
    """Raise UsageError that names a field which is no finite number."""
    for spec in fields(box):
        value = getattr(box, spec.name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise UsageError(f"{spec.name} is {value!r}, not a number.", hint="Give seconds and corners as numbers.")


def _corners(box: Sequence[float]) -> dict[str, float]:
    return dict(zip(("x1", "y1", "x2", "y2"), box, strict=True))


class SecretUrl:
    """A URL whose query string is a credential: `reveal()` gives it whole, everything else hides the query.

    A pickle has it without query and user; what is loaded from one is not `is_whole` when that took something away.
    """

    __slots__ = ("_url", "is_whole")

    def __init__(self, url: str) -> None:
        if not isinstance(url, str):
            raise UsageError(f"url is {type(url).__name__}, not a text.")
        self._url = url
        self.is_whole = True

    def reveal(self) -> str:
        """Return the URL with its credential, to be sent and never to be printed."""
        return self._url

    def __copy__(self) -> SecretUrl:
        return self

    def __deepcopy__(self, _: object) -> SecretUrl:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        parts = urlsplit(self._url)
        plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        return _without_credential, (plain, self.is_whole and plain == self._url)

    def __str__(self) -> str:
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        netloc = f"{host}:{parts.port}" if parts.port else host
        return urlunsplit((parts.scheme, netloc, parts.path, "[hidden]" if parts.query else "", ""))

    def __repr__(self) -> str:
        return f"SecretUrl({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretUrl) and other._url == self._url

    def __hash__(self) -> int:
        return hash(self._url)


def _without_credential(url: str, is_whole: bool) -> SecretUrl:
    loaded = SecretUrl(url)
    loaded.is_whole = is_whole
    return loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One file to send: the whole video, or the stretch `start`..`end` (seconds) of a split one."""

    media: Media
    start: float = 0.0
    end: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """What is sent for `source`: one segment, or the ordered segments of a split; each passed the check.

    `manifest` is the file that says how to join a split again; `reused` that an earlier fix was found and used.
    `quality` is that of each segment's picture, where the plan foresees one.
    """

    source: Media
    plan: Plan
    segments: tuple[Segment, ...]
    manifest: Path | None = None
    reused: bool = False
    quality: tuple[PictureQuality | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An object in the store: `size` in bytes, `sha256` in hex; `reused` when it was there already."""

    bucket: str
    key: str
    size: int
    sha256: str
    reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An object in the store and a URL under which the service can fetch it until `expires`."""

    bucket: str
    key: str
    size: int
    sha256: str
    url: SecretUrl
    expires: datetime | None = None
    reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialUpload:
    """A multipart upload that was begun: what a later process needs to go on with it.

    `part_size` in bytes; `token` is in the object's metadata, so a finished object can be told to be this upload's.
    """

    endpoint: str
    bucket: str
    key: str
    upload_id: str
    part_size: int
    size: int
    sha256: str
    token: str


class TaskState(StrEnum):
    """The state of a task at the service, in one vocabulary for all revisions of the API."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task at the service. `video_url` is set when done; `code` and `message` when failed.

    `progress` (0..1) and `quality` (the engine's report) come from the embedded service only.
    """

    task_id: str
    state: TaskState = TaskState.PENDING
    status: str | None = None
    video_url: SecretUrl | None = None
    code: int | str | None = None
    message: str | None = None
    request_id: str | None = None
    progress: float | None = None
    quality: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The cleaned file exists and was verified.

    `submitted` counts new paid jobs: 0 when a known result was used. `notes` are sentences about extras that could not
    be made, such as the before/after picture; they never make a paid job fail.
    """

    source: Path
    file: Path
    task_ids: tuple[str, ...]
    submitted: int
    quality: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    verdict: str | None = None
    """`accepted`, `accepted with remarks` or `poor`; None where the file was not verified."""
    reasons: tuple[str, ...] = ()
    """One sentence for each finding of the acceptance test, the heaviest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Refused before anything was sent: the file breaks a limit and can't be fixed, or the policy forbids the fix."""

    source: Path
    codes: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatched:
    """The service's result differs from what was sent: length, size, frame count, sync, or it holds no video.

    `file` is the result as it was fetched; `problems` are sentences. It was paid for and is not submitted again before
    `preflight jobs resolve` says so.
    """

    source: Path
    file: Path
    task_ids: tuple[str, ...]
    problems: tuple[str, ...]
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A stage ended in an error; `error.retryable` tells whether a retry may help."""

    source: Path
    error: PreflightError


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Accepted and still running at the deadline; `preflight resume` goes on."""

    source: Path
    task_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A submit was sent and not answered; nothing is sent again before `preflight jobs resolve` settles it."""

    source: Path
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Nothing was sent: the request skips videos without text, and no text was detected on the sampled frames."""

    source: Path


Result = Succeeded | Skipped | Rejected | Mismatched | Failed | Pending | Unknown
