"""Values that the engine returns: plain, frozen, without any package of the `local` extra, for `serialize.jsonable`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSpot:
    """Text on one frame: `time` in seconds, corners in 0..1 of the upright picture, recognition confidence 0..1."""

    time: float
    text: str
    score: float
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPreview:
    """Text on a few frames of a video. `language` is the service's code of most of the text, None without text."""

    spots: tuple[TextSpot, ...]
    language: str | None

    @property
    def present(self) -> bool:
        """True when any of the frames shows text."""
        return bool(self.spots)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTrackSummary:
    """One text of a video, and the frames that show it."""

    text: str
    """What the recogniser read; empty for a graphic, a backing box and an inpainting box."""
    score: float
    """Confidence of the recogniser, 0..1."""
    kind: str
    """`artificial` for overlay text, `natural` for scene text, `uncertain`."""
    start: float
    """Time of its first frame, in seconds."""
    end: float
    """Time at which its last frame ends, in seconds."""
    first_frame: int
    last_frame: int
    """Index of the last frame that shows it."""
    box: tuple[int, int, int, int]
    """Left, top, right and bottom edge of the line on its first frame, in pixels of the upright picture."""
    moves: bool
    """True when the text moves across the picture."""
    kept_because: str = ""
    """Why the text was kept; empty for a text that was removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillQuality:
    """How well the pixels under a text, or under all texts of a clip, were restored."""

    propagated_share: float
    """Share of the filled pixels that were propagated from other frames, 0..1. The others were inpainted."""
    validation_error: float | None
    """Mean absolute error of the fill on the validation band around the masks, in gray levels; None without a fill."""
    residual_text: float
    """How much of the removed text an eye can see in the result, 0 (nothing) to 1 (as before)."""
    escalation: int
    """Step of the fill that was needed until no text was left: 0 or 1 the text's own mask, 2 with outline and halo,
    3 whole lines, 4 whole lines filled smoothly from around them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedText:
    """A text that was removed."""

    track: TextTrackSummary
    quality: FillQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class PoorRegion:
    """A place where the result is likely to be noticed, on frames `first_frame`..`last_frame`."""

    first_frame: int
    last_frame: int
    box: tuple[int, int, int, int]
    """Left, top, right and bottom edge, in pixels of the upright picture."""
    reason: str
    """`traces of text`, or `whole lines filled smoothly`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedFillModel:
    """A fill model that a person brought."""

    name: str
    """Name of the file, without its folder."""
    digest: str
    """SHA-256 of the file, in hexadecimal digits."""
    share: float = 0.0
    """Share of the filled pixels that it made, 0..1. The others came from other frames or were inpainted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalReport:
    """What a removal did."""

    frames: int
    """Number of frames of the video."""
    frame_rate: float
    """Frames per second."""
    frames_filled: int
    """Number of frames with filled pixels."""
    frames_copied: int
    """Number of frames whose packets were copied instead of encoded again."""
    quality: FillQuality
    """Quality over all filled pixels."""
    removed: tuple[RemovedText, ...]
    kept: tuple[TextTrackSummary, ...]
    """Texts that stay in the video."""
    poor_regions: tuple[PoorRegion, ...] = ()
    notes: tuple[str, ...] = ()
    """What of the source the result does not keep, in plain sentences."""
    fill_model: UsedFillModel | None = None
    """The model that filled what no other frame shows; None without one."""

    @property
    def copied(self) -> bool:
        """True when nothing was filled and every packet of the picture was copied."""
        return self.frames_copied == self.frames


class ReadLine(NamedTuple):
    """A line of text: left, top, right and bottom edge, what was read, and the confidence 0..1."""

    box: tuple[int, int, int, int]
    text: str
    score: float
