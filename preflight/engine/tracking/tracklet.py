"""A tracklet: a track in the making, from the first detection of a line to its exact first and last frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, FloatMap, Gray, channel_max
from preflight.engine.core.box import Box
from preflight.engine.detect.ocr import TEXT_PROBABILITY, OcrReading, read_line, text_map
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import LEGIBLE, MaskModel, Track, TrackEvidence
from preflight.engine.motion.relative import UNKNOWN, RelativeMotion
from preflight.engine.motion.template_match import LineTemplate, Offset, TemplateMatch
from preflight.engine.segment import counter, outlines, text_mask
from preflight.engine.segment import strokes as glyphs
from preflight.engine.segment.counter import CounterModel
from preflight.engine.tracking import appearance, counters, transitions
from preflight.engine.tracking.settings import SPELLING, TRACKLET
from preflight.engine.tracking.spelling import spelled_strokes
from preflight.engine.tracking.transitions import Moment, Scene


@dataclass(slots=True, kw_only=True)
class Tracklet:
    """A track in the making, with pictures of its box by frame index.

    `crops` are those of samples that show the text, `edges` those around its first and last frame; `moments` hold what
    the whole frame shows there. `scaled` text grows or shrinks, the digits of `ticking` text change.
    """

    line: Box
    box: Box
    seen_first: int
    seen_last: int
    crops: dict[int, BGR] = field(default_factory=dict)
    edges: dict[int, BGR] = field(default_factory=dict)
    moments: dict[int, Moment] = field(default_factory=dict)
    stride: int = 1
    seen: int = 0
    template: appearance.AppearanceTemplate | None = None
    offset: Offset = (0, 0)
    path: dict[int, Offset] = field(default_factory=dict)
    relative_motion: RelativeMotion = UNKNOWN
    scaled: bool = False
    ticking: bool = False
    readings: list[OcrReading] = field(default_factory=list)

    @property
    def current_line(self) -> Box:
        """The line where it was seen last."""
        return self.line.moved(*self.offset)

    @property
    def current_box(self) -> Box:
        """The padded box where the line was seen last."""
        return self.box.moved(*self.offset)

    def note(self, frame: Frame) -> None:
        """Keep what a frame near the first or last one of the text shows."""
        crop = frame.color(self.box)
        self.moments[frame.index] = Moment(crop, Scene.of(frame))
        # Between the first and the last sample, only samples are kept.
        if not self.seen_first < frame.index < self.seen_last:
            self.edges[frame.index] = crop

    def read(self) -> None:
        """Read the text by the median of its pictures so far."""
        if self.template is not None:
            self.readings.append(read_line(self.template.crop[_within(self.line, self.box)]))

    @property
    def reading(self) -> OcrReading:
        """What the recogniser read of the text at first."""
        return self.readings[0] if self.readings else OcrReading("", 0.0)

    def notice_ticking(self) -> None:
        """Find out from the pictures of the samples whether the text is a clock or a counter."""
        if (
            self.ticking
            or self.path
            or len(self.crops) < 2
            or not (self.confirmed and counters.has_digits(self.reading))
        ):
            return
        place, crops = _within(self.line, self.box), list(self.crops.values())
        # Near ones too: over a long time too much of a clock changes for one text.
        pairs = {(0, len(crops) // 2), (0, len(crops) - 1), (len(crops) - 2, len(crops) - 1)}
        readings = {number: read_line(crops[number][place]) for pair in pairs for number in pair}
        self.ticking = any(counters.differ_in_digits(readings[a], readings[b]) for a, b in pairs)

    @property
    def confirmed(self) -> bool:
        """True when the recogniser read the text with confidence at first."""
        return self.reading.score > LEGIBLE

    @property
    def letters(self) -> int:
        """Letters of the longest likely reading."""
        likely = [reading.text for reading in self.readings if reading.score > TRACKLET.doubtful]
        return max((sum(letter.isalnum() for letter in text) for text in likely), default=0)

    def keep(self, index: int, crop: BGR) -> None:
        """Keep the picture of a sample that shows the text, thinned evenly so that memory stays bounded."""
        if self.seen % self.stride == 0:
            self.crops[index] = crop
        self.seen += 1
        if len(self.crops) > TRACKLET.max_crops:
            self.stride *= 2
            self.crops = dict(list(self.crops.items())[::2])

    @property
    def line_template(self) -> LineTemplate:
        """The template of the line, without the padding of its box."""
        assert self.template is not None  # noqa: S101
        inside = self.line.moved(-self.box.x0, -self.box.y0).slices
        gray: Gray = cv2.cvtColor(self.template.crop[inside], cv2.COLOR_BGR2GRAY)
        return LineTemplate(gray, self.template.band[inside].astype(np.uint8))

    def course(self, span: int) -> tuple[tuple[int, Offset], tuple[int, Offset]]:
        """Return two known places (frame, offset) of moving text, up to `span` frames apart, the last one second."""
        last = self.seen_last
        first = min((index for index in self.path if last - span <= index < last), default=last - 1)
        return (first, self.path.get(first, self.offset)), (last, self.offset)

    @property
    def inner(self) -> BoolMask:
        """Mask of the line inside the padded box [H, W]."""
        inside = np.zeros((self.box.height, self.box.width), bool)
        line, box = self.line, self.box
        inside[
            max(0, line.y0 - box.y0 - 2) : line.y1 - box.y0 + 2, max(0, line.x0 - box.x0 - 2) : line.x1 - box.x0 + 2
        ] = True
        return inside


def learn_strokes(tracklet: Tracklet, crops: list[BGR]) -> tuple[glyphs.Strokes, BGR, FloatMap]:
    """Find the strokes on pictures of the box, and learn the template of the tracklet from them."""
    if tracklet.ticking:
        crops = crops[-1:]
    crop, spread = glyphs.median_and_spread(crops)
    strokes = glyphs.find_strokes(crop, spread, tracklet.line.text_height, tracklet.inner)
    if strokes.found and strokes.certainty < SPELLING.sure and not tracklet.ticking:
        place = _within(tracklet.line, tracklet.box)
        strokes = spelled_strokes(strokes, crop, spread, tracklet.line.text_height, tracklet.inner, place)
    if strokes.found:
        tracklet.template = appearance.learn_template(crop, strokes, crops)
    return strokes, crop, spread


def complete_line(tracklet: Tracklet, crop: BGR, strokes: glyphs.Strokes) -> Box:
    """Return the tracklet's line, grown by the rest of the letters that its border cuts through.

    Args:
        tracklet: a tracklet with a line and a padded box.
        crop: the box on one frame [H, W, 3].
        strokes: the letters inside the line on that frame.
    """
    line, box = tracklet.line, tracklet.box
    height, level = line.text_height, line.width >= line.height
    everywhere = np.ones(crop.shape[:2], bool)
    fill = glyphs.segment_like(crop, strokes, everywhere, height) | strokes.fill
    _, labels, stats, _ = cv2.connectedComponentsWithStats(fill.astype(np.uint8), connectivity=4)
    cut = set(np.unique(labels[strokes.fill]).tolist()) - {0}
    for x, y, w, h, _ in stats[sorted(cut)].tolist():
        part = Box(x, y, x + w, y + h).moved(box.x0, box.y0)
        # Along the line only: what makes it higher are letters of the next one that touch it.
        if level and w < TRACKLET.max_letter * height and h <= line.height:
            line = line.united(Box(part.x0, line.y0, part.x1, line.y1))
        elif not level and h < TRACKLET.max_letter * height and w <= line.width:
            line = line.united(Box(line.x0, part.y0, line.x1, part.y1))
    return line


def finish_tracklet(tracklet: Tracklet, others: Sequence[Box]) -> Track | None:
    """Turn a tracklet that has ended into a track: strokes from all pictures, exact first and last frame, the reading.

    Args:
        tracklet: the tracklet.
        others: lines of text about its time, whose coming and going is no change of the scene.

    Returns:
        The track; None when there are no strokes after all.
    """
    tracklet.notice_ticking()
    crops = _full_contrast_crops(tracklet)
    strokes, crop, spread = learn_strokes(tracklet, crops)
    if tracklet.template is None:
        return None
    first, last = _edges(tracklet)
    reading = read_line(crop[_within(tracklet.line, tracklet.box)])
    tracklet.readings.append(reading)
    changing = _changing(tracklet, first, last, reading)
    before, after = min((first, *changing)), max((last, *changing))
    changes = _changes(tracklet, (first, last), (before, after), others)
    inner, height = tracklet.inner, tracklet.line.text_height
    if tracklet.ticking:
        inner &= counter.digit_area(strokes.fill)
        strokes, crop, spread = counter.static_strokes(strokes, crops)
    usual = not (tracklet.scaled or tracklet.ticking)
    place = text_mask.TextCrop(crop=crop, spread=spread, inner=inner, height=height, changing=not usual)
    own = text_mask.fit_text_mask(place, strokes, changes)
    alone = _alone(tracklet, others)
    outside = _match_near(tracklet, before - 1), _match_near(tracklet, after + 1)
    return Track(
        box=tracklet.box,
        line=tracklet.line,
        first=before,
        last=after,
        text=reading.text,
        score=reading.score,
        readings=tuple(tracklet.readings),
        color=strokes.color,
        path=tuple(tracklet.path[index] for index in range(first, last + 1)) if tracklet.path else None,
        scaled=tracklet.scaled,
        masks=MaskModel(
            usual=own.mask,
            rim=own.rim,
            at_ends=tuple((index, own.on(tracklet.edges[index])) for index in changing),
            counter=CounterModel(own, tracklet.box) if tracklet.ticking else None,
            plate=own.ground,
        ),
        evidence=TrackEvidence(
            certainty=strokes.certainty,
            outlined=_is_outlined(own, strokes),
            appears=not tracklet.path and before - 1 in tracklet.edges,
            vanishes=not tracklet.path and after + 1 in tracklet.edges,
            isolated=(
                before - 1 in alone[0] or transitions.loses_contrast(tracklet.template, alone[0]),
                after + 1 in alone[1] or transitions.loses_contrast(tracklet.template, alone[1]),
            ),
            gradual=(
                transitions.is_fade(tracklet.template, alone[0]),
                transitions.is_fade(tracklet.template, alone[1]),
            ),
            match_outside=(outside[0].score, outside[1].score),
            slips=any(map(_has_slipped, outside)),
            flat_ground=_flat_ground(crop, strokes, own),
            text_probability=0.0 if _is_read(reading) else _text_probability(tracklet, crop),
            motion=tracklet.relative_motion,
        ),
    )


def _match_near(tracklet: Tracklet, index: int) -> TemplateMatch:
    """Return where a frame on which the text isn't as usual has it, at its place or a little beside it, and how well.

    What is left of a fade matches too, but faintly; that is none.
    """
    crop, template, line, box = tracklet.edges.get(index), tracklet.line_template, tracklet.line, tracklet.box
    if crop is None or tracklet.path:
        return TemplateMatch((0, 0), 0.0)
    gray = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    scores = cv2.matchTemplate(gray, template.gray, cv2.TM_CCOEFF_NORMED, mask=template.near)
    _, best, _, (x, y) = cv2.minMaxLoc(np.nan_to_num(scores, nan=-1.0, posinf=-1.0, neginf=-1.0))
    height, width = template.gray.shape
    inside = template.near > 0
    own, there = (part[inside].astype(np.float32) for part in (template.gray, gray[y : y + height, x : x + width]))
    gain = float((own - own.mean()) @ (there - there.mean())) / max(1.0, float(((own - own.mean()) ** 2).sum()))
    offset = x - line.x0 + box.x0, y - line.y0 + box.y0
    known = tracklet.template
    # A still scene beside thin letters looks as it did with them.
    scene = offset == (0, 0) and known is not None and appearance.is_gone(known, crop)
    return TemplateMatch(offset, float(best) if gain > TRACKLET.same_contrast and not scene else 0.0)


def _is_read(reading: OcrReading) -> bool:
    return reading.score > LEGIBLE and len(reading.text) > 1


def _flat_ground(crop: BGR, strokes: glyphs.Strokes, own: text_mask.TextMask) -> float:
    """Return the share of the pixels beside the letters, and beyond their outline, that have one colour."""
    beyond = 2 * (own.reach + TRACKLET.beyond_outline) + 1
    ground = cv2.dilate(strokes.fill.astype(np.uint8), np.ones((beyond, beyond), np.uint8)) == 0
    if ground.sum() < TRACKLET.min_ground * ground.size:
        ground = cv2.dilate(strokes.fill.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    if not ground.any():
        return 0.0
    apart = np.abs(crop[ground].astype(np.int16) - np.median(crop[ground], axis=0).astype(np.int16)).max(axis=1)
    return float((apart <= TRACKLET.one_color).mean())


def _text_probability(tracklet: Tracklet, crop: BGR) -> float:
    """Return how sure the detector is of the line on a close-up, at the scale that suits its height."""
    scale = min(1.0, TRACKLET.close_up / max(1, tracklet.line.text_height))
    size = (max(32, round(side * scale / 32) * 32) for side in (tracklet.box.width, tracklet.box.height))
    small = np.asarray(cv2.resize(crop, tuple(size), interpolation=cv2.INTER_AREA), np.uint8)
    probability = text_map(small)
    marked = probability > TEXT_PROBABILITY
    return float(probability[marked].mean()) if marked.any() else 0.0


def _is_outlined(own: text_mask.TextMask, strokes: glyphs.Strokes) -> bool:
    crop, inner, height = own.place.crop, own.place.inner, own.place.height
    # Between letters in the colour of their ground and gaps between letters there is no telling.
    sure = own.outlined and glyphs.stands_out(crop, inner, strokes.color)
    return sure or outlines.is_outline(crop, strokes.fill, height)


def other_lines(tracklet: Tracklet, live: Iterable[Tracklet], done: Sequence[Track]) -> list[Box]:
    """Return the lines of other texts near the first and last frame of a tracklet; `done` is in order of ending."""
    since = min(tracklet.moments, default=tracklet.seen_first)
    ended = takewhile(lambda track: track.last >= since, reversed(done))
    lines = [track.line for track in ended if track.path is None]
    return lines + [other.line.moved(*other.offset) for other in live if other is not tracklet]


def _alone(tracklet: Tracklet, others: Sequence[Box]) -> tuple[dict[int, Moment], dict[int, Moment]]:
    """Return the moments before and after the text, outwards, as long as nothing else changes."""
    known, moments, middle = tracklet.template, tracklet.moments, tracklet.seen_first
    if known is None or tracklet.path:
        return {}, {}
    start = {index: moments[index] for index in sorted(moments, reverse=True) if index <= middle}
    end = {index: moments[index] for index in sorted(moments) if index >= middle}
    return (
        transitions.isolated_frames(known, tracklet.line, others, start),
        transitions.isolated_frames(known, tracklet.line, others, end),
    )


def _changing(tracklet: Tracklet, first: int, last: int, reading: OcrReading) -> list[int]:
    """Return the frames before `first` and after `last` on which the text can be read, though it is not as usual."""
    if tracklet.path or reading.score <= LEGIBLE:
        return []
    inside = _within(tracklet.line, tracklet.box)

    def read(crop: BGR) -> OcrReading:
        return read_line(crop[inside])

    runs = ((first - 1, -1), (last + 1, 1))
    return [
        index
        for start, step in runs
        for index in takewhile(
            lambda index: not is_beside(tracklet, index),
            transitions.readable_frames(tracklet.edges, start, step, reading.text, read),
        )
    ]


def is_beside(tracklet: Tracklet, index: int) -> bool:
    """Return True when frame `index` shows the text a little beside its place."""
    return _has_slipped(_match_near(tracklet, index))


def _has_slipped(match: TemplateMatch) -> bool:
    """Return True when the text is seen beside its place."""
    return match.score > TRACKLET.slipped and max(map(abs, match.offset)) >= TRACKLET.min_slip


def _full_contrast_crops(tracklet: Tracklet) -> list[BGR]:
    """Return the pictures to learn the strokes from: those with full contrast, and some from the ends when few."""
    crops = list(tracklet.crops.values())
    known = tracklet.template
    if known is None:
        return crops
    if not tracklet.path and len(crops) < TRACKLET.few_crops:
        there = [crop for index, crop in sorted(tracklet.edges.items()) if appearance.is_there(known, crop)]
        crops += there[:: max(1, len(there) // TRACKLET.few_crops)]
    strengths = [appearance.strength(known, crop)[0] for crop in crops]
    return [
        crop for crop, share in zip(crops, strengths, strict=True) if share >= TRACKLET.full_strength * max(strengths)
    ]


def _within(line: Box, box: Box) -> tuple[slice, slice]:
    pad = max(2, line.text_height // 8)
    top, left = max(0, line.y0 - box.y0 - pad), max(0, line.x0 - box.x0 - pad)
    return slice(top, line.y1 - box.y0 + pad), slice(left, line.x1 - box.x0 + pad)


def _edges(tracklet: Tracklet) -> tuple[int, int]:
    """Return the first and the last frame on which the text is as usual."""
    known = tracklet.template
    assert known is not None  # noqa: S101
    if tracklet.path:
        return min(tracklet.path), max(tracklet.path)
    first, last = tracklet.seen_first, tracklet.seen_last
    if tracklet.scaled:
        return first, last
    first, last = _reach(known, tracklet.edges, first, -1), _reach(known, tracklet.edges, last, 1)
    # A fade starts and ends too faint to be told from the scene: it goes on a little beyond what can be seen.
    if _fading(known, tracklet.edges.get(first)):
        first -= sum(first - step in tracklet.edges for step in range(1, TRACKLET.fade_tail + 1))
    if _fading(known, tracklet.edges.get(last)):
        last += sum(last + step in tracklet.edges for step in range(1, TRACKLET.fade_tail + 1))
    return first, last


def _reach(known: appearance.AppearanceTemplate, crops: Mapping[int, BGR], index: int, step: int) -> int:
    """Return the last frame from `index` on, in steps of 1 or -1, that shows the text."""
    while index + step in crops and appearance.is_there(known, crops[index + step]):
        beyond = [crops[place] for place in range(index, index + 4 * step, step) if place in crops]
        if appearance.goes_at_once(known, beyond):
            break
        index += step
    return index


def _fading(known: appearance.AppearanceTemplate, crop: BGR | None) -> bool:
    return crop is not None and appearance.is_fading(known, crop)


def _changes(
    tracklet: Tracklet, usual: tuple[int, int], whole: tuple[int, int], others: Sequence[Box]
) -> list[BoolMask]:
    """Return masks of what changed at each known end of a track, from outside its `whole` time to its `usual` one.

    Where another text stands before or after, its letters change too, so nothing is known there.
    """
    if tracklet.path:
        return []
    box = tracklet.box
    own = np.ones((box.height, box.width), bool)
    for other in others:
        part, pad = other.moved(-box.x0, -box.y0), other.text_height // 4
        own[max(0, part.y0 - pad) : max(0, part.y1 + pad), max(0, part.x0 - pad) : max(0, part.x1 + pad)] = False
    return [
        (channel_max(cv2.absdiff(tracklet.edges[inside], tracklet.edges[outside])) > TRACKLET.changed) & own
        for inside, outside in ((usual[0], whole[0] - 1), (usual[1], whole[1] + 1))
        if inside in tracklet.edges and outside in tracklet.edges
    ]
