"""A track: one piece of text, where it is, from which frame to which, what its class is judged by, and its masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from preflight.engine.alpha.fade import Fade
from preflight.engine.alpha.matte import AlphaMatte
from preflight.engine.alpha.translucent_box import TranslucentBox
from preflight.engine.core.arrays import BoolMask
from preflight.engine.core.box import Box
from preflight.engine.detect.ocr import OcrReading
from preflight.engine.model.kind import Kind
from preflight.engine.motion.relative import UNKNOWN, RelativeMotion
from preflight.engine.motion.template_match import Offset
from preflight.engine.segment.counter import CounterModel

LEGIBLE = 0.75
"""Confidence of the recogniser (0..1) above which its reading is trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskModel:
    """What a text covers of its box on each frame; all masks are bool arrays of the box's height and width."""

    usual: BoolMask
    """BoolMask on every frame that has no mask of its own."""
    rim: BoolMask | None = None
    """Pixels of the usual mask that coding may have mixed with the text, but that show the scene; None if unknown."""
    at_ends: tuple[tuple[int, BoolMask], ...] = ()
    """Frame index and mask of the first and last frames, on which the text pops up, grows, is typed or fades."""
    by_frame: Mapping[int, BoolMask] = field(default_factory=dict)
    """Masks of single frames, as text whose digits change has them."""
    counter: CounterModel | None = None
    """Colour model of text whose digits change (a clock, a timecode)."""
    fade: Fade | None = None
    """Opacity of the text on the frames on which it fades."""
    matte: AlphaMatte | None = None
    """Alpha matte of translucent text, fitted to samples of the whole video."""
    film: AlphaMatte | None = None
    """Alpha matte of a faint mark over all of its box, under which the scene is recovered; nothing of it is filled."""
    translucent: TranslucentBox | None = None
    """Translucent plate that is unblended, so that only its border, the mask, is filled."""
    plate: BoolMask | None = None
    """Opaque plate behind the letters, from which alone the letters are filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackEvidence:
    """What was observed of a text that tells overlay text from scene text."""

    certainty: float = 1.0
    """How surely its strokes have one flat fill colour (0..1)."""
    outlined: bool = False
    """The strokes have an outline of another colour."""
    appears: bool = False
    """It is known to be absent on the frame before its first one."""
    vanishes: bool = False
    """It is known to be absent on the frame after its last one."""
    isolated: tuple[bool, bool] = (True, True)
    """Nothing else of the picture changes as it comes, and as it goes."""
    match_outside: tuple[float, float] = (0.0, 0.0)
    """Correlation (-1..1) of its appearance with the frame before its first and after its last one, near its place."""
    slips: bool = False
    """Right before its first or right after its last frame it is seen a little beside its place."""
    gradual: tuple[bool, bool] = (False, False)
    """It comes, and goes, over several frames."""
    motion: RelativeMotion = UNKNOWN
    """How far it moved with and against its surroundings."""
    flat_ground: float = 0.0
    """Share (0..1) of the pixels beside its letters that have one colour."""
    text_probability: float = 0.0
    """Mean probability (0..1) of the detector on the line, on a close-up; 0 where it wasn't asked."""
    later_similarity: tuple[float, ...] = ()
    """Correlation (-1..1) of its place with its appearance on each of the frames after its last one."""

    @property
    def comes_and_goes(self) -> bool:
        """True when the text is known to be absent right before and right after its time."""
        return self.appears and self.vanishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Text on frames `first`..`last`, both included; `line` is the line of text inside the padded `box`."""

    box: Box
    line: Box
    first: int
    last: int
    masks: MaskModel
    evidence: TrackEvidence = TrackEvidence()
    text: str = ""
    """What the recogniser read."""
    score: float = 0.0
    """Confidence of the recogniser (0..1)."""
    readings: tuple[OcrReading, ...] = ()
    """All readings of the text, by different frames."""
    color: tuple[float, float, float] | None = None
    """Blue, green and red of its letters."""
    kind: Kind = Kind.ARTIFICIAL
    path: tuple[Offset, ...] | None = None
    """Offset of the box on each frame, for text that moves."""
    lasting: bool = False
    """What it covers may be covered on any other frame too, so its place is never used as a donor."""
    scaled: bool = False
    """It grows or shrinks."""
    widening: int = 0
    """Steps by which its masks are widened, as in `widened_mask`."""

    def with_masks(self, **changes: Any) -> Track:
        """Return the track with other values of its `masks`."""
        return replace(self, masks=replace(self.masks, **changes))

    def with_evidence(self, **changes: Any) -> Track:
        """Return the track with other values of its `evidence`."""
        return replace(self, evidence=replace(self.evidence, **changes))

    def is_on(self, index: int) -> bool:
        """Return True when the text is on frame `index`."""
        return self.first <= index <= self.last

    def mask_on(self, index: int) -> BoolMask:
        """Return the mask of the box on frame `index`."""
        own = self.masks.by_frame.get(index)
        if own is not None:
            return own
        return next((mask for end, mask in self.masks.at_ends if end == index), self.masks.usual)

    def core_on(self, index: int) -> BoolMask:
        """Return the mask of the box on frame `index` without the rim, which may be propagated to other frames."""
        mask, rim = self.mask_on(index), self.masks.rim
        return mask if rim is None or rim.shape != mask.shape or mask is not self.masks.usual else mask & ~rim

    @property
    def frames(self) -> int:
        """Number of frames that show the text."""
        return self.last - self.first + 1

    @property
    def steady_frames(self) -> tuple[int, int]:
        """The first and the last frame on which the text has its usual mask."""
        ends = {index for index, _ in self.masks.at_ends}
        first, last = self.first, self.last
        while first in ends and first < last:
            first += 1
        while last in ends and last > first:
            last -= 1
        return first, last

    def plate_on(self, index: int) -> BoolMask | None:
        """Return the opaque plate behind the letters on frame `index`; None without one."""
        steady = self.is_on(index) and all(end != index for end, _ in self.masks.at_ends)
        return self.masks.plate if steady else None

    def box_on(self, index: int) -> Box:
        """Return the box on frame `index`, which is one of the track's."""
        return self.box if self.path is None else self.box.moved(*self.path[index - self.first])

    def line_on(self, index: int) -> Box:
        """Return the line on frame `index`, which is one of the track's."""
        return self.line if self.path is None else self.line.moved(*self.path[index - self.first])

    @property
    def needs_no_donors(self) -> bool:
        """True for what is restored from the frame itself: letters on an opaque plate, a translucent plate or mark."""
        masks = self.masks
        return masks.translucent is not None or masks.plate is not None or masks.film is not None

    @property
    def may_fade(self) -> bool:
        """True for text whose fade can be measured: it stays as it is and where it is."""
        changes = self.scaled or self.masks.counter is not None or self.needs_no_donors
        return bool(self.text) and self.path is None and not self.lasting and not changes

    def clipped_to(self, last: int) -> Track:
        """Return the track without the frames after `last`."""
        if self.last <= last:
            return self
        return replace(self, last=last, path=None if self.path is None else self.path[: last - self.first + 1])

    @property
    def extent(self) -> Box:
        """The box around every place of the track, which may go beyond the picture."""
        if self.path is None:
            return self.box
        across, down = [x for x, _ in self.path], [y for _, y in self.path]
        return self.box.moved(min(across), min(down)).united(self.box.moved(max(across), max(down)))
