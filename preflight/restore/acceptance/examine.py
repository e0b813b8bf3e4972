"""The pass over both videos: pairs of frames, and what is measured of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from preflight.restore.acceptance import flicker, residue, tiles
from preflight.restore.acceptance.evidence import EvidenceCollector, color
from preflight.restore.acceptance.measures import AcceptanceMeasures, Box, OutsideChange, TextTrace
from preflight.restore.acceptance.motion_check import MIN_MOTION
from preflight.restore.acceptance.report import ExpectedText, Place
from preflight.restore.acceptance.residue import TextDetector
from preflight.restore.composite import alignment, matching
from preflight.restore.composite.alignment import Alignment
from preflight.restore.composite.frames import Picture
from preflight.restore.composite.matching import Match

ANALYSIS_SIDE = 540
"""Shorter side in samples to which both pictures are shrunk: captions are legible and damage is seen at it."""

READINGS = 8
"""Frames of a text on which the recogniser looks for it, its first and last two included."""

WRITTEN_EVERY = 0.4
"""Seconds between two searches for text that the source does not have."""

MIN_WRITTEN_SCORE = 0.85
"""Confidence of the recogniser at or above which a line counts as written."""

MIN_WRITTEN_LETTERS = 3
"""Letters of such a line."""

MIN_READ_SCORE = 0.5
"""Confidence of the recogniser at or above which residue counts as legible."""

CHANGED_STRUCTURE = 0.45
"""Structural similarity of a tile below which it shows something else."""

CHANGED_LEVEL = 14.0
"""Gray levels by which a tile's mean differs from before, that of the whole picture aside, when it was changed."""

EDGE_SLACK = 3
"""Frames before and after a text on which its place may differ: fades."""

SHIFT_EVERY = 10
"""Frames between two estimates of the picture's shift."""

_MIN_SCENE = 0.1
"""Share of the picture outside the text at or above which its motion is measured there alone."""

_RECENT = 64
"""Changes among which one that goes on is searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The two videos and what should be gone. `known_words` are the words of text that the source shows anywhere.

    `texts` and `regions` (boxes with first and last frame that a removal changed, beside the texts) are at the size of
    the source's upright picture.
    """

    source: Path
    cleaned: Path
    size: tuple[int, int]
    texts: Sequence[ExpectedText]
    regions: Sequence[ExpectedText] = ()
    known_words: Sequence[str] = ()
    filters: tuple[str, str] = ("", "")
    """Filters for the frames of both, such as the conversion from HDR."""


def analysis_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the even size at which pictures of a size are compared."""
    scale = min(1.0, ANALYSIS_SIDE / min(size))
    width, height = (max(2, round(side * scale / 2) * 2) for side in size)
    return width, height


@dataclass(slots=True)
class Examiner:
    """Collects the measures, match by match."""

    pair: Pair
    detect: TextDetector
    evidence: EvidenceCollector
    measures: AcceptanceMeasures
    size: tuple[int, int]
    texts: list[tuple[ExpectedText, TextTrace]]
    regions: list[ExpectedText]
    source_motion: list[float] = field(default_factory=list)
    cleaned_motion: list[float] = field(default_factory=list)
    before: Match[Picture, Picture] | None = None
    runs: list[OutsideChange] = field(default_factory=list)

    def feed(self, match: Match[Picture, Picture]) -> None:
        """Measure one frame of the source and the result's frame for it."""
        index, before = match.sent.number, self.before
        excluded = [self._around(text) for text in self._excluded() if text.is_on(index, EDGE_SLACK)]
        motion = 0.0
        if before is not None:
            # Words that come and go are motion in the source only.
            scene = _scene(excluded, self.size)
            motion = _motion(before.sent.signature, match.sent.signature, scene)
            self.cleaned_motion.append(_motion(before.cleaned.signature, match.cleaned.signature, scene))
        else:
            self.cleaned_motion.append(0.0)
        self.source_motion.append(motion)
        if not match.own and motion >= MIN_MOTION:
            self.measures.dropped.append(index)
        if match.own and motion >= MIN_MOTION:
            self.measures.time_shifts.append(float(match.cleaned.time - match.sent.time))
        self._compare(match, excluded)
        if index % SHIFT_EVERY == 0:
            found = alignment.estimate(match.sent.frame.y, match.cleaned.frame.y, Alignment())
            self.measures.shifts.append(found.shift)
        self.before = match

    def _compare(self, match: Match[Picture, Picture], excluded: Sequence[Box]) -> None:
        index = match.sent.number
        self._outside(match, excluded)
        for text, trace in self.texts:
            if text.is_on(index):
                self._text(text, trace, match)
        if index % max(1, round(self.measures.rate * WRITTEN_EVERY)) == 0:
            self._written(match)

    def _outside(self, match: Match[Picture, Picture], excluded: Sequence[Box]) -> None:
        index = match.sent.number
        found = tiles.compare_tiles(match.sent.frame.y, match.cleaned.frame.y)
        outside = ~tiles.text_tiles(excluded, self.size)
        if not outside.any() or not match.own:
            return
        self.measures.outside_psnr.append(tiles.psnr(float(found.error[outside].mean())))
        differs = (found.structure < CHANGED_STRUCTURE) | (np.abs(found.level) > CHANGED_LEVEL) | found.smeared
        changed = outside & differs
        worst = tiles.psnr(float(found.error[outside].max()))
        kept = self.measures.worst_tile_psnr
        self.measures.worst_tile_psnr = worst if kept is None else min(kept, worst)
        self._follow(index, changed, found, match)

    def _follow(
        self, index: int, changed: tiles.Mask, found: tiles.TileMeasures, match: Match[Picture, Picture]
    ) -> None:
        """Join what differs on this frame with what differed at its place before."""
        count, labels, stats, _ = cv2.connectedComponentsWithStats(changed.astype(np.uint8), connectivity=8)
        for label in range(1, count):
            x, y, w, h, area = (int(value) for value in stats[label])
            box = (x * tiles.TILE, y * tiles.TILE, (x + w) * tiles.TILE, (y + h) * tiles.TILE)
            error = tiles.psnr(float(found.error[labels == label].max()))
            now = OutsideChange(first=index, last=index, box=box, share=area / changed.size, psnr=error)
            recent = range(len(self.runs) - 1, max(-1, len(self.runs) - 1 - _RECENT), -1)
            place = next((n for n in recent if _continues(self.runs[n], now)), None)
            if place is None:
                self.runs.append(now)
                continue
            run = self.runs[place]
            if now.psnr < run.psnr or run.last == run.first:
                self.evidence.add("outside", (run.first, *run.box), match, box, -now.psnr)
            self.runs[place] = OutsideChange(
                first=run.first,
                last=index,
                box=_united(run.box, box),
                share=max(run.share, now.share),
                psnr=min(run.psnr, now.psnr),
            )

    def _excluded(self) -> Iterator[ExpectedText]:
        yield from (text for text, _ in self.texts)
        yield from self.regions

    def _around(self, text: ExpectedText) -> tuple[int, int, int, int]:
        """Return the place that a removal of the text may change: outline, shadow, plate, and its way if it moves."""
        margin = max(8, text.height)
        left, top, right, bottom = text.box
        if text.moves:
            left, right = 0, self.size[0]
        return left - margin, top - margin, right + margin, bottom + margin

    def _text(self, text: ExpectedText, trace: TextTrace, match: Match[Picture, Picture]) -> None:
        index, height = match.sent.number, text.height
        if text.moves:
            if index in _looked_at(text):
                self._read(text, trace, match, (0, text.box[1], self.size[0], text.box[3]))
            return
        left, top, right, bottom = _clipped(text.box, self.size)
        if right <= left or bottom <= top:
            return
        source, cleaned = (picture.y[top:bottom, left:right] for picture in (match.sent.frame, match.cleaned.frame))
        strength = residue.trace_strength(source, cleaned, height)
        trace.traces[index] = strength
        unchanged = residue.is_unchanged(source, cleaned, height)
        if unchanged:
            trace.unchanged.append(index)
        due = index in _looked_at(text) or (unchanged and len(trace.unchanged) in {1, 3})
        if due or (strength > 0.5 and len(trace.readings) < 2 * READINGS):
            self._read(text, trace, match, text.box)
        before = self.before
        if before is not None and text.is_on(before.sent.number) and match.own and not unchanged:
            trace.flicker[index] = flicker.warping_error(before.cleaned.frame.y, match.cleaned.frame.y, text.box)

    def _read(
        self, text: ExpectedText, trace: TextTrace, match: Match[Picture, Picture], box: tuple[int, int, int, int]
    ) -> None:
        lines = residue.read_place(color(match.cleaned.frame), box, text.height, self.detect)
        read = residue.legible_part(lines, text.text, min_score=MIN_READ_SCORE)
        trace.readings[match.sent.number] = read
        if read:
            self.evidence.add("residual", (text.first, *text.box), match, box, 1.0)

    def _written(self, match: Match[Picture, Picture]) -> None:
        """Look for text of the result that the source doesn't have."""
        index = match.sent.number
        cleaned = color(match.cleaned.frame)
        lines = [line for line in self.detect(cleaned) if _is_legible(line)]
        if not lines:
            return
        source = color(match.sent.frame)
        for line in lines:
            own = residue.read_place(source, line.box, max(8, line.box[3] - line.box[1]), self.detect)
            if any(residue.likeness(other.text, line.text) >= residue.SAME_WORDS for other in own):
                continue
            shown = any(text.is_on(index) and _overlap(text.box, line.box) for text, _ in self.texts)
            known = any(residue.likeness(words, line.text) >= residue.SAME_WORDS for words in self.pair.known_words)
            expected = any(residue.likeness(text.text, line.text) >= residue.SAME_WORDS for text, _ in self.texts)
            # A sign that the caption hid may come to light; the words of another caption may not.
            if shown and known and not expected:
                continue
            scale = self.pair.size[0] / self.size[0]
            left, top, right, bottom = (round(edge * scale) for edge in line.box)
            self.measures.written.append(
                Place(
                    first_frame=index,
                    last_frame=index,
                    time=round(float(match.sent.time), 3),
                    box=(left, top, right, bottom),
                    text=line.text,
                    value=round(line.score, 3),
                )
            )
            self.evidence.add("written", (index, *line.box), match, line.box, line.score)


def _scene(boxes: Sequence[Box], size: tuple[int, int]) -> tiles.Mask:
    """Return the samples of a signature that lie outside the boxes; all of them when hardly any do."""
    outside = np.ones((matching.SIGNATURE_HEIGHT, matching.SIGNATURE_WIDTH), bool)
    across, down = matching.SIGNATURE_WIDTH / size[0], matching.SIGNATURE_HEIGHT / size[1]
    for left, top, right, bottom in boxes:
        rows = slice(max(0, int(top * down)), max(0, int(bottom * down) + 1))
        outside[rows, max(0, int(left * across)) : max(0, int(right * across) + 1)] = False
    return outside if outside.mean() > _MIN_SCENE else np.ones_like(outside)


def _motion(before: matching.Signature, after: matching.Signature, scene: tiles.Mask) -> float:
    """Return the mean difference of two frames in gray levels, over a part of the picture."""
    return float(np.abs(before - after)[scene].mean())


def _is_legible(line: residue.Line) -> bool:
    letters = sum(letter.isalnum() for letter in line.text)
    return line.score >= MIN_WRITTEN_SCORE and letters >= MIN_WRITTEN_LETTERS


def _looked_at(text: ExpectedText) -> frozenset[int]:
    """Return the frames of a text on which the recogniser looks for it."""
    first, last = text.first, text.last
    even = {first + round((last - first) * n / (READINGS - 1)) for n in range(READINGS)}
    return frozenset({*even, min(first + 1, last), max(first, last - 1)})


def _clipped(box: tuple[int, int, int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    return max(0, box[0]), max(0, box[1]), min(size[0], box[2]), min(size[1], box[3])


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


def _continues(run: OutsideChange, now: OutsideChange) -> bool:
    return 0 < now.first - run.last <= EDGE_SLACK and _overlap(run.box, now.box)


def _united(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
