"""Watermarks and logos: graphics that stay at their place while the scene behind them moves.

No recogniser reads logos, and it loses translucent letters over a busy scene. Their edges give both away: the median of
the gradients over many frames keeps static edges and loses those of the scene (Dekel et al., *On the Effectiveness of
Visible Watermarks*, CVPR 2017). An edge is static when its median gradient exceeds the standard error of the median, so
marks of 15% opacity are found as well. A static camera keeps the whole scene's edges too, so nothing is detected there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, FloatImage, FloatMap, Gray, dilate
from preflight.engine.core.box import Box, join_words
from preflight.engine.graphics.settings import DETECTOR
from preflight.engine.media.decode import Frame
from preflight.engine.model.rasterize import place_mask
from preflight.engine.model.track import LEGIBLE, MaskModel, Track

_MEDIAN_ERROR = 1.85
"""Standard error of a median in median absolute deviations, times the root of the number of samples."""


@dataclass(slots=True)
class FrameSampler:
    """Small gray frames of a video, evenly spread over all of it.

    Attributes:
        samples: the frames by index, (height, width) each.
        stride: of the frames that are offered, one in so many is kept.
        seen: number of frames that were offered.
    """

    samples: dict[int, Gray] = field(default_factory=dict)
    stride: int = 1
    seen: int = 0

    def add(self, frame: Frame) -> None:
        """Offer a frame. The samples are thinned evenly, so that memory stays bounded."""
        if self.seen % self.stride == 0:
            height, width = frame.y.shape
            scale = min(1.0, DETECTOR.long_side / max(height, width))
            self.samples[frame.index] = _resized(frame.y, max(2, round(width * scale)), max(2, round(height * scale)))
        self.seen += 1
        if len(self.samples) > DETECTOR.most_samples:
            self.stride *= 2
            self.samples = dict(list(self.samples.items())[::2])


@dataclass(frozen=True, slots=True)
class Watermark:
    """A mark on all frames.

    Attributes:
        track: its place and mask.
        shown: how visible it is on each sampled frame, by index: 1 as usual, 0 not at all.
    """

    track: Track
    shown: dict[int, float]


def detect(gallery: FrameSampler, size: tuple[int, int], frames: int) -> list[Watermark]:
    """Return the watermarks and logos of a video.

    Args:
        gallery: samples of it.
        size: width and height of its frames.
        frames: number of its frames.
    """
    if len(gallery.samples) < DETECTOR.least_samples:
        return []
    stack = np.stack(list(gallery.samples.values()))
    if float(np.percentile(stack[::2, ::4, ::4].std(axis=0), 75)) < DETECTOR.lively:
        return []
    scale = max(size) / max(stack.shape[1:])
    return [
        Watermark(_track(edges, place, scale, size, frames), dict(zip(gallery.samples, shares.tolist(), strict=True)))
        for place, edges, shares in _marks(stack)
    ]


def suppress_explained(marks: Sequence[Watermark], texts: Sequence[Track], known: Sequence[Track]) -> list[Track]:
    """Return the marks that `texts` to be removed do not explain, with what `known` tracks read of them.

    Where captions follow each other they have strokes in common too; only if the mark is there when none of them is, a
    text was lost now and then, and the mark has more of it.
    """
    result = []
    for mark in marks:
        parts = [text for text in texts if is_part(text, mark.track)]
        # Another text in its place may have strokes where the mark has.
        near = [text for text in texts if text.extent.common(mark.track.box)]
        alone = [share for index, share in mark.shown.items() if not any(t.first <= index <= t.last for t in near)]
        lost = len(alone) > 1 and sum(alone) > DETECTOR.lost * len(alone)
        if lost or not parts or not _is_explained(mark, parts):
            # A logo looks like a letter now and then; a mark has words.
            words = [track for track in known if is_part(track, mark.track)]
            words = [track for track in words if track.score > LEGIBLE and len(track.text) > 1]
            read = max(words, key=lambda track: track.score, default=mark.track)
            result.append(replace(mark.track, text=read.text, score=read.score))
    return result


def is_part(text: Track, mark: Track) -> bool:
    """Return True for a text that is a mark, or letters of it: a caption that crosses it has strokes of its own."""
    whole = text.box.united(mark.box)
    letters, strokes = (place_mask(whole, track.box, track.masks.usual) for track in (text, mark))
    inside = float((letters & strokes).sum()) > DETECTOR.letters_inside * float(letters.sum())
    held = mark.line.common(text.line) > DETECTOR.held * text.line.area
    return text.path is None and (inside or held or text.line.iou(mark.line) > DETECTOR.same_place)


def add_graphics(tracks: Sequence[Track], gallery: FrameSampler, size: tuple[int, int]) -> list[Track]:
    """Return tracks, those of names with a graphic beside them, such as a note or a play button, with both.

    The graphic is what has static edges beside the text for as long as the text is there, in a scene that moves.

    Args:
        tracks: what is to be removed.
        gallery: samples of the video.
        size: width and height of its frames.
    """
    found: list[_Graphic] = []
    result: dict[int, Track] = {}
    # The longest first: it shows the graphic best.
    for track in sorted(tracks, key=lambda track: track.first - track.last):
        samples = [sample for index, sample in gallery.samples.items() if track.first <= index <= track.last]
        graphic = _find_graphic(track, samples, size) if _may_have_graphic(track) else None
        if graphic is not None and not any(known.is_of(track, size) for known in found):
            found.append(graphic)
        again = (known.found_again(track, samples, size) for known in found if known.is_of(track, size))
        mark = graphic.mark if graphic is not None else next((mark for mark in again if mark is not None), None)
        result[id(track)] = track if mark is None else _joined(track, mark)
    return [result[id(track)] for track in tracks]


@dataclass(frozen=True, slots=True)
class _Graphic:
    """A graphic beside a name, to be found again where the name stands elsewhere.

    Attributes:
        text: what the name says.
        line: the name's place on the samples.
        mark: graphic and name as a track.
        template: median of the samples of them, (height, width).
        box: place of the template on the samples.
        edges: static edges inside the template.
    """

    text: str
    line: Box
    mark: Track
    template: Gray
    box: Box
    edges: BoolMask

    def is_of(self, track: Track, size: tuple[int, int]) -> bool:
        """Return True for a track of the same name at the same size."""
        scale = max(size) / DETECTOR.long_side if max(size) > DETECTOR.long_side else 1.0
        height, width = track.line.height / scale, track.line.width / scale
        same = abs(height - self.line.height) < 4 and abs(width - self.line.width) < DETECTOR.same_size * width
        return track.text == self.text and track.score > LEGIBLE and same

    def found_again(self, track: Track, samples: Sequence[Gray], size: tuple[int, int]) -> Track | None:
        """Return the graphic at another place of its name, by template matching; None where it is not there."""
        if not samples or not _may_have_graphic(track):
            return None
        sample = np.median(np.stack(samples), axis=0).astype(np.uint8)
        height, width = sample.shape
        line = _on_samples(track.line, size, sample.shape)
        place = self.box.moved(line.x0 - self.line.x0, line.y0 - self.line.y0)
        area = place.padded(DETECTOR.shift, width, height)
        if area.width < place.width or area.height < place.height:
            return None
        scores = cv2.matchTemplate(np.ascontiguousarray(sample[area.slices]), self.template, cv2.TM_CCOEFF_NORMED)
        _, best, _, (x, y) = cv2.minMaxLoc(scores)
        if best < DETECTOR.alike:
            return None
        at = Box(area.x0 + x, area.y0 + y, area.x0 + x + self.edges.shape[1], area.y0 + y + self.edges.shape[0])
        return _track(self.edges, at, max(size) / max(height, width), size, 1)


def _may_have_graphic(track: Track) -> bool:
    """Return True for a text that stays at its place, as it is, without a box."""
    masks = track.masks
    plain = masks.plate is None and masks.translucent is None and masks.counter is None and not masks.by_frame
    return plain and track.path is None and not track.scaled and not track.lasting and bool(track.text)


def _find_graphic(track: Track, samples: Sequence[Gray], size: tuple[int, int]) -> _Graphic | None:
    """Return the graphic beside a text, by its static edges; None without one."""
    if len(samples) < DETECTOR.least_samples_beside:
        return None
    height, width = samples[0].shape
    line = _on_samples(track.line, size, (height, width))
    if line.width > DETECTOR.widest_name * width:
        return None
    near = line.padded(line.text_height, width, height)
    place = line.padded(max(DETECTOR.around, round(DETECTOR.reach_beside * line.text_height)), width, height)
    part = _Part.of(np.stack(samples), place)
    own = part.mark(near.moved(-place.x0, -place.y0))
    beyond = own.copy()
    beyond[line.padded(line.text_height // 2, width, height).moved(-place.x0, -place.y0).slices] = False
    if beyond.sum() < DETECTOR.least_edges // 2:
        return None
    mark = _track(own, place, max(size) / max(height, width), size, 1)
    growth = max(mark.line.width / track.line.width, mark.line.height / track.line.height)
    if growth > DETECTOR.most_growth:
        return None
    x, y, across, down = cv2.boundingRect(own.astype(np.uint8))
    tight = Box(x, y, x + across, y + down)
    box = tight.moved(place.x0, place.y0)
    template = np.median(np.stack([sample[box.slices] for sample in samples]), axis=0).astype(np.uint8)
    return _Graphic(track.text, line, mark, template, box, own[tight.slices])


def _on_samples(box: Box, size: tuple[int, int], shape: tuple[int, int]) -> Box:
    """Return the place of a box of the video on its samples of that shape."""
    scale = max(size) / max(shape)
    return Box(*(round(side / scale) for side in (box.x0, box.y0, box.x1, box.y1)))


def _joined(track: Track, mark: Track) -> Track:
    """Return a text together with the graphic beside it."""
    masks, box = track.masks, track.box.united(mark.box)
    usual, drawn = (place_mask(box, each.box, each.masks.usual) for each in (track, mark))
    ends = tuple((index, place_mask(box, track.box, mask) | drawn) for index, mask in masks.at_ends)
    grown = replace(masks, usual=usual | drawn, at_ends=ends, fade=None)
    return replace(track, box=box, line=track.line.united(mark.line), masks=grown)


def _is_explained(mark: Watermark, texts: Sequence[Track]) -> bool:
    """Return True when texts cover most of a mark.

    One that is there all the time has to cover its strokes by its own mask; else the mark is the better one. Of
    captions that follow each other the lines count.
    """
    own = mark.track.masks.usual
    span = DETECTOR.always * (mark.track.last - mark.track.first)
    always = any(text.last - text.first > span for text in texts)
    strokes = ~dilate(~own, DETECTOR.rim) if always else own
    rest = strokes.copy()
    for text in texts:
        if text.last - text.first > span:
            rest &= ~dilate(place_mask(mark.track.box, text.box, text.masks.usual), 1)
        else:
            line = text.line.moved(-mark.track.box.x0, -mark.track.box.y0)
            rest[max(0, line.y0) : max(0, line.y1), max(0, line.x0) : max(0, line.x1)] = False
    return bool(rest.sum() <= (DETECTOR.explained_lasting if always else DETECTOR.explained) * strokes.sum())


def _marks(stack: NDArray[np.uint8]) -> Iterator[tuple[Box, BoolMask, FloatImage]]:
    """Yield the surroundings of each mark, its edges there, and how visible it is on each sample.

    A few small samples tell where to look closely.
    """
    count, height, width = stack.shape
    few = [_resized(sample, width // 2, height // 2) for sample in stack[:: max(1, count // DETECTOR.coarse_samples)]]
    whole = _Part.of(np.stack(few), Box(0, 0, width // 2, height // 2))
    spots = sorted(whole.spots(DETECTOR.least_edges // 4, DETECTOR.join // 2 | 1), key=lambda spot: -int(spot[1].sum()))
    calm = whole.static_cells() <= DETECTOR.static_cells
    for box in join_words(box for box, _ in spots[: DETECTOR.most_spots]):
        near = Box(2 * box.x0, 2 * box.y0, 2 * box.x1, 2 * box.y1)
        place = near.padded(max(DETECTOR.around, near.text_height), width, height)
        least = _least(near, width, height, calm=calm)
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
    cornered = min(x, 1 - x) < DETECTOR.corner and min(y, 1 - y) < DETECTOR.corner
    if cornered and box.width < DETECTOR.corner_size * width and box.height < DETECTOR.corner_size * height:
        return DETECTOR.least_edges
    return (
        DETECTOR.many_edges
        if calm and box.width < DETECTOR.widest * width and box.height < DETECTOR.highest * height
        else None
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the samples.

    Attributes:
        slopes: gradients times eight, (samples, 2, height, width).
        median: median gradient, (2, height, width), levels per pixel.
        usual: mean steepness, (height, width).
        edges: static edges.
        varies: variation of each pixel, levels.
    """

    slopes: NDArray[np.int16]
    median: FloatImage
    usual: FloatMap
    edges: BoolMask
    varies: FloatMap

    @classmethod
    def of(cls, stack: NDArray[np.uint8], place: Box) -> _Part:
        samples = stack[(slice(None), *place.slices)]
        slopes = np.stack(
            [[cv2.Sobel(sample, cv2.CV_16S, *d, ksize=3) for d in ((1, 0), (0, 1))] for sample in samples]
        )
        median = np.median(slopes, axis=0).astype(np.float32)
        deviation = np.median(np.abs(slopes - median.astype(np.int16)), axis=0).astype(np.float32)
        error = _MEDIAN_ERROR * np.hypot(*deviation) / 8 / np.sqrt(len(samples))
        usual = (np.hypot(*slopes.astype(np.float32).transpose(1, 0, 2, 3)) / 8).mean(axis=0)
        steep = np.hypot(*median) / 8
        static = steep > DETECTOR.significance * np.maximum(error, DETECTOR.error_floor)
        edges = _without_bars(static & (steep > DETECTOR.edge))
        return cls(slopes, median / 8, usual, edges, samples.astype(np.float32).std(axis=0))

    def static_cells(self) -> float:
        """Return the share of the textured cells of a grid that have static edges."""
        height, width = (side // DETECTOR.cell * DETECTOR.cell for side in self.edges.shape)
        shape = (height // DETECTOR.cell, DETECTOR.cell, width // DETECTOR.cell, DETECTOR.cell)
        textured, static = (
            part[:height, :width].reshape(shape).sum(axis=(1, 3)) > DETECTOR.cell // 2
            for part in (self.usual > DETECTOR.scene_edge, self.edges)
        )
        return float((textured & static).sum() / max(1, textured.sum()))

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
        """Return the share of textured pixels beside a mark's `own` edges that are static too, 1 without texture."""
        beside, static = ~dilate(own, 2), np.hypot(*self.median) > DETECTOR.persistent * self.usual
        for edge in (DETECTOR.scene_edge, DETECTOR.soft_edge):
            textured = (self.usual > edge) & beside
            if textured.sum() >= DETECTOR.textured * textured.size:
                return float((static & textured).sum() / textured.sum())
        return 1.0

    def mark(self, near: Box) -> BoolMask:
        """Return the edges of the mark around `near`, none where too much of the scene is static as well."""
        # What goes on beyond the surroundings is the scene.
        inner = Box(1, 1, self.edges.shape[1] - 1, self.edges.shape[0] - 1)
        own = np.zeros(self.edges.shape, bool)
        for box, edges in self.spots(DETECTOR.least_edges // 4, DETECTOR.join):
            if near.common(box) and inner.covers(box):
                own |= edges
        found = own.any() and self._is_mark(own, near) and self.staying(own) <= DETECTOR.static_around
        return own if found else np.zeros(self.edges.shape, bool)

    def _is_mark(self, own: BoolMask, box: Box) -> bool:
        """Return True when edges are crisp, cover a livelier scene, and are always there."""
        steep = np.hypot(*self.median)
        beside = dilate(own, DETECTOR.beside) & ~dilate(own, 2)
        if np.median(steep[own]) < DETECTOR.crisp * float(np.percentile(steep[beside], 75)):
            return False
        around = float(np.median(self.varies[_ring(box, self.edges.shape)]))
        covers = own.sum() >= DETECTOR.many_edges or np.median(self.varies[own]) < DETECTOR.covers * around
        visible = (self.shares(own) > DETECTOR.visible).mean() >= DETECTOR.always
        return bool(covers and around > DETECTOR.lively and visible)

    def shares(self, own: BoolMask) -> FloatImage:
        """Return how much of a mark's `own` edges each sample has: 1 as usual, 0 without."""
        usual = self.median[:, own]
        slopes = self.slopes[:, :, own].astype(np.float32)
        shares: FloatImage = (slopes * usual).sum(axis=(1, 2)) / (8 * float((usual**2).sum()))
        return shares


def _without_bars(edges: BoolMask) -> BoolMask:
    """Return edges without lines from side to side: borders of black bars stay too, and tell nothing.

    A wide mark has as many edges in a row, but ends before the sides.
    """
    for axis in (0, 1):
        lines = edges if axis == 0 else edges.T
        end = max(1, lines.shape[0] // 10)
        sides = np.minimum(lines[:end].mean(axis=0), lines[-end:].mean(axis=0))
        bars = (lines.mean(axis=0) > DETECTOR.bar) & (sides > DETECTOR.bar / 2)
        near = np.convolve(bars.astype(np.uint8), np.ones(5, np.uint8), mode="same") > 0
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
