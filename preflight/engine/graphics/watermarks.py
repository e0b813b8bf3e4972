"""Watermarks and logos: graphics that stay at their place while the scene behind them moves.

No recogniser reads logos, and it loses translucent letters over a busy scene. Their edges give both away: the median of
the gradients over many frames keeps static edges and loses those of the scene (Dekel et al., *On the Effectiveness of
Visible Watermarks*, CVPR 2017). An edge is static when its median gradient exceeds the standard error of the median, so
marks of 15% opacity are found as well. A static camera keeps the whole scene's edges too, so nothing is detected there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, FloatImage, Gray, dilate
from preflight.engine.core.box import Box, join_words
from preflight.engine.graphics.settings import DETECTOR
from preflight.engine.graphics.static_edges import StaticEdges, content_area, downscaled, mark_track
from preflight.engine.media.decode import Frame
from preflight.engine.model.rasterize import place_mask
from preflight.engine.model.track import LEGIBLE, Track


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
            self.samples[frame.index] = downscaled(frame.y, max(2, round(width * scale)), max(2, round(height * scale)))
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
    found = []
    for place, edges, shares in _marks(stack):
        track, shown = (
            mark_track(edges, place, scale, size, frames),
            dict(zip(gallery.samples, shares.tolist(), strict=True)),
        )
        found.append(Watermark(_clipped(track, shown), shown))
    return found


def _clipped(track: Track, shown: dict[int, float]) -> Track:
    """Return the track of a mark without the frames up to the last sample before it comes, and after it goes."""
    visible = [index for index, share in shown.items() if share > DETECTOR.visible]
    before = max((index for index in shown if index < visible[0]), default=-1)
    after = min((index for index in shown if index > visible[-1]), default=track.last + 1)
    return replace(track, first=before + 1, last=after - 1)


def suppress_explained(marks: Sequence[Watermark], texts: Sequence[Track], known: Sequence[Track]) -> list[Track]:
    """Return the marks that `texts` to be removed do not explain, with what `known` tracks read of them.

    Where captions follow each other they have strokes in common too; only if the mark is there when none of them is, or
    is always as visible, a text was lost now and then, and the mark has more of it.
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


def _is_explained(mark: Watermark, texts: Sequence[Track]) -> bool:
    """Return True when the masks of texts that stay as a mark does cover nearly all of its strokes.

    Without such a text, those that follow each other there explain it unless it is always visible: then they are pieces
    of it that the tracker lost. Strokes that captions have in common by chance are not on every sample.
    """
    span = DETECTOR.lasts * (mark.track.last - mark.track.first)
    own = int(mark.track.masks.usual.sum())
    texts = [text for text in texts if not _is_bloated(text, mark.track.line, own)]
    if not any(text.last - text.first > span for text in texts):
        return float(np.percentile(list(mark.shown.values()), 10)) < DETECTOR.unbroken
    strokes = ~dilate(~mark.track.masks.usual, DETECTOR.rim)
    rest = strokes.copy()
    for text in texts:
        if text.last - text.first > span:
            rest &= ~dilate(place_mask(mark.track.box, text.box, text.masks.usual), 1)
    return bool(rest.sum() <= DETECTOR.explained * strokes.sum())


def _is_bloated(text: Track, line: Box, strokes: int) -> bool:
    """Return True for a text inside the line of a mark whose mask is much larger than the strokes of the mark."""
    inside = line.common(text.line) > DETECTOR.nearly_all * text.line.area
    return inside and int(text.masks.usual.sum()) > DETECTOR.bloated * strokes


def _marks(stack: NDArray[np.uint8]) -> Iterator[tuple[Box, BoolMask, FloatImage]]:
    """Yield the surroundings of each mark, its edges there, and how visible it is on each sample.

    A few small samples tell where to look closely.
    """
    area = content_area(stack)
    shown = stack[(slice(None), *area.slices)]
    count, height, width = shown.shape
    few = [downscaled(look, width // 2, height // 2) for look in shown[:: max(1, count // DETECTOR.coarse_samples)]]
    whole = StaticEdges.of(np.stack(few), Box(0, 0, width // 2, height // 2))
    spots = sorted(whole.spots(DETECTOR.least_edges // 4, DETECTOR.join // 2 | 1), key=lambda spot: -int(spot[1].sum()))
    calm = whole.static_cells() <= DETECTOR.static_cells
    for box in join_words(box for box, _ in spots[: DETECTOR.most_spots]):
        near = Box(2 * box.x0, 2 * box.y0, 2 * box.x1, 2 * box.y1)
        place = near.padded(max(DETECTOR.around, near.text_height), width, height)
        least = _least(near.moved(area.x0, area.y0), *stack.shape[:0:-1], calm=calm)
        if least is not None:
            part = StaticEdges.of(shown, place)
            own = part.mark(near.moved(-place.x0, -place.y0))
            if own.sum() >= least:
                yield place.moved(area.x0, area.y0), own, part.shares(own)


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
