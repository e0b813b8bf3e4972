"""First pass over a video: look for text on sampled frames and follow it to its exact first and last frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from preflight.engine.core.box import Box, with_margin
from preflight.engine.detect import detector
from preflight.engine.detect.change_detection import ChangeDetector
from preflight.engine.detect.detector import Detector, DetectTask, PendingLines, plausible
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import Track
from preflight.engine.motion import relative, template_match
from preflight.engine.motion.camera_window import CameraWindow
from preflight.engine.motion.template_match import Offset, interpolate_offset
from preflight.engine.tracking import appearance, association, crossing_lines, tracklet
from preflight.engine.tracking.appearance import AppearanceTemplate
from preflight.engine.tracking.lost_tracks import LostTrack
from preflight.engine.tracking.stitching import resolve_overlaps, stitch_tracks
from preflight.engine.tracking.tracklet import Tracklet

DRIFT_FRAMES = 4
"""Frames over which text is compared with its surroundings: enough to move, too few to go beyond recognition."""
FLANK = 3
"""Samples before and after text over which the scene's motion is measured, so that frames there can lend to it."""
REACH = 3
"""Looks back to where text that is found may have come: small text is seen by every other look only."""
_WORD = 2
"""Letters of what may be text at least; a single one is read into many things."""
_AGAIN = 16
"""Looks of which one is close and at all of the picture in any case."""
RELEARNED = (3, 6, 12)
"""Looks after which a text that stays is learnt anew: what of the scene was taken for it has changed meanwhile."""


@dataclass(slots=True)
class TextTracker:
    """What the first pass has found so far."""

    step: int
    size: tuple[int, int]
    finder: Detector
    scenery: CameraWindow = field(default_factory=CameraWindow)
    seen: ChangeDetector = field(default_factory=ChangeDetector)
    answers: dict[int, PendingLines] = field(default_factory=dict)
    measure_until: int = -1
    window: deque[Frame] = field(default_factory=deque)
    live: list[Tracklet] = field(default_factory=list)
    done: list[Track] = field(default_factory=list)
    lost: dict[int, LostTrack] = field(default_factory=dict)
    frames: int = 0
    judged: int = -1

    def feed(self, frame: Frame) -> None:
        """Take the next frame; samples are judged one step late, so that both sides of them are known."""
        self.window.append(frame)
        for number, lost in tuple(self.lost.items()):
            lost.look_on([frame])
            if lost.is_over:
                self._conclude(number)
        self.frames = frame.index + 1
        if len(self.window) > (REACH + 1) * self.step + 1:
            gone = self.window.popleft()
            if self.live:
                self.scenery.keep(gone)
            self.scenery.forget(gone.index)
        if frame.index % self.step == 0:
            self.answers[frame.index] = self.finder(frame)
        if frame.index % self.step == 0 and frame.index >= self.step:
            self._judge(frame.index - self.step)

    def question(self, frame: Frame) -> DetectTask:
        """Return the look at a frame to come: at what has changed while no text is about, and every other one quick."""
        look, number = detector.make_task(frame), frame.index // self.step
        # What the detector misses once has another chance, whether it changes or not.
        if number % _AGAIN == 0 or any(sighting.confirmed and sighting.letters >= _WORD for sighting in self.live):
            return self.seen.renew(look)
        known = tuple(sighting.line.moved(*sighting.offset) for sighting in self.live)
        return self.seen.narrowed(look, known if number % 2 else None)

    def finish(self) -> list[Track]:
        """Judge what is left and return every track, in order of appearance."""
        end = self.frames - 1
        if end > self.judged and end not in self.answers:
            self.answers[end] = self.finder(self.window[-1])
        for index in sorted({*range(max(0, self.judged) + self.step, end + 1, self.step), end} if end >= 0 else ()):
            if index > self.judged:
                self._judge(index)
        for sighting in self.live:
            self._close(sighting, None)
        if self.live:
            self._measure(end, self.live)
        self.live = []
        for number in tuple(self.lost):
            self._conclude(number)
        crossing = crossing_lines.extend_crossing_lines([t.clipped_to(end) for t in self.done], self.size, end)
        found = stitch_tracks(resolve_overlaps(crossing), self.step)
        return sorted(found, key=lambda t: (t.first, t.box.y0, t.box.x0))

    def _frame(self, index: int) -> Frame:
        return self.window[index - self.window[0].index]

    def _near(self, index: int, reach: int) -> Iterator[Frame]:
        oldest, newest = self.window[0].index, self.window[-1].index
        for place in range(max(oldest, index - reach), min(newest, index + reach) + 1):
            yield self._frame(place)

    def _judge(self, index: int) -> None:
        self.judged = index
        frame = self._frame(index)
        waited = self.answers.pop(index, None) or self.finder(frame)
        lines = plausible(waited.result(), self.size[1])
        before = list(self.live)
        still: list[Tracklet] = []
        ended: list[Tracklet] = []
        for sighting in self.live:
            if any(association.is_scaled(line, sighting, frame) for line in lines):
                sighting.scaled = True
                self._close(sighting, index)
                ended.append(sighting)
            elif self._follow(sighting, frame) or any(association.has_ticked(line, sighting, frame) for line in lines):
                sighting.seen_last = max(sighting.seen_last, index)
                sighting.keep(index, frame.color(sighting.box.moved(*sighting.offset)))
                if sighting.seen in RELEARNED and not sighting.path:
                    sighting.notice_ticking()
                    tracklet.learn_strokes(sighting, list(sighting.looks.values()))
                    if sighting.letters < _WORD:
                        sighting.read()
                still.append(sighting)
            else:
                self._close(sighting, index)
                ended.append(sighting)
        self.live = still
        for line in lines:
            if not any(association.is_known(line, sighting, frame) for sighting in self.live):
                scaled = any(s.scaled and association.is_scaled(line, s, frame) for s in ended)
                self._open(line, index, scaled=scaled)
        if ended:
            self._look_between(index, ended)
        self._watch(frame)
        self._measure(index, before + self.live)

    def _watch(self, frame: Frame) -> None:
        """Note whether each text moves with its surroundings in the frames that follow."""
        later = min(self.window[-1].index, frame.index + DRIFT_FRAMES)
        if later == frame.index:
            return
        after = self._frame(later)
        places = {id(sighting): sighting.box.moved(*sighting.offset) for sighting in self.live}
        for sighting in self.live:
            if sighting.signature is not None:
                others = [place for name, place in places.items() if name != id(sighting)]
                own = places[id(sighting)]
                known = sighting.signature
                home = appearance.is_there(known, after.color(own))
                sighting.drift += relative.measure(frame.y, after.y, known.solid, own, others, at_home=home)

    def _look_between(self, index: int, ended: list[Tracklet]) -> None:
        """Look for text that came and went since the last sample, as the words of a quick caption do."""
        if not any(sighting.letters for sighting in ended):
            return
        known = ended + self.live
        for place in sorted({index - 2 * self.step // 3, index - self.step // 3}):
            if not self.window[0].index <= place < index:
                continue
            frame = self._frame(place)
            there = [s for s in known if s.signature and appearance.is_there(s.signature, frame.color(s.box))]
            if there:
                # A text that was or will be there says that nothing else was: they follow one another at one place.
                continue
            for line in plausible(self.finder(frame).result(), self.size[1]):
                if any(s.box.common(line) > 0.3 * line.area for s in ended):
                    self._open(line, place)
            known = ended + self.live

    def _measure(self, index: int, near: list[Tracklet]) -> None:
        """Measure the scene's motion up to frame `index` where something is near that may be text."""
        texts = [sighting for sighting in near if sighting.letters >= _WORD]
        if texts:
            self.measure_until = index + FLANK * self.step
        if index > self.measure_until:
            return
        first = min([index, *(sighting.seen_first for sighting in texts)]) - FLANK * self.step
        self.scenery.measure(first, index, self.window, [sighting.line for sighting in texts])

    def _follow(self, sighting: Tracklet, frame: Frame) -> bool:
        """Return True when the text is still on the frame, at its place or moved; the sighting then knows where."""
        known = sighting.signature
        if known is None:
            return False
        start, before = sighting.offset, sighting.seen_last
        place = sighting.box.moved(*start)
        there = appearance.is_there(known, frame.color(place)) and not self._went(known, place, before, frame.index)
        look = sighting.look
        wide = (3, 3) if there else (self.size[0] // 5, max(4, self.size[1] // 12))
        guess = start
        if sighting.path:
            guess = interpolate_offset(*sighting.course(self.step), frame.index)
        found = template_match.match_template(look, sighting.line, frame, guess, wide)
        stays = there or found.score > template_match.SURE
        if not stays:
            return False
        home = template_match.match_template(look, sighting.line, frame, start, (0, 0))
        if found.offset == start or (there and found.score < home.score + 0.04):
            if sighting.path:
                self._trace(sighting, (before, start), (frame.index, start), range(before + 1, frame.index + 1))
            return True
        if not sighting.path:
            velocity = (before, start), (frame.index, found.offset)
            if _trembles(sighting, found.offset) or not self._is_on(sighting, *velocity):
                return there
            self._trace(
                sighting, *velocity, range(before, max(-1, self.window[0].index - FLANK * self.step), -1), stop=True
            )
        self._trace(sighting, (before, start), (frame.index, found.offset), range(before + 1, frame.index + 1))
        sighting.offset = found.offset
        return True

    def _went(self, known: AppearanceTemplate, place: Box, first: int, last: int) -> bool:
        """Return True when a text went at once between two frames, and what is in its place is only like it."""
        if appearance.is_whole(known, self._frame(last).color(place)):
            return False
        detector = [frame.color(place) for frame in self.window if first <= frame.index <= last]
        return any(appearance.goes_at_once(known, detector[number : number + 4]) for number in range(len(detector) - 2))

    def _is_on(self, sighting: Tracklet, start: tuple[int, Offset], end: tuple[int, Offset]) -> bool:
        """Return True when the text is on the straight way between two places: a scene has its like here and there."""
        scores = [
            template_match.match_template(
                sighting.look,
                sighting.line,
                self._frame(index),
                interpolate_offset(start, end, index),
                (2, 2),
            ).score
            for index in range(max(start[0], self.window[0].index) + 1, end[0])
        ]
        return not scores or sorted(scores)[len(scores) // 2] > template_match.SURE - 0.15

    def _trace(
        self,
        sighting: Tracklet,
        start: tuple[int, Offset],
        end: tuple[int, Offset],
        indices: range,
        *,
        stop: bool = False,
    ) -> None:
        """Note where moving text is on each of `indices`, near the straight way; with `stop`, until it is not there."""
        for index in indices:
            guess = interpolate_offset(start, end, index)
            share = template_match.visible_share(sighting.line, guess, self.size)
            held = self.window[0].index <= index <= self.window[-1].index
            # Text that enters or leaves the picture is hard to recognise, but it keeps its course until it is off.
            if stop and (share == 0 or (share == 1 and not held)):
                return
            score, offset = -1.0, guess
            if held:
                found = template_match.match_template(sighting.look, sighting.line, self._frame(index), guess, (2, 2))
                score, offset = found.score, found.offset
            if stop and share == 1 and index != start[0] and score < template_match.SURE - 0.15:
                return
            sighting.path[index] = offset if score > 0.5 else guess

    def _open(self, line: Box, index: int, *, scaled: bool = False) -> None:
        box = with_margin(line, self.size)
        sighting = Tracklet(line=line, box=box, seen_first=index, seen_last=index, scaled=scaled)
        for frame in self._near(index, REACH * self.step):
            if frame.index <= index:
                sighting.note(frame)
        look = self._frame(index).color(box)
        # One look only: the text may move, and looks taken together would smear it.
        tracklet.learn_strokes(sighting, [look])
        if sighting.signature is not None:
            sighting.keep(index, look)
            sighting.read()
            self.live.append(sighting)

    def _close(self, sighting: Tracklet, index: int | None) -> None:
        for frame in self.window:
            if frame.index >= sighting.seen_last - REACH * self.step:
                sighting.note(frame)
        if sighting.path and index is not None:
            ahead = range(sighting.seen_last + 1, self.window[-1].index + FLANK * self.step)
            self._trace(sighting, *sighting.course(self.step), ahead, stop=True)
        track = tracklet.finish_tracklet(sighting, tracklet.other_lines(sighting, self.live, self.done))
        if track is None or sighting.signature is None:
            return
        if not sighting.path and sighting.letters >= _WORD:
            self.lost[len(self.done)] = LostTrack(sighting.signature, sighting.box)
            self.lost[len(self.done)].look_on(frame for frame in self.window if frame.index > track.last)
        self.done.append(track)

    def _conclude(self, number: int) -> None:
        """Note on a finished track what its place looked like afterwards."""
        self.done[number] = self.done[number].with_evidence(later_similarity=tuple(self.lost.pop(number).after))


def _trembles(sighting: Tracklet, offset: Offset) -> bool:
    """Return True for a small move of text that stood still so far: something of the scene is like its letters."""
    way = max(abs(offset[0] - sighting.offset[0]), abs(offset[1] - sighting.offset[1]))
    return sighting.seen >= RELEARNED[0] and 2 * way < sighting.line.text_height
