"""The block behind text is found whole, for as long as it is there; what is of the scene is never taken for one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BGR
from preflight.engine.core.box import Box
from preflight.engine.graphics import box_detection
from preflight.engine.graphics.line_groups import SEARCH_FRAMES, LineGroup
from preflight.engine.media.decode import Frame
from preflight.engine.model import rasterize
from preflight.engine.model.track import MaskModel, Track
from preflight.engine.motion.camera import Motion

WIDTH, HEIGHT, COUNT = 320, 180, 60
PLATE, LINE, FIRST, LAST = Box(60, 100, 240, 132), Box(68, 104, 232, 128), 20, 39
Draw = Callable[[BGR, int], None]


@functools.cache
def wide_scene() -> BGR:
    """Return a scene wider than a frame, rough on every scale."""
    dice = np.random.default_rng(5)
    scene = np.full((HEIGHT, WIDTH + COUNT * 3, 3), 110, np.float32)
    for cell in (48, 24, 12, 6):
        noise = dice.normal(size=(HEIGHT // cell + 2, scene.shape[1] // cell + 2, 3)).astype(np.float32)
        scene += 3 * cell**0.5 * cv2.resize(noise, (scene.shape[1], HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(scene, 10, 245).astype(np.uint8)


def frames(draw: Draw, speed: int = 2) -> Iterator[Frame]:
    """Yield frames of a scene on which `draw` has drawn, with a line of text from `FIRST` to `LAST`."""
    for index in range(COUNT):
        crop = wide_scene()[:, speed * index : speed * index + WIDTH].copy()
        draw(crop, index)
        if FIRST <= index <= LAST:
            cv2.putText(
                crop, "Maria Gonzalez", (LINE.x0 + 2, LINE.y1 - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (240,) * 3, 2
            )
        planes = cv2.cvtColor(crop, cv2.COLOR_BGR2YUV_I420)
        area = HEIGHT * WIDTH
        chroma = planes.ravel()[area:].reshape(2, HEIGHT // 2, WIDTH // 2)
        yield Frame(index=index, y=planes[:HEIGHT].copy(), u=chroma[0].copy(), v=chroma[1].copy())


def found(draw: Draw, speed: int = 2) -> Track | None:
    """Return the block behind the line of text."""
    box = LINE.padded(8, WIDTH, HEIGHT)
    text = Track(
        box=box, line=LINE, first=FIRST, last=LAST, masks=MaskModel(usual=np.zeros((box.height, box.width), bool))
    )
    steps = {index: np.array([[1, 0, -speed], [0, 1, 0], [0, 0, 1]], np.float64) for index in range(COUNT)}
    behind = box_detection.detect_backing_boxes([text], frames(draw, speed), Motion(steps=steps), (WIDTH, HEIGHT))
    assert len(behind) < 2
    return behind[0] if behind else None


def covered(track: Track, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return rasterize.changed_mask([track], index, Box(0, 0, WIDTH, HEIGHT))


def plate(crop: BGR, box: Box = PLATE, color: tuple[int, int, int] = (120, 30, 20)) -> None:
    crop[box.slices] = color


def test_block_comes_before_its_text_bit_by_bit() -> None:
    def wiped(crop: BGR, index: int) -> None:
        shown = min(index - 12, 8, 48 - index) / 8
        if shown > 0:
            plate(crop, Box(PLATE.x0, PLATE.y0, PLATE.x0 + round(PLATE.width * shown), PLATE.y1))

    track = found(wiped)
    assert track is not None
    assert abs(track.first - 13) <= 1
    assert abs(track.last - 47) <= 1
    assert covered(track, 30)[PLATE.slices].all()
    assert covered(track, 30).sum() < 1.4 * PLATE.area


@pytest.mark.parametrize("first", [0, FIRST])
def test_it_is_known_whether_a_block_was_off_before(first: int) -> None:
    def shown(crop: BGR, index: int) -> None:
        if first <= index <= LAST:
            plate(crop)

    track = found(shown)
    assert track is not None
    assert (track.evidence.appears, track.evidence.vanishes, track.lasting) == (first > 0, True, first == 0)


def test_bar_beside_a_plate_goes_with_it() -> None:
    bar, other = Box(52, 100, 60, 132), Box(250, 40, 262, 52)

    def barred(crop: BGR, index: int) -> None:
        if FIRST <= index <= LAST:
            plate(crop)
            plate(crop, bar, (20, 20, 220))
            plate(crop, other, (20, 20, 220))

    track = found(barred)
    assert track is not None
    assert (track.first, track.last) == (FIRST, LAST)
    assert covered(track, 30)[bar.slices].all()
    assert not covered(track, 30)[other.slices].any()


@pytest.mark.parametrize(
    ("alpha", "speed", "box"),
    [(0.5, 2, PLATE), (0.5, 0, PLATE), (0.3, 2, PLATE), (0.5, 2, Box(0, 96, WIDTH, 136))],
    ids=["half", "still", "faint", "band"],
)
def test_scene_is_seen_through_a_translucent_plate(alpha: float, speed: int, box: Box) -> None:
    def translucent(crop: BGR, index: int) -> None:
        if FIRST <= index <= LAST:
            crop[box.slices] = crop[box.slices] * (1 - alpha)

    track = found(translucent, speed)
    assert track is not None
    assert (track.first, track.last) == (FIRST, LAST)
    assert not covered(track, FIRST - 1).any()
    whole = Box(0, 0, WIDTH, HEIGHT)
    shown = next(frame for frame in frames(translucent, speed) if frame.index == 30)
    truth = next(frame for frame in frames(lambda *_: None, speed) if frame.index == 30)
    lifted = rasterize.without_plates(np.dstack([shown.y] * 3), [track], 30, whole)[..., 0]
    # Where there are no letters.
    strip = slice(box.y0 + 1, box.y0 + 4), slice(box.x0 + 4, box.x1 - 4)
    assert np.abs(lifted[strip].astype(int) - truth.y[strip]).mean() < 3
    assert np.array_equal(lifted[:90], shown.y[:90])


def test_rectangle_that_was_there_before_is_of_the_scene() -> None:
    def board(crop: BGR, _: int) -> None:
        plate(crop, color=(118, 34, 22))
        crop[PLATE.slices] += np.linspace(0, 14, PLATE.width).astype(np.uint8)[None, :, None]

    assert found(board, speed=0) is None


def test_bands_of_the_scene_are_no_blocks() -> None:
    def beach(crop: BGR, _: int) -> None:
        plate(crop, Box(0, 90, WIDTH, 140), (150, 120, 60))

    assert found(beach) is None


def test_bare_text_has_no_block() -> None:
    assert found(lambda *_: None) is None


def test_block_slides_in_before_its_text() -> None:
    def sliding(crop: BGR, index: int) -> None:
        away = -24 * max(0, 18 - index) + 24 * max(0, index - 41)
        left, right = max(0, PLATE.x0 + away), min(WIDTH, PLATE.x1 + away)
        if left < right:
            plate(crop, Box(left, PLATE.y0, right, PLATE.y1))

    track = found(sliding)
    assert track is not None
    assert track.path is not None
    assert track.first <= 11
    assert track.last >= 51
    for index in (12, 15, 18, 30, 44, 48):
        shown = next(frame.y for frame in frames(sliding) if frame.index == index)
        truth = next(frame.y for frame in frames(lambda *_: None) if frame.index == index)
        assert not ((np.abs(shown.astype(int) - truth) > 30) & ~covered(track, index)).any()


def test_plate_of_the_colour_of_all_around_is_left() -> None:
    def flat(crop: BGR, _: int) -> None:
        crop[:] = (120, 30, 20)

    assert found(flat) is None


def test_frames_kept_of_a_long_text_do_not_grow_with_its_length() -> None:
    shown = list(frames(lambda crop, _: plate(crop), speed=0))[FIRST]

    def kept(length: int) -> list[int]:
        text = Track(box=LINE, line=LINE, first=100, last=99 + length, masks=MaskModel(usual=np.ones((24, 164), bool)))
        group = LineGroup([text], (WIDTH, HEIGHT))
        for index in range(length + 300):
            group.add_crop(replace(shown, index=index))
        assert len(group.crops) == 8
        assert group.shown(101 + length // 2).shape == group.small[100].shape
        return sorted(group.small)

    some, more = kept(1000), kept(4000)
    assert len(more) < 1.2 * len(some)
    for end in (100, 1099):
        assert set(range(end - SEARCH_FRAMES, end + SEARCH_FRAMES + 1)) <= set(some)


def test_block_behind_a_long_text_has_its_exact_frames() -> None:
    first, last = 30, 1200

    def long(still: Frame, bare: Frame) -> Iterator[Frame]:
        for index in range(last + 80):
            yield replace(still if first - 5 <= index <= last + 5 else bare, index=index)

    still = list(frames(lambda crop, _: plate(crop)))[FIRST]
    bare = next(frames(lambda *_: None))
    box = LINE.padded(8, WIDTH, HEIGHT)
    text = Track(
        box=box, line=LINE, first=first, last=last, masks=MaskModel(usual=np.ones((box.height, box.width), bool))
    )
    (track,) = box_detection.detect_backing_boxes([text], long(still, bare), Motion(), (WIDTH, HEIGHT))
    assert (track.first, track.last, track.lasting) == (first - 5, last + 5, False)
    assert covered(track, 600)[PLATE.slices].all()
