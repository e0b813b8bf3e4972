"""What is looked at where the camera stands still, on pictures drawn here: text is found as by looks at all of them."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BGR
from preflight.engine.core.box import Box
from preflight.engine.detect import detector
from preflight.engine.detect.change_detection import ChangeDetector, changed_regions
from preflight.engine.detect.detector import DetectTask
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import Track
from preflight.engine.tracking.tracker import TextTracker
from tests.unit.engine.detect.test_detector import frame

WIDTH, HEIGHT = SIZE = 640, 352
STEP, FRAMES = 10, 110
FIRST, LAST = 43, 88
TEXT = "Never give up"


def ground() -> BGR:
    """Return soft patches with a bright disc before them."""
    soft = np.random.default_rng(12).integers(60, 150, (8, 14, 3)).astype(np.uint8)
    picture = np.asarray(cv2.resize(soft, SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)
    return np.asarray(cv2.circle(picture, (540, 80), 40, (220, 220, 200), -1, cv2.LINE_AA), np.uint8)


GROUND = ground()
NOISE = np.random.default_rng(1).normal(0, 1.5, (7, HEIGHT, WIDTH, 3)).astype(np.float32)


def lettered(text: str, scale: float, levels: float, at: tuple[int, int] = (180, 290)) -> BGR:
    """Return the ground with text on it that is `levels` brighter."""
    ink = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(ink, text, at, cv2.FONT_HERSHEY_DUPLEX, scale, 255, max(1, round(2 * scale)), cv2.LINE_AA)
    return np.clip(GROUND + levels / 255 * ink[..., None], 0, 255).round().astype(np.uint8)


def shifted(picture: BGR) -> BGR:
    """Return the picture as seen by a camera that points a little further to the left."""
    return np.pad(picture, ((0, 0), (1, 0), (0, 0)), "edge")[:, :-1]


def filmed(index: int, picture: BGR) -> BGR:
    """Return the picture as a camera sees it that trembles a little, with noise and a ball that rolls by."""
    seen = (
        np.clip((shifted(picture) if index // STEP % 2 else picture) + NOISE[index % 7], 0, 255)
        .round()
        .astype(np.uint8)
    )
    return np.asarray(cv2.circle(seen, (40 + 3 * index, 60), 20, (40, 40, 90), -1, cv2.LINE_AA), np.uint8)


@dataclass
class Ran:
    """A look that is done when its lines are asked for."""

    find: DetectTask

    def result(self) -> list[Box]:
        return self.find.run()


def scanned(clip: list[Frame], *, all_of_it: bool) -> tuple[list[Track], int]:
    """Return what is found in a clip, and how many looks were at parts alone, asked for two samples ahead."""
    asked: dict[int, DetectTask] = {}

    def finder(shown: Frame) -> Ran:
        return Ran(asked.pop(shown.index, None) or detector.make_task(shown))

    state = TextTracker(step=STEP, size=SIZE, finder=finder)
    small = 0
    for index in range(-2 * STEP, len(clip)):
        if (ahead := index + 2 * STEP) % STEP == 0 and ahead < len(clip) and not all_of_it:
            asked[ahead] = state.question(clip[ahead])
            small += asked[ahead].parts is not None
        if index >= 0:
            state.feed(clip[index])
    return [track for track in state.finish() if len(track.text) > 2], small


def usual(index: int) -> float:
    return 1.0 if FIRST <= index <= LAST else 0.0


def fading(index: int) -> float:
    return float(np.clip((index - FIRST) / 40, 0, 1)) if index <= LAST else 0.0


@pytest.mark.parametrize(
    ("scale", "levels", "share"),
    [(1.2, 120, usual), (1.2, 20, usual), (1.2, 120, fading), (0.5, 60, usual)],
    ids=["caption", "faint", "fade", "small"],
)
def test_text_has_the_same_frames_as_when_all_is_looked_at(
    scale: float, levels: float, share: Callable[[int], float]
) -> None:
    clip = [
        frame(index, filmed(index, lettered(TEXT, scale, levels * share(index)) if share(index) else GROUND))
        for index in range(FRAMES)
    ]
    (found, small), (expected, _) = scanned(clip, all_of_it=False), scanned(clip, all_of_it=True)
    assert small >= 5
    assert [(t.text, t.first, t.last) for t in found] == [(t.text, t.first, t.last) for t in expected]
    assert [t.last for t in found] == [LAST]
    assert share is fading or [t.first for t in found] == [FIRST]


def test_nothing_is_looked_at_where_a_camera_only_trembles() -> None:
    assert changed_regions(GROUND, shifted(GROUND)) == ()
    brighter = np.clip(GROUND.astype(np.int16) + 12, 0, 255).astype(np.uint8)
    assert changed_regions(GROUND, brighter) == ()


@pytest.mark.parametrize("at", [(4, 20), (251, 280), (430, 247), (600, 345)])
def test_faint_small_print_is_looked_at(at: tuple[int, int]) -> None:
    # Capitals of ten lines.
    text = lettered("AB", 0.45, 20, at)
    parts = changed_regions(GROUND, text)
    ink = cv2.boundingRect((cv2.absdiff(text, GROUND).max(axis=2) > 0).astype(np.uint8))
    assert any(part.covers(Box(ink[0], ink[1], ink[0] + ink[2], ink[1] + ink[3])) for part in parts)


def test_slow_changes_add_up_until_they_are_looked_at() -> None:
    seen = ChangeDetector()
    fade = [lettered("AB", 1.2, levels) for levels in range(0, 40, 2)]
    asked = [seen.narrowed(DetectTask(picture=picture, size=SIZE), None).parts for picture in fade]
    assert asked[0] is None
    looked = [index for index, parts in enumerate(asked) if parts]
    assert 2 < looked[0] < 10
    # What was looked at counts as known: it has to change as much once more.
    assert () in asked[looked[0] :]


def test_much_that_changes_is_looked_at_as_a_whole() -> None:
    seen = ChangeDetector()
    noisy = np.random.default_rng(1).integers(0, 255, GROUND.shape).astype(np.uint8)
    first = DetectTask(picture=GROUND, size=SIZE)
    assert seen.narrowed(first, ()) == first
    quick = seen.narrowed(DetectTask(picture=noisy, size=SIZE), (Box(0, 0, 9, 9),))
    assert quick.parts is None
    assert quick.known == (Box(0, 0, 9, 9),)
    # A quick look is not a close one, so the same change is asked about once more.
    assert seen.narrowed(DetectTask(picture=noisy, size=SIZE), None).parts is None
    assert seen.narrowed(DetectTask(picture=noisy, size=SIZE), None).parts == ()


def test_a_part_that_shows_a_line_is_followed_by_a_look_at_all() -> None:
    picture = lettered(TEXT, 1.2, 120)
    parts = changed_regions(GROUND, picture)
    assert sum(part.area for part in parts) < 0.3 * WIDTH * HEIGHT
    assert DetectTask(picture=picture, size=SIZE, parts=parts).run() == DetectTask(picture=picture, size=SIZE).run()
    assert DetectTask(picture=picture, size=SIZE, parts=(Box(0, 0, 96, 96),)).run() == []
