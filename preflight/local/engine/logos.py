"""Pictures put on top of a video, such as a channel's logo: what stays in a corner while the scene behind it moves.

No recogniser reads them. What gives them away is their edges: the median of the gradients over many looks keeps the
edges of what stays and loses those of what passes (Dekel et al., *On the Effectiveness of Visible Watermarks*, CVPR
2017). A camera that stands still keeps the whole scene's edges too, so there nothing is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.local.engine.frames import Frame
from preflight.local.engine.geometry import Box
from preflight.local.engine.glyphs import Mask, Picture, Plane32
from preflight.local.engine.tracks import Track

_LONG_SIDE = 640
"""Samples on the longer side of the pictures that are looked at."""
_MOST_LOOKS, _LEAST_LOOKS = 48, 12
_CORNER = 0.3
"""Share of either side that a corner takes up; logos elsewhere are rare, and dashboards and horizons are not."""
_LARGEST = 0.25
"""Share of either side that a logo takes up at most."""
_EDGE, _STAYS = 4.0, 0.6
"""Gray levels a sample that an edge has, and the median's share of their mean where an edge stays."""
_CRISP, _LEAST = 8.0, 40
"""Median steepness of a logo's edges and how many samples of them it has at least."""
_STILL = 0.05
"""Share of a corner's other edges that stay from which on the camera may stand still."""
_LIVELY = 6.0
"""Gray levels by which what is around a logo varies at least."""
_COVERS = 0.8
"""Share of that variation which a logo lets through at most; a thing that stood still for a while has more."""
_ALWAYS, _THERE = 0.85, 0.15
"""Share of the looks on which a logo is, and share of its usual edges from which on it is there."""
_OWN = 0.4
"""Share of a logo that no text explains."""
_JOIN = 9
"""Samples between the parts of one logo."""


@dataclass(slots=True)
class Gallery:
    """Small gray pictures of a video, evenly spread over all of it."""

    looks: list[Picture] = field(default_factory=list)
    stride: int = 1
    seen: int = 0

    def add(self, frame: Frame) -> None:
        """Keep a look at a frame, thinning evenly so that memory stays bounded."""
        if self.seen % self.stride == 0:
            height, width = frame.y.shape
            scale = min(1.0, _LONG_SIDE / max(height, width))
            size = max(1, round(width * scale)), max(1, round(height * scale))
            self.looks.append(np.asarray(cv2.resize(frame.y, size, interpolation=cv2.INTER_AREA), np.uint8))
        self.seen += 1
        if len(self.looks) > _MOST_LOOKS:
            self.stride *= 2
            self.looks = self.looks[::2]


def found(gallery: Gallery, texts: Sequence[Track], size: tuple[int, int], frames: int) -> list[Track]:
    """Return a track, without text, for each logo that is on all `frames` of a video of `size`.

    `texts` are known already: their letters are no logos.
    """
    looks = gallery.looks
    if len(looks) < _LEAST_LOOKS:
        return []
    stack = np.stack(looks)
    if float(np.percentile(stack[::2, ::4, ::4].std(axis=0), 75)) < _LIVELY:
        return []
    scale = max(size) / max(stack.shape[1:])
    corners = [_Corner.of(stack, place) for place in _corners(stack.shape[2], stack.shape[1])]
    tracks = [_track(part, corner.place, scale, size, frames) for corner in corners for part in corner.logos()]
    return [rest for track in tracks if (rest := _without(track, texts)) is not None]


def _corners(width: int, height: int) -> Iterator[Box]:
    # Beyond the corner itself lies what the surroundings of a logo are told by.
    across, down = round(1.2 * _CORNER * width), round(1.2 * _CORNER * height)
    for x in (0, width - across):
        for y in (0, height - down):
            yield Box(x, y, x + across, y + down)


@dataclass(frozen=True, slots=True)
class _Corner:
    """A corner of the pictures: the gradients of all looks, their median and usual steepness, and the edges that stay.

    `varies` tells by how many gray levels each sample does.
    """

    place: Box
    whole: tuple[int, int]
    slopes: NDArray[np.int16]
    median: Plane32
    usual: Plane32
    edges: Mask
    varies: Plane32

    @classmethod
    def of(cls, stack: NDArray[np.uint8], place: Box) -> _Corner:
        looks = stack[(slice(None), *place.slices)]
        slopes = np.stack([[cv2.Sobel(look, cv2.CV_16S, *d, ksize=3) for d in ((1, 0), (0, 1))] for look in looks])
        median = (np.median(slopes, axis=0) / 8).astype(np.float32)
        usual = (np.hypot(*slopes.astype(np.float32).transpose(1, 0, 2, 3)) / 8).mean(axis=0)
        steep = np.hypot(*median)
        edges = (steep > _EDGE) & (steep > _STAYS * usual)
        varies = looks.astype(np.float32).std(axis=0)
        return cls(place, (stack.shape[2], stack.shape[1]), slopes, median, usual, edges, varies)

    def logos(self) -> list[Mask]:
        """Return the edges of each logo in this corner, none where the scene stands as still as they do."""
        parts = list(self._parts())
        others = int(self.edges.sum()) - sum(int(part.sum()) for part in parts)
        return parts if others <= _STILL * int((self.usual > _EDGE).sum()) else []

    def _parts(self) -> Iterator[Mask]:
        joined = cv2.morphologyEx(self.edges.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((_JOIN, _JOIN), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
        for label in range(1, count):
            x, y, width, height = (int(value) for value in stats[label][:4])
            part = (labels == label) & self.edges
            if part.sum() >= _LEAST and self._is_logo(part, Box(x, y, x + width, y + height)):
                yield part

    def _is_logo(self, part: Mask, box: Box) -> bool:
        place, (width, height) = box.moved(self.place.x0, self.place.y0), self.whole
        x, y = (place.x0 + place.x1) / 2 / width, (place.y0 + place.y1) / 2 / height
        cornered = min(x, 1 - x) < _CORNER and min(y, 1 - y) < _CORNER
        small = box.width < _LARGEST * width and box.height < _LARGEST * height
        # What goes on beyond the picture or the corner is the scene.
        seen = Box(1, 1, self.edges.shape[1] - 1, self.edges.shape[0] - 1)
        inside = seen.covers(box)
        if not (cornered and small and inside):
            return False
        if np.median(np.hypot(*self.median)[part]) < _CRISP:
            return False
        around = float(np.median(self.varies[_ring(box, self.edges.shape)]))
        covers = np.median(self.varies[part]) < _COVERS * around
        return bool(covers and around > _LIVELY and self._is_always_on(part))

    def _is_always_on(self, part: Mask) -> bool:
        own = self.median[:, part]
        slopes = self.slopes[:, :, part].astype(np.float32)
        # How much of the logo each look has: 1 as usual, 0 without it, whatever the scene adds.
        share = (slopes * own).sum(axis=(1, 2)) / (8 * float((own**2).sum()))
        return bool((share > _THERE).mean() >= _ALWAYS)


def _ring(box: Box, shape: tuple[int, ...]) -> Mask:
    pad, gap = max(8, box.text_height // 2), 3
    ring = np.zeros(shape, bool)
    ring[max(0, box.y0 - pad) : box.y1 + pad, max(0, box.x0 - pad) : box.x1 + pad] = True
    ring[max(0, box.y0 - gap) : box.y1 + gap, max(0, box.x0 - gap) : box.x1 + gap] = False
    return ring


def _track(part: Mask, place: Box, scale: float, size: tuple[int, int], frames: int) -> Track:
    """Return the track of a logo with edges `part` at `place` of pictures that the video is larger than by `scale`."""
    near = cv2.morphologyEx(part.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
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
    return Track(box=box, line=line, first=0, last=frames - 1, mask=np.asarray(mask, bool), certainty=1.0)


def _without(logo: Track, texts: Sequence[Track]) -> Track | None:
    """Return what is left of a logo beside texts; None when they are what was taken for one."""
    mask = logo.mask.copy()
    for text in (text for text in texts if text.path is None):
        part = text.line.moved(-logo.box.x0, -logo.box.y0)
        mask[max(0, part.y0) : max(0, part.y1), max(0, part.x0) : max(0, part.x1)] = False
    return replace(logo, mask=mask) if mask.sum() > _OWN * logo.mask.sum() else None
