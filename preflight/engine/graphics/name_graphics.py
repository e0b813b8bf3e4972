"""Graphics beside names: a note, a play button or a logo that is shown together with a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, Gray
from preflight.engine.core.box import Box
from preflight.engine.graphics.settings import DETECTOR
from preflight.engine.graphics.static_edges import StaticEdges, mark_track
from preflight.engine.graphics.watermarks import FrameSampler
from preflight.engine.model.known_marks import is_platform
from preflight.engine.model.rasterize import place_mask
from preflight.engine.model.track import LEGIBLE, Track


def add_graphics(tracks: Sequence[Track], gallery: FrameSampler, size: tuple[int, int]) -> list[Track]:
    """Return tracks, those of names with a graphic beside them, such as a note or a play button, with both.

    The graphic is what has static edges beside the text for as long as the text is there, in a scene that moves; on a
    ground of one colour, what stands out of it beside the name of a platform.

    Args:
        tracks: what is to be removed.
        gallery: samples of the video.
        size: width and height of its frames.
    """
    samples = {
        id(track): [sample for index, sample in gallery.samples.items() if track.first <= index <= track.last]
        for track in tracks
    }
    own = {
        id(track): _find_graphic(track, samples[id(track)], size, _beside(track, tracks))
        if _may_have_graphic(track)
        else None
        for track in tracks
    }
    # The longest first: it shows the graphic best.
    longest = sorted(tracks, key=lambda track: track.first - track.last)
    found = [graphic for graphic in (own[id(track)] for track in longest) if graphic is not None]
    result = []
    for track in tracks:
        graphic = own[id(track)]
        again = (known.found_again(track, samples[id(track)], size) for known in found if known.is_of(track, size))
        mark = graphic.mark if graphic is not None else next((mark for mark in again if mark is not None), None)
        result.append(track if mark is None else _joined(track, mark))
    return result


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
        return mark_track(self.edges, at, max(size) / max(height, width), size, 1)


def _may_have_graphic(track: Track) -> bool:
    """Return True for a text that stays at its place, as it is, without a box."""
    masks = track.masks
    plain = masks.plate is None and masks.translucent is None and masks.counter is None and not masks.by_frame
    return plain and track.path is None and not track.scaled and not track.lasting and bool(track.text)


def _beside(track: Track, tracks: Sequence[Track]) -> list[Box]:
    """Return the lines of the other texts that stand at the same time."""
    return [
        other.line
        for other in tracks
        if other is not track and other.path is None and other.first <= track.last and other.last >= track.first
    ]


def _find_graphic(
    track: Track, samples: Sequence[Gray], size: tuple[int, int], others: Sequence[Box]
) -> _Graphic | None:
    """Return the graphic beside a text, by its static edges; None without one. `others` are lines of other texts."""
    if len(samples) < DETECTOR.least_samples_beside:
        return None
    height, width = samples[0].shape
    line = _on_samples(track.line, size, (height, width))
    if line.width > DETECTOR.widest_name * width:
        return None
    near = line.padded(line.text_height, width, height)
    place = line.padded(max(DETECTOR.around, round(DETECTOR.reach_beside * line.text_height)), width, height)
    stack = np.stack(samples)
    part = StaticEdges.of(stack, place)
    own = part.mark(near.moved(-place.x0, -place.y0))
    if not _beyond(own, line, place, (width, height)).any():
        # In a scene that moves slowly its soft edges stay as well; a graphic's are about as steep as its name's.
        steep = np.hypot(*part.median)
        strokes = part.edges[line.moved(-place.x0, -place.y0).slices]
        if strokes.any():
            usual = float(np.median(steep[line.moved(-place.x0, -place.y0).slices][strokes]))
            own = replace(part, edges=part.edges & (steep > DETECTOR.as_steep * usual)).mark(
                near.moved(-place.x0, -place.y0)
            )
    if _beyond(own, line, place, (width, height)).sum() < DETECTOR.least_edges // 2:
        texts = [_on_samples(other, size, (height, width)).padded(2, width, height) for other in others]
        own = _on_even_ground(stack, line, place, texts) if is_platform(track.text) else np.zeros_like(own)
    if not _beyond(own, line, place, (width, height)).any():
        return None
    mark = mark_track(own, place, max(size) / max(height, width), size, 1)
    growth = max(mark.line.width / track.line.width, mark.line.height / track.line.height)
    if growth > DETECTOR.most_growth:
        return None
    x, y, across, down = cv2.boundingRect(own.astype(np.uint8))
    tight = Box(x, y, x + across, y + down)
    box = tight.moved(place.x0, place.y0)
    template = np.median(np.stack([sample[box.slices] for sample in samples]), axis=0).astype(np.uint8)
    return _Graphic(track.text, line, mark, template, box, own[tight.slices])


def _beyond(own: BoolMask, line: Box, place: Box, size: tuple[int, int]) -> BoolMask:
    """Return what of a mask of `place` lies outside a line and half its height around it."""
    result = own.copy()
    result[line.padded(line.text_height // 2, *size).moved(-place.x0, -place.y0).slices] = False
    return result


def _on_even_ground(stack: NDArray[np.uint8], line: Box, place: Box, texts: Sequence[Box]) -> BoolMask:
    """Return what stands out of a ground of one colour beside a line on samples, steady, compact and near it.

    Other `texts` are neither ground nor graphic.
    """
    inside, looks = line.moved(-place.x0, -place.y0), stack[(slice(None), *place.slices)]
    look = np.median(looks, axis=0)
    outside = np.ones(look.shape, bool)
    for text in (line, *texts):
        if text.common(place):
            part = text.moved(-place.x0, -place.y0)
            outside[max(0, part.y0) : max(0, part.y1), max(0, part.x0) : max(0, part.x1)] = False
    # The ground need not go on: a band above a film ends not far from the name.
    near_line = np.zeros(look.shape, bool)
    near_line[inside.padded(line.text_height, look.shape[1], look.shape[0]).slices] = True
    ring = outside & near_line
    if not ring.any():
        return ring
    ground = np.median(look[ring])
    stands_out = (np.abs(look - ground) > DETECTOR.even_ground) & (looks.std(axis=0) < DETECTOR.steady)
    found = np.zeros(look.shape, bool)
    if (stands_out & ring).sum() > DETECTOR.most_beside * ring.sum():
        return found
    near = cv2.morphologyEx((stands_out & outside).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(near)
    for label in range(1, count):
        x, y, across, down, area = (int(value) for value in stats[label])
        gap = max(x - inside.x1, inside.x0 - x - across, y - inside.y1, inside.y0 - y - down)
        ends = x > 0 and y > 0 and x + across < look.shape[1] and y + down < look.shape[0]
        small = max(across, down) < DETECTOR.largest_beside * line.text_height and area > DETECTOR.least_edges // 2
        if ends and small and gap < line.text_height // 2:
            found |= labels == label
    if found.any():
        found[inside.slices] |= stands_out[inside.slices]
    return found


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
