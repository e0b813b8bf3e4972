"""How closely frames are looked at, and around what the scene's motion is measured, on pictures drawn here."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR
from preflight.engine.core.box import Box
from preflight.engine.detect import detector
from preflight.engine.detect.detector import DetectTask
from preflight.engine.media.decode import Frame
from preflight.engine.motion.camera import Motion
from preflight.engine.motion.camera_window import KEPT, CameraWindow
from preflight.engine.tracking.settings import TRACKER
from preflight.engine.tracking.tracker import TextTracker

FLANK = TRACKER.flank_samples

SIZE = (864, 480)
LINE = Box(40, 60, 280, 100)
RING = Box(10, 40, 310, 120)
STEP = 10


def written(*lines: tuple[str, int, float]) -> BGR:
    """Return a picture with lines of text, each at a height, as large as said."""
    picture = np.full((SIZE[1], SIZE[0], 3), (90, 70, 60), np.uint8)
    for text, y, scale in lines:
        cv2.putText(picture, text, (200, y), cv2.FONT_HERSHEY_DUPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return picture


def found(picture: BGR, known: tuple[Box, ...] | None) -> list[Box]:
    return detector.plausible_lines(DetectTask(picture=picture, size=SIZE, known=known).run(), SIZE[1])


def test_a_quick_look_at_new_text_is_followed_by_a_close_one() -> None:
    picture = written(("How it started", 200, 1.2))
    assert found(picture, ()) == found(picture, None) != []


def test_what_is_known_is_not_looked_at_closely() -> None:
    picture = written(("How it started", 200, 1.2))
    known = tuple(found(picture, None))
    assert found(picture, known) == []
    more = written(("How it started", 200, 1.2), ("Part 2 is coming", 400, 1.2))
    assert len(found(more, known)) == 2


def test_small_print_takes_a_close_look() -> None:
    picture = written(("a", 200, 0.5))
    assert found(picture, ()) == []
    assert len(found(picture, None)) == 1


@dataclass
class Answer:
    lines: list[Box]

    def result(self) -> list[Box]:
        return self.lines


@dataclass
class Clip:
    """A ring that looks like writing, and a caption on frames `first`..`last`, which only close looks find.

    While it is `busy`, questions are about pictures on which everything changes.
    """

    first: int
    last: int
    busy: bool = False
    asked: dict[int, DetectTask] = field(default_factory=dict)

    def picture(self, index: int) -> BGR:
        picture = np.full((240, 320, 3), (90, 70, 60), np.uint8)
        cv2.ellipse(picture, (160, 80), (146, 36), 0, 0, 360, (250, 250, 250), 3)
        if self.first <= index <= self.last:
            place = LINE.x0 + 4, LINE.y1 - 10
            cv2.putText(picture, "How it started", place, cv2.FONT_HERSHEY_DUPLEX, 1.0, (255, 255, 255), 2, cv2.LINE_AA)
        return picture

    def scanned(self, frames: int) -> TextTracker:
        state = TextTracker(step=STEP, size=(320, 240), finder=self._answer)
        for index in range(frames):
            shown = frame(index, self.picture(index))
            if index % STEP == 0:
                noise = np.random.default_rng(index).integers(0, 255, (240, 320, 3)).astype(np.uint8)
                self.asked[index] = state.question(frame(index, noise) if self.busy else shown)
            state.feed(shown)
        return state

    def _answer(self, shown: Frame) -> Answer:
        asked = self.asked.get(shown.index)
        if asked is not None and (asked.known is not None or asked.parts == ()):
            return Answer([])
        return Answer([LINE, RING] if self.first <= shown.index <= self.last else [RING])


def frame(index: int, picture: BGR) -> Frame:
    planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    height, width = picture.shape[:2]
    halves = planes[height:].reshape(2, height // 2, width // 2)
    return Frame(index=index, y=np.ascontiguousarray(planes[:height]), u=halves[0].copy(), v=halves[1].copy())


def test_every_other_look_is_quick_until_there_is_text() -> None:
    clip = Clip(35, 95, busy=True)
    clip.scanned(90)
    quick = [index for index, asked in clip.asked.items() if asked.known is not None]
    assert quick == [10, 30, 50]


def test_only_changes_are_looked_at_until_there_is_text() -> None:
    clip = Clip(35, 95)
    clip.scanned(90)
    assert [index for index, asked in clip.asked.items() if asked.parts is None] == [0, 60, 70, 80]
    assert [index for index, asked in clip.asked.items() if asked.parts] == [40]


def test_text_that_a_quick_look_missed_has_its_exact_frames() -> None:
    clip = Clip(21, 58, busy=True)
    assert [(t.first, t.last, t.evidence.appears) for t in clip.scanned(90).finish() if t.score > 0.9] == [
        (21, 58, True)
    ]


def test_motion_is_measured_around_text_alone() -> None:
    ring = Clip(1, 0).scanned(120)
    ring.finish()
    assert ring.scenery.motion.steps == {}
    clip = Clip(85, 150).scanned(300)
    clip.finish()
    measured = sorted(clip.scenery.motion.steps)
    assert measured == list(range(measured[0], measured[-1] + 1))
    assert 85 - FLANK * STEP <= measured[0] <= 85 - FLANK * STEP + 2 * STEP
    assert 150 + FLANK * STEP - STEP <= measured[-1] < 150 + FLANK * STEP + 2 * STEP


def test_motion_can_be_measured_of_frames_that_are_gone() -> None:
    clip = Clip(1, 0)
    scenery = CameraWindow(Motion(scale=1.5))
    for index in range(KEPT + 30):
        scenery.keep(frame(index, clip.picture(index)))
    held = [frame(index, clip.picture(index)) for index in range(KEPT + 30, KEPT + 40)]
    scenery.measure(0, KEPT + 35, held, [LINE])
    assert sorted(scenery.motion.steps) == list(range(30, KEPT + 35))


def test_small_pictures_that_are_too_old_go_with_every_frame() -> None:
    clip = Clip(1, 0)
    scenery = CameraWindow(Motion(scale=1.5))
    for index in range(3 * KEPT):
        scenery.keep(frame(index, clip.picture(index % 30)))
        scenery.forget(index)
    assert sorted(scenery.small) == list(range(2 * KEPT, 3 * KEPT))
