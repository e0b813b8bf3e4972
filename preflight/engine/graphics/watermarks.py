"""What stays in its place while the scene behind it moves: a channel's logo, a translucent mark across the picture.

No recogniser reads logos, and it loses translucent letters over a busy scene. What gives both away is their edges: the
median of the gradients over many looks keeps the edges of what stays and loses those of what passes (Dekel et al., *On
the Effectiveness of Visible Watermarks*, CVPR 2017). A camera that stands still keeps the whole scene's edges too, so
there nothing is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, FloatImage, FloatMap, Gray
from preflight.engine.core.box import Box
from preflight.engine.media.decode import Frame
from preflight.engine.model.rasterize import place_mask
from preflight.engine.model.track import LEGIBLE, MaskModel, Track

_LONG_SIDE = 640
"""Samples on the longer side of the pictures that are looked at."""
_MOST_LOOKS, _LEAST_LOOKS = 48, 12
_FEW_LOOKS = 24
"""Looks at least, if there are so many, at half that size, that tell where marks may be."""
_CORNER, _CORNERED = 0.3, 0.25
"""Share of either side that a corner takes up, and that a logo there takes up at most."""
_WIDEST, _HIGHEST = 0.8, 0.25
"""Shares of the sides that any mark takes up at most."""
_EDGE, _STAYS = 4.0, 0.6
"""Gray levels a sample that an edge has, and the median's share of their mean where an edge stays."""
_CRISP, _LEAST = 8.0, 40
"""Median steepness of a mark's edges and how many samples of them it has at least."""
_STILL, _STILL_ANYWHERE = 0.05, 0.03
"""Share of the other edges around a mark, and on the whole picture for one that is in no corner, that stay too at
most: more, and the camera may stand still."""
_LIVELY = 6.0
"""Gray levels by which what is around a mark varies at least."""
_COVERS, _MANY = 0.8, 300
"""Share of that variation which a mark with few edges lets through, as a thing that stood still for a while has more;
and edges of which this is not asked. So many a mark in no corner has to have."""
_ALWAYS, _THERE = 0.85, 0.15
"""Share of the looks on which a mark is, and share of its usual edges from which on it is there."""
_MOST_SPOTS = 12
"""Places that are looked at closely; where there are more, the scene stands still."""
_JOIN = 9
"""Samples between the parts of one mark."""
_AROUND = 40
"""Samples around a mark that tell whether the scene moves there."""
_BAR = 0.6
"""Share of a row or a column that is edge where a black bar ends."""
_OWN, _INSIDE = 0.4, 0.5
"""Share of a mark that no text explains, and share of a text's letters that are strokes of the mark it is a part of."""
_SAME_PLACE = 0.6
"""Share that the places of a text and of the mark that it is have in common."""
_LOST = 0.5
"""Share of a mark that is there on the mean while none of its texts is, if they were lost."""


@dataclass(slots=True)
class FrameSampler:
    """Small gray pictures of a video, evenly spread over all of it."""

    looks: dict[int, Gray] = field(default_factory=dict)
    stride: int = 1
    seen: int = 0

    def add(self, frame: Frame) -> None:
        """Keep a look at a frame, thinning evenly so that memory stays bounded."""
        if self.seen % self.stride == 0:
            height, width = frame.y.shape
            scale = min(1.0, _LONG_SIDE / max(height, width))
            self.looks[frame.index] = _resized(frame.y, max(2, round(width * scale)), max(2, round(height * scale)))
        self.seen += 1
        if len(self.looks) > _MOST_LOOKS:
            self.stride *= 2
            self.looks = dict(list(self.looks.items())[::2])


@dataclass(frozen=True, slots=True)
class Watermark:
    """A mark on all frames, and how much of it each look shows by the look's frame: 1 as usual, 0 nothing."""

    track: Track
    shown: dict[int, float]


def detect(gallery: FrameSampler, size: tuple[int, int], frames: int) -> list[Watermark]:
    """Return each mark, without text, that is on all `frames` of a video of `size`."""
    if len(gallery.looks) < _LEAST_LOOKS:
        return []
    stack = np.stack(list(gallery.looks.values()))
    if float(np.percentile(stack[::2, ::4, ::4].std(axis=0), 75)) < _LIVELY:
        return []
    scale = max(size) / max(stack.shape[1:])
    return [
        Watermark(_track(edges, place, scale, size, frames), dict(zip(gallery.looks, shares.tolist(), strict=True)))
        for place, edges, shares in _marks(stack)
    ]


def suppress_explained(marks: Sequence[Watermark], texts: Sequence[Track], known: Sequence[Track]) -> list[Track]:
    """Return the marks that are more than `texts` to be removed, with what `known` tracks read of them.

    Where captions follow each other they have strokes in common too; only if the mark is there when none of them is, a
    text was lost now and then, and the mark has more of it.
    """
    result = []
    for mark in marks:
        parts = [text for text in texts if is_part(text, mark.track)]
        # Another text in its place may have strokes where the mark has.
        near = [text for text in texts if text.extent.common(mark.track.box)]
        alone = [share for index, share in mark.shown.items() if not any(t.first <= index <= t.last for t in near)]
        lost = len(alone) > 1 and sum(alone) > _LOST * len(alone)
        rest = mark.track if lost or not parts else _without(mark.track, parts)
        if rest is not None:
            # A logo looks like a letter now and then; a mark has words.
            words = [track for track in known if is_part(track, rest) and track.score > LEGIBLE and len(track.text) > 1]
            read = max(words, key=lambda track: track.score, default=rest)
            result.append(replace(rest, text=read.text, score=read.score))
    return result


def is_part(text: Track, mark: Track) -> bool:
    """Return True for a text that is a mark, or letters of it: a caption that crosses it has strokes of its own."""
    whole = text.box.united(mark.box)
    letters, strokes = (place_mask(whole, track.box, track.masks.usual) for track in (text, mark))
    own = float((letters & strokes).sum()) > _INSIDE * float(letters.sum())
    return text.path is None and (own or text.line.iou(mark.line) > _SAME_PLACE)


def _without(mark: Track, texts: Sequence[Track]) -> Track | None:
    """Return what is left of a mark beside texts; None when they are what was taken for one."""
    mask = mark.masks.usual.copy()
    for text in texts:
        part = text.line.moved(-mark.box.x0, -mark.box.y0)
        mask[max(0, part.y0) : max(0, part.y1), max(0, part.x0) : max(0, part.x1)] = False
    return mark.with_masks(usual=mask) if mask.sum() > _OWN * mark.masks.usual.sum() else None


def _marks(stack: NDArray[np.uint8]) -> Iterator[tuple[Box, BoolMask, FloatImage]]:
    """Yield where each mark lies, its edges there, and the share of them on each look.

    A few small pictures tell where to look closely.
    """
    count, height, width = stack.shape
    few = [_resized(look, width // 2, height // 2) for look in stack[:: max(1, count // _FEW_LOOKS)]]
    whole = _Part.of(np.stack(few), Box(0, 0, width // 2, height // 2))
    spots = sorted(whole.spots(_LEAST // 4, _JOIN // 2 | 1), key=lambda spot: -int(spot[1].sum()))
    for box, edges in spots[:_MOST_SPOTS]:
        near = Box(2 * box.x0, 2 * box.y0, 2 * box.x1, 2 * box.y1)
        place = near.padded(max(_AROUND, near.text_height), width, height)
        least = _least(near, width, height, calm=whole.staying(edges) <= _STILL_ANYWHERE)
        if least is not None:
            part = _Part.of(stack, place)
            own = part.mark(near.moved(-place.x0, -place.y0))
            if own.sum() >= least:
                yield place, own, part.shares(own)


def _least(box: Box, width: int, height: int, *, calm: bool) -> int | None:
    """Return how many edges a mark of this size in this place has at least, None where there is none.

    `calm` says that little else stays.
    """
    if box.x0 < 3 or box.y0 < 3 or box.x1 > width - 3 or box.y1 > height - 3:
        return None
    x, y = (box.x0 + box.x1) / 2 / width, (box.y0 + box.y1) / 2 / height
    cornered = min(x, 1 - x) < _CORNER and min(y, 1 - y) < _CORNER
    if cornered and box.width < _CORNERED * width and box.height < _CORNERED * height:
        return _LEAST
    return _MANY if calm and box.width < _WIDEST * width and box.height < _HIGHEST * height else None


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the pictures: the gradients of all looks, their median and usual steepness, and the edges that stay.

    `varies` tells by how many gray levels each sample does.
    """

    slopes: NDArray[np.int16]
    median: FloatImage
    usual: FloatMap
    edges: BoolMask
    varies: FloatMap

    @classmethod
    def of(cls, stack: NDArray[np.uint8], place: Box) -> _Part:
        looks = stack[(slice(None), *place.slices)]
        slopes = np.stack([[cv2.Sobel(look, cv2.CV_16S, *d, ksize=3) for d in ((1, 0), (0, 1))] for look in looks])
        median = (np.median(slopes, axis=0) / 8).astype(np.float32)
        usual = (np.hypot(*slopes.astype(np.float32).transpose(1, 0, 2, 3)) / 8).mean(axis=0)
        steep = np.hypot(*median)
        edges = _without_bars((steep > _EDGE) & (steep > _STAYS * usual))
        return cls(slopes, median, usual, edges, looks.astype(np.float32).std(axis=0))

    def spots(self, least: int, join: int) -> Iterator[tuple[Box, BoolMask]]:
        """Yield the groups of at least so many edges that stay, nearer to each other than `join`, with their place."""
        near = cv2.morphologyEx(self.edges.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((join, join), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(near)
        for label in range(1, count):
            x, y, width, height = (int(value) for value in stats[label][:4])
            own = (labels == label) & self.edges
            if own.sum() >= least:
                yield Box(x, y, x + width, y + height), own

    def staying(self, own: BoolMask) -> float:
        """Return the share of all edges but a mark's `own` that stay."""
        return float((self.edges & ~own).sum() / max(1, (self.usual > _EDGE).sum()))

    def mark(self, near: Box) -> BoolMask:
        """Return the edges of the mark around `near`, none where too much of the scene stays as well."""
        # What goes on beyond what is looked at is the scene.
        inner = Box(1, 1, self.edges.shape[1] - 1, self.edges.shape[0] - 1)
        own = np.zeros(self.edges.shape, bool)
        for box, edges in self.spots(_LEAST, _JOIN):
            if near.common(box) and inner.covers(box) and self._is_mark(edges, box):
                own |= edges
        return own if self.staying(own) <= _STILL else np.zeros(self.edges.shape, bool)

    def _is_mark(self, own: BoolMask, box: Box) -> bool:
        """Return True when edges are crisp, cover a livelier scene, and are always there."""
        if np.median(np.hypot(*self.median)[own]) < _CRISP:
            return False
        around = float(np.median(self.varies[_ring(box, own.shape)]))
        covers = own.sum() >= _MANY or np.median(self.varies[own]) < _COVERS * around
        return bool(covers and around > _LIVELY and (self.shares(own) > _THERE).mean() >= _ALWAYS)

    def shares(self, own: BoolMask) -> FloatImage:
        """Return how much of a mark's `own` edges each look has: 1 as usual, 0 without it, whatever the scene adds."""
        usual = self.median[:, own]
        slopes = self.slopes[:, :, own].astype(np.float32)
        shares: FloatImage = (slopes * usual).sum(axis=(1, 2)) / (8 * float((usual**2).sum()))
        return shares


def _without_bars(edges: BoolMask) -> BoolMask:
    """Return edges without lines from side to side: borders of black bars stay too, and tell nothing."""
    for axis in (0, 1):
        lines = (edges.mean(axis=axis) > _BAR).astype(np.uint8)
        near = np.convolve(lines, np.ones(5, np.uint8), mode="same") > 0
        edges = edges & ~(near[None, :] if axis == 0 else near[:, None])
    return edges


def _ring(box: Box, shape: tuple[int, int]) -> BoolMask:
    pad, gap = max(8, box.text_height // 2), 3
    ring = np.zeros(shape, bool)
    ring[max(0, box.y0 - pad) : box.y1 + pad, max(0, box.x0 - pad) : box.x1 + pad] = True
    ring[max(0, box.y0 - gap) : box.y1 + gap, max(0, box.x0 - gap) : box.x1 + gap] = False
    return ring


def _track(edges: BoolMask, place: Box, scale: float, size: tuple[int, int], frames: int) -> Track:
    """Return the track of a mark with `edges` at `place` of pictures that the video is larger than by `scale`."""
    near = cv2.morphologyEx(edges.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    outlines, _ = cv2.findContours(near, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    solid = cv2.drawContours(np.zeros_like(near), outlines, -1, 1, cv2.FILLED)
    x, y, width, height = cv2.boundingRect(solid)
    corners = (value * scale for value in (x + place.x0, y + place.y0, x + place.x0 + width, y + place.y0 + height))
    left, top, right, bottom = (round(value) for value in corners)
    line = Box(left, top, right, bottom)
    box = line.padded(round(3 * scale) + 2, *size)
    own = np.zeros((box.height, box.width), np.uint8)
    shape = (line.width, line.height)
    own[line.moved(-box.x0, -box.y0).slices] = cv2.resize(
        solid[y : y + height, x : x + width], shape, interpolation=cv2.INTER_NEAREST
    )
    reach = 2 * (round(scale) + 1) + 1
    mask = cv2.dilate(own, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))) > 0
    return Track(box=box, line=line, first=0, last=frames - 1, masks=MaskModel(usual=np.asarray(mask, bool)))


def _resized(picture: Gray, width: int, height: int) -> Gray:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
