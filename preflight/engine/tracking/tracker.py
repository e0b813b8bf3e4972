"""First pass over a video: detect text on sampled frames and track it to its exact first and last frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from preflight.engine.core.box import Box, with_margin
from preflight.engine.detect import detector
from preflight.engine.detect.change_detection import ChangeDetector
from preflight.engine.detect.detector import Detector, DetectTask, PendingLines, plausible_lines
from preflight.engine.detect.settings import DETECTION
from preflight.engine.media.decode import Frame
from preflight.engine.model.identity import is_same_text
from preflight.engine.model.track import LEGIBLE, Track
from preflight.engine.motion import relative
from preflight.engine.motion.camera_window import CameraWindow
from preflight.engine.motion.template_match import (
    SAME_TEXT,
    Offset,
    interpolate_offset,
    match_template,
    visible_share,
)
from preflight.engine.tracking import appearance, association, crossing_lines, gap_search
from preflight.engine.tracking.appearance import AppearanceTemplate
from preflight.engine.tracking.gap_search import UnexaminedSpan
from preflight.engine.tracking.lost_tracks import LostTrack
from preflight.engine.tracking.settings import GAPS, TRACKER, TrackerSettings
from preflight.engine.tracking.stitching import resolve_overlaps, stitch_tracks
from preflight.engine.tracking.tracklet import (
    Tracklet,
    complete_line,
    finish_tracklet,
    is_beside,
    learn_strokes,
    other_lines,
)

RegionDetector = Callable[[Frame, Box], list[Box]]
"""Detects the lines of text in the row of a box on a frame."""


@dataclass(slots=True)
class TextTracker:
    """Tracks text by detection: frames go in one by one, tracks come out at the end.

    `step` is the number of frames from one sample to the next, `size` the frame's width and height, `finder` the
    detector for whole frames and `find_in_slot` the one for a row of it.
    """

    step: int
    size: tuple[int, int]
    finder: Detector
    find_in_slot: RegionDetector = gap_search.find_in_slot
    settings: TrackerSettings = TRACKER
    scenery: CameraWindow = field(default_factory=CameraWindow)
    changes: ChangeDetector = field(default_factory=ChangeDetector)
    answers: dict[int, PendingLines] = field(default_factory=dict)
    measure_until: int = -1
    window: deque[Frame] = field(default_factory=deque)
    live: list[Tracklet] = field(default_factory=list)
    done: list[Track] = field(default_factory=list)
    lost: dict[int, LostTrack] = field(default_factory=dict)
    unexamined: list[UnexaminedSpan] = field(default_factory=list)
    frames: int = 0
    judged: int = -1

    def feed(self, frame: Frame) -> None:
        """Take the next frame; a sample is judged one step later, so that the frames on both sides are known."""
        self.window.append(frame)
        for number, lost in tuple(self.lost.items()):
            lost.watch([frame])
            if lost.is_over:
                self._conclude(number)
        self.frames = frame.index + 1
        if len(self.window) > (self.settings.history_samples + 1) * self.step + 1:
            oldest = self.window.popleft()
            if self.live:
                self.scenery.keep(oldest)
            self.scenery.forget(oldest.index)
        if frame.index % self.step == 0:
            self.answers[frame.index] = self.finder(frame)
        if frame.index % self.step == 0 and frame.index >= self.step:
            self._judge(frame.index - self.step)

    def question(self, frame: Frame) -> DetectTask:
        """Return the detection for a sample to come: of what has changed while no text is about."""
        task, number = detector.make_task(frame), frame.index // self.step
        if number % self.settings.full_interval == 0:
            self.changes.renew(task)
            return detector.make_task(frame, DETECTION.close_side)
        if any(self._is_text(tracklet) for tracklet in self.live):
            return self.changes.renew(task)
        known = tuple(tracklet.current_line for tracklet in self.live)
        return self.changes.narrowed(task, known if number % 2 else None)

    def finish(self) -> list[Track]:
        """Judge the samples that are left and return every track, in order of appearance."""
        end = self.frames - 1
        if end > self.judged and end not in self.answers:
            self.answers[end] = self.finder(self.window[-1])
        for index in sorted({*range(max(0, self.judged) + self.step, end + 1, self.step), end} if end >= 0 else ()):
            if index > self.judged:
                self._judge(index)
        for tracklet in self.live:
            self._close(tracklet, None)
        if self.live:
            self._measure(end, self.live)
        self.live = []
        for number in tuple(self.lost):
            self._conclude(number)
        crossing = crossing_lines.extend_crossing_lines([t.clipped_to(end) for t in self.done], self.size, end)
        tracks = stitch_tracks(resolve_overlaps(crossing), self.step)
        return sorted(tracks, key=lambda t: (t.first, t.box.y0, t.box.x0))

    def _is_text(self, tracklet: Tracklet) -> bool:
        return tracklet.confirmed and tracklet.letters >= self.settings.min_letters

    def _frame(self, index: int) -> Frame:
        return self.window[index - self.window[0].index]

    def _frames(self, first: int, last: int) -> Iterator[Frame]:
        for index in range(max(self.window[0].index, first), min(self.window[-1].index, last) + 1):
            yield self._frame(index)

    def _judge(self, index: int) -> None:
        """Associate the lines that were detected on sample `index` with the tracklets."""
        since, self.judged = self.judged + 1, index
        frame = self._frame(index)
        pending = self.answers.pop(index, None) or self.finder(frame)
        lines = plausible_lines(pending.result(), self.size[1])
        before, kept, ended = list(self.live), list[Tracklet](), list[Tracklet]()
        for tracklet in before:
            if any(association.is_scaled(line, tracklet, frame) for line in lines):
                tracklet.scaled = True
                ended.append(tracklet)
            elif self._follow(tracklet, frame) or self._update_digits(tracklet, lines, frame):
                self._keep(tracklet, frame)
                kept.append(tracklet)
            else:
                ended.append(tracklet)
        gone = [tracklet for tracklet in ended if not self._close(tracklet, index)]
        self.live = kept
        opened = list[Tracklet]()
        for line in lines:
            if not any(association.is_known(line, tracklet, frame) for tracklet in self.live):
                scaled = any(t.scaled and association.is_scaled(line, t, frame) for t in ended)
                opened += self._open(line, index, scaled=scaled)
        come = [tracklet for tracklet in opened if not is_beside(tracklet, index - 1)]
        self._search_gap(since, index, gone + come)
        self._compare_with_surroundings(frame)
        self._measure(index, before + self.live)

    def _keep(self, tracklet: Tracklet, frame: Frame) -> None:
        """Note that a tracklet is on a sample, and learn its strokes anew from time to time."""
        tracklet.seen_last = max(tracklet.seen_last, frame.index)
        tracklet.keep(frame.index, frame.color(tracklet.current_box))
        if tracklet.seen in self.settings.relearned_after and not tracklet.path:
            tracklet.notice_ticking()
            learn_strokes(tracklet, list(tracklet.crops.values()))
            if tracklet.letters < self.settings.min_letters:
                tracklet.read()

    def _update_digits(self, tracklet: Tracklet, lines: list[Box], frame: Frame) -> bool:
        """Return True when the tracklet's text is there with other digits; it then has them."""
        if not any(association.shows_other_digits(line, tracklet, frame) for line in lines):
            return False
        tracklet.ticking = True
        learn_strokes(tracklet, [frame.color(tracklet.box)])
        return tracklet.template is not None

    def _compare_with_surroundings(self, frame: Frame) -> None:
        """Measure whether each text moves with its surroundings over the next frames."""
        later = min(self.window[-1].index, frame.index + self.settings.motion_frames)
        if later == frame.index:
            return
        after = self._frame(later)
        places = {id(tracklet): tracklet.current_box for tracklet in self.live}
        for tracklet in self.live:
            if tracklet.template is not None:
                others = [place for name, place in places.items() if name != id(tracklet)]
                own = places[id(tracklet)]
                home = appearance.is_there(tracklet.template, after.color(own))
                tracklet.relative_motion += relative.measure(
                    frame.y, after.y, tracklet.template.solid, own, others, at_home=home
                )

    def _search_gap(self, first: int, last: int, changed: list[Tracklet]) -> None:
        """Search frames `first`..`last` for words that came and went at the places of text that `changed`."""
        texts = [tracklet for tracklet in changed if tracklet.letters and not tracklet.path]
        standing = [tracklet for tracklet in self.live if not any(tracklet is one for one in changed)]
        for slot in gap_search.caption_slots(tracklet.line for tracklet in texts):
            known = [tracklet.reading.text for tracklet in texts if gap_search.in_slot(tracklet.line, slot)]
            self._search_slot(slot, known, standing, range(max(first, self.window[0].index), last + 1))

    def _search_slot(self, slot: Box, known: list[str], standing: list[Tracklet], frames: range) -> None:
        """Detect text on frames of one place that no known text explains, until all short words must be found.

        Text that stands there all the time explains nothing: it is beside the words, or part of the scene.
        """
        first, last = frames[0], frames[-1]
        covered = {
            index
            for track in self.done
            if track.last >= first and gap_search.in_slot(track.line, slot)
            for index in range(max(first, track.first), min(last, track.last) + 1)
        }
        empty, probed, checked = set[int](), set[int](), {id(tracklet) for tracklet in standing}
        while True:
            for tracklet in self.live:
                if id(tracklet) not in checked and gap_search.in_slot(tracklet.current_line, slot):
                    covered |= self._frames_with(tracklet, first, last)
                checked.add(id(tracklet))
            unknown = [index for index in range(first, last + 1) if index not in covered | empty | probed]
            probe = gap_search.next_probe(unknown)
            if probe is None or len(probed) == GAPS.max_probes:
                break
            probed.add(probe)
            frame = self._frame(probe)
            lines = self.find_in_slot(frame, slot)
            new = [line for line in lines if not any(association.is_known(line, t, frame) for t in standing)]
            opened = [tracklet for line in new for tracklet in self._open(line, probe)]
            if not opened:
                empty |= {probe - 1, probe, probe + 1}
            # The words that were there before: they are on something that moves, and are not new.
            elif all(any(is_same_text(tracklet.reading.text, text) for text in known) for tracklet in opened):
                break
        for start, end in gap_search.runs_of(unknown):
            if start - 1 not in covered and end + 1 not in covered:
                continue
            if not (end - start + 1 < GAPS.min_run and self._are_empty(slot, standing, range(start, end + 1))):
                self.unexamined.append(UnexaminedSpan(slot, start, end))

    def _are_empty(self, slot: Box, standing: list[Tracklet], frames: range) -> bool:
        """Return True when a few frames show no text at the place of others, so that they can be donors.

        A word that they show is a text of its own, unless it is what is left of one that is known.
        """
        for index in frames:
            frame = self._frame(index)
            lines = [
                line
                for line in self.find_in_slot(frame, slot)
                if not any(association.is_known(line, known, frame) for known in standing)
            ]
            near = [t.reading.text for t in self.live if gap_search.in_slot(t.current_line, slot)]
            near += [t.text for t in self.done if t.last >= index - self.step and gap_search.in_slot(t.line, slot)]
            for line in lines:
                for tracklet in self._open(line, index):
                    read = tracklet.reading
                    if read.score < LEGIBLE or any(is_same_text(read.text, text) for text in near):
                        self.live.pop()
            if lines:
                return False
        return True

    def _frames_with(self, tracklet: Tracklet, first: int, last: int) -> set[int]:
        """Return the frames of `first`..`last` on which a tracklet's text is at its place."""
        if tracklet.template is None:
            return set()
        known, box = tracklet.template, tracklet.current_box
        return {frame.index for frame in self._frames(first, last) if appearance.is_there(known, frame.color(box))}

    def _measure(self, index: int, near: list[Tracklet]) -> None:
        """Measure the camera motion up to frame `index` where something is near that may be text."""
        texts = [tracklet for tracklet in near if tracklet.letters >= self.settings.min_letters]
        if texts:
            self.measure_until = index + self.settings.flank_samples * self.step
        if index > self.measure_until:
            return
        first = min([index, *(t.seen_first for t in texts)]) - self.settings.flank_samples * self.step
        self.scenery.measure(first, index, self.window, [tracklet.line for tracklet in texts])

    def _follow(self, tracklet: Tracklet, frame: Frame) -> bool:
        """Return True when the text is still on the frame, at its place or moved; its offset and path are updated."""
        known = tracklet.template
        if known is None:
            return False
        start, before = tracklet.offset, tracklet.seen_last
        place = tracklet.current_box
        seen = appearance.is_there(known, frame.color(place))
        if seen and not tracklet.path and appearance.strength(known, frame.color(place))[1] > self.settings.unmoved:
            return True
        there = seen and not self._went(known, place, before, frame.index)
        wide = (
            round(self.settings.search_width * self.size[0]),
            max(4, round(self.settings.search_height * self.size[1])),
        )
        guess = interpolate_offset(*tracklet.course(self.step), frame.index) if tracklet.path else start
        found = match_template(tracklet.line_template, tracklet.line, frame, guess, (3, 3) if there else wide)
        stays = found.offset == start and appearance.is_gone(known, frame.color(place))
        if not there and (found.score <= SAME_TEXT or stays):
            return False
        home = match_template(tracklet.line_template, tracklet.line, frame, start, (0, 0))
        if found.offset == start or (there and found.score < home.score + self.settings.move_gain):
            if tracklet.path:
                self._trace(tracklet, (before, start), (frame.index, start), range(before + 1, frame.index + 1))
            return True
        if not tracklet.path:
            velocity = (before, start), (frame.index, found.offset)
            if self._trembles(tracklet, found.offset) or not self._is_on(tracklet, *velocity):
                return there
            oldest = self.window[0].index - self.settings.flank_samples * self.step
            self._trace(tracklet, *velocity, range(before, max(-1, oldest), -1), stop=True)
        self._trace(tracklet, (before, start), (frame.index, found.offset), range(before + 1, frame.index + 1))
        tracklet.offset = found.offset
        return True

    def _trembles(self, tracklet: Tracklet, offset: Offset) -> bool:
        """Return True for a small move of text that stood still so far: something of the scene is like its letters."""
        way = max(abs(offset[0] - tracklet.offset[0]), abs(offset[1] - tracklet.offset[1]))
        return tracklet.seen >= self.settings.relearned_after[0] and 2 * way < tracklet.line.text_height

    def _went(self, known: AppearanceTemplate, place: Box, first: int, last: int) -> bool:
        """Return True when a text went at once between two frames, and what is in its place is only like it."""
        if appearance.is_whole(known, self._frame(last).color(place)):
            return False
        crops = [frame.color(place) for frame in self._frames(first, last)]
        return any(appearance.goes_at_once(known, crops[number : number + 4]) for number in range(len(crops) - 2))

    def _is_on(self, tracklet: Tracklet, start: tuple[int, Offset], end: tuple[int, Offset]) -> bool:
        """Return True when the text is on the straight way between two places: a scene has its like here and there."""
        scores = sorted(
            match_template(
                tracklet.line_template, tracklet.line, frame, interpolate_offset(start, end, frame.index), (2, 2)
            ).score
            for frame in self._frames(start[0] + 1, end[0] - 1)
        )
        return not scores or scores[len(scores) // 2] > self.settings.path_score

    def _trace(
        self,
        tracklet: Tracklet,
        start: tuple[int, Offset],
        end: tuple[int, Offset],
        indices: range,
        *,
        stop: bool = False,
    ) -> None:
        """Note where moving text is on each of `indices`, near the straight way; with `stop`, until it is not there."""
        for index in indices:
            guess = interpolate_offset(start, end, index)
            share = visible_share(tracklet.line, guess, self.size)
            held = self.window[0].index <= index <= self.window[-1].index
            # Text that enters or leaves the picture is hard to recognise, but it keeps its course until it is off.
            if stop and (share == 0 or (share == 1 and not held)):
                return
            score, offset = -1.0, guess
            if held:
                found = match_template(tracklet.line_template, tracklet.line, self._frame(index), guess, (2, 2))
                score, offset = found.score, found.offset
            if stop and share == 1 and index != start[0] and score < self.settings.path_score:
                return
            tracklet.path[index] = offset if score > self.settings.trace_score else guess

    def _open(self, line: Box, index: int, *, scaled: bool = False) -> list[Tracklet]:
        """Start a tracklet for a line that was detected on frame `index`; none when it has no strokes."""
        box = with_margin(line, self.size)
        tracklet = Tracklet(line=line, box=box, seen_first=index, seen_last=index, scaled=scaled)
        for frame in self._frames(index - self.settings.history_samples * self.step, index):
            tracklet.note(frame)
        crop = self._frame(index).color(box)
        # One frame only: the text may move, and frames taken together would smear it.
        strokes, *_ = learn_strokes(tracklet, [crop])
        if tracklet.template is None:
            return []
        whole = complete_line(tracklet, crop, strokes)
        if whole != line:
            tracklet.line = whole
            learn_strokes(tracklet, [crop])
        tracklet.keep(index, crop)
        tracklet.read()
        self.live.append(tracklet)
        return [tracklet]

    def _close(self, tracklet: Tracklet, index: int | None) -> bool:
        """Turn a tracklet that is not on sample `index` any more into a track; return True when it has moved away."""
        for frame in self.window:
            if frame.index >= tracklet.seen_last - self.settings.history_samples * self.step:
                tracklet.note(frame)
        if tracklet.path and index is not None:
            ahead = range(tracklet.seen_last + 1, self.window[-1].index + self.settings.flank_samples * self.step)
            self._trace(tracklet, *tracklet.course(self.step), ahead, stop=True)
        track = finish_tracklet(tracklet, other_lines(tracklet, self.live, self.done))
        if track is None or tracklet.template is None:
            return False
        if not tracklet.path and tracklet.letters >= self.settings.min_letters:
            self.lost[len(self.done)] = LostTrack(tracklet.template, tracklet.box)
            self.lost[len(self.done)].watch(frame for frame in self.window if frame.index > track.last)
        self.done.append(track)
        return track.evidence.slips

    def _conclude(self, number: int) -> None:
        """Note on a finished track how similar its place was to it afterwards."""
        later = tuple(self.lost.pop(number).after)
        self.done[number] = self.done[number].with_evidence(later_similarity=later)
