"""AcceptanceMeasures of picture pairs: tiles, traces of letters, flicker."""

import cv2
import numpy as np
import pytest

from preflight.restore.acceptance import flicker, residue, tiles
from preflight.restore.acceptance.residue import Line


def scene(seed: int = 0, size: tuple[int, int] = (256, 192)) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(128, 60, (size[1], size[0])).astype(np.float32)
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 3) * 3 - 256, 0, 255).astype(np.uint8)


def lettered(picture: np.ndarray, share: float = 1.0) -> np.ndarray:
    drawn = picture.copy()
    cv2.putText(drawn, "HELLO", (40, 110), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 0, 8)
    cv2.putText(drawn, "HELLO", (40, 110), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 255, 4)
    mixed = picture.astype(np.float32) * (1 - share) + drawn.astype(np.float32) * share
    return mixed.round().astype(np.uint8)


def test_equal_pictures_have_whole_structure() -> None:
    found = tiles.compare_tiles(scene(), scene())
    assert found.structure.min() > 0.999
    assert found.error.max() == 0


def test_blurred_tile_loses_its_structure() -> None:
    spoiled = scene()
    spoiled[64:128, 64:128] = cv2.GaussianBlur(spoiled, (0, 0), 12)[64:128, 64:128]
    found = tiles.compare_tiles(scene(), spoiled)
    assert found.structure[2:4, 2:4].max() < 0.45
    assert np.delete(found.structure.ravel(), [18, 19, 26, 27]).min() > 0.99


def test_brightness_of_the_whole_picture_is_no_change_of_a_tile() -> None:
    found = tiles.compare_tiles(scene(), cv2.add(scene(), 20))
    assert np.abs(found.level).max() < 8


def test_tiles_that_a_box_touches_are_text() -> None:
    mask = tiles.text_tiles([(33, 0, 65, 10)], (256, 192))
    assert mask.shape == (6, 8)
    assert np.argwhere(mask).tolist() == [[0, 1], [0, 2]]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_trace_is_the_share_of_contrast_that_is_left(share: float) -> None:
    source = lettered(scene())
    assert residue.trace_strength(source, lettered(scene(), share), 40) == pytest.approx(share, abs=0.12)


def test_untouched_text_is_unchanged() -> None:
    source = lettered(scene())
    assert residue.is_unchanged(source, source, 40)
    assert not residue.is_unchanged(source, scene(), 40)


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [("Hello world", "hello world", 1.0), ("lo wo", "hello world", 1.0), ("he", "hello", 0.57), ("xyz", "hello", 0.0)],
)
def test_likeness_ignores_case_and_counts_pieces(read: str, text: str, expected: float) -> None:
    assert residue.likeness(read, text) == pytest.approx(expected, abs=0.01)


def test_lines_of_an_enlarged_place_are_at_their_own_place() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)

    def detect(part: np.ndarray) -> list[Line]:
        height, width = part.shape[:2]
        return [Line((0, 0, width, height), "x", 1.0)]

    (line,) = residue.read_place(picture, (100, 50, 140, 60), 10, detect)
    assert line.box == (94, 44, 146, 66)


def test_flicker_is_seen_inside_the_place_only() -> None:
    place = (64, 64, 192, 112)
    steady = scene()
    assert flicker.warping_error(steady, steady, place) == 0
    lit = steady.copy()
    lit[64:112, 64:192] = np.clip(lit[64:112, 64:192].astype(np.int16) + 40, 0, 255).astype(np.uint8)
    assert flicker.warping_error(steady, lit, place) > 10
    assert flicker.warping_error(steady, cv2.add(steady, 40), place) < 4


def test_motion_is_no_flicker() -> None:
    picture = scene(size=(300, 192))
    assert flicker.warping_error(picture[:, 0:256].copy(), picture[:, 2:258].copy(), (64, 64, 192, 112)) < 2


def test_weak_texture_that_is_gone_is_smeared() -> None:
    weak = (128 + (scene().astype(np.float32) - 128) * 0.15).astype(np.uint8)
    grain = np.random.default_rng(1).normal(0, 3, weak.shape)
    weak = np.clip(weak + grain, 0, 255).astype(np.uint8)
    spoiled = weak.copy()
    spoiled[32:160, 32:160] = cv2.GaussianBlur(weak, (0, 0), 8)[32:160, 32:160]
    assert tiles.compare_tiles(weak, spoiled).smeared[2:4, 2:4].all()
    coded = cv2.GaussianBlur(weak, (0, 0), 0.8)
    assert not tiles.compare_tiles(weak, coded).smeared.any()
