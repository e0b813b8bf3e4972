"""What stands out of coding noise: text that is gone does, what coders smear at hard edges of drawings doesn't."""

import cv2
import numpy as np

from preflight.restore.composite import changes
from preflight.restore.composite.frames import Picture

WIDTH, HEIGHT = 320, 160


def _drawing(*, text: bool) -> Picture:
    """Bars of flat colours, with black letters on the second one."""
    luma = np.repeat(np.array([40, 200, 90, 160], np.uint8), WIDTH // 4)[None].repeat(HEIGHT, 0)
    blue = np.repeat(np.array([90, 200, 60, 128], np.uint8), WIDTH // 8)[None].repeat(HEIGHT // 2, 0)
    if text:
        cv2.putText(luma, "TEXT", (92, 90), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 20, 2)
    return Picture(luma.copy(), blue.copy(), np.full_like(blue, 128))


def _coded(picture: Picture) -> Picture:
    """Smear the bars' edges in a few places, all the rest comes back as it was: a coder at a low rate on a drawing."""
    noise = np.random.default_rng(1)
    luma, blue = picture.y.astype(np.int16), picture.u.astype(np.int16)
    for x in (80, 160, 240):
        luma[32:48, x - 4 : x + 4] += noise.integers(-9, 10, (16, 8), np.int16)
        blue[16:24, x // 2 - 4 : x // 2 + 4] += noise.integers(-4, 5, (8, 8), np.int16)
    return Picture(luma.clip(0, 255).astype(np.uint8), blue.clip(0, 255).astype(np.uint8), picture.v)


def test_noise_at_the_hard_edges_of_a_drawing_is_no_change() -> None:
    drawing = _drawing(text=False)
    assert not changes.compare(drawing, _coded(drawing)).seeds.any()


def test_text_that_is_gone_from_a_drawing_is_a_change_and_nothing_else_is() -> None:
    found = changes.compare(_drawing(text=True), _coded(_drawing(text=False))).seeds
    rows, columns = np.nonzero(found)
    assert found.sum() >= 10
    assert columns.min() >= 11
    assert columns.max() <= 18
    assert rows.min() >= 8
    assert rows.max() <= 11


def test_noise_where_something_runs_is_no_change() -> None:
    # A counter on a flat ground: the digits of before are coded away, some of them stays.
    still = np.full((HEIGHT, WIDTH), 60, np.uint8)
    ground = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    before, now = still.copy(), still.copy()
    before[64:80, 100:180] = 220
    sent, cleaned = Picture(now, ground, ground), Picture(now.copy(), ground, ground)
    cleaned.y[64:80, 100:180] += 9
    assert not changes.compare(sent, cleaned, Picture(before, ground, ground)).seeds.any()
    assert changes.compare(sent, cleaned, sent).seeds.any()
