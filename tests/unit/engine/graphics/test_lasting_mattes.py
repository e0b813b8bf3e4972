"""The matte of translucent text that stays is fitted once to samples of the whole video."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BoolMask
from preflight.engine.core.box import Box
from preflight.engine.graphics.lasting_mattes import fit_lasting_mattes
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import MaskModel, Track

WIDTH, HEIGHT, FRAMES = 240, 96, 48
BOX = Box(20, 20, 220, 76)


def letters() -> np.ndarray:
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(drawn, "stock", (36, 62), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 6)
    return drawn


MASK: BoolMask = np.asarray(cv2.dilate(letters(), np.ones((5, 5), np.uint8)) > 0, np.bool_)[BOX.slices]
TRACK = Track(box=BOX, line=BOX, first=0, last=FRAMES - 1, masks=MaskModel(usual=MASK), text="stock", score=0.9)


def frames(opacity: float) -> Iterator[Frame]:
    dice, ground = np.random.default_rng(3), np.full((HEIGHT, WIDTH + 20 * FRAMES), 120, np.float32)
    for cell in (32, 16, 8):
        noise = dice.normal(size=(HEIGHT // cell + 2, ground.shape[1] // cell + 2)).astype(np.float32)
        ground += 1.2 * cell * cv2.resize(noise, ground.shape[::-1], interpolation=cv2.INTER_CUBIC)
    chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    alpha = letters() / 255 * opacity
    for index in range(FRAMES):
        scene = np.clip(ground[:, 20 * index : 20 * index + WIDTH], 10, 240)
        yield Frame(index=index, y=(scene * (1 - alpha) + 235 * alpha).astype(np.uint8), u=chroma, v=chroma)


@pytest.mark.parametrize("opacity", [0.3, 0.5])
def test_translucent_text_gets_a_matte(opacity: float) -> None:
    (track,) = fit_lasting_mattes([TRACK], lambda: frames(opacity), FRAMES)
    assert track.masks.matte is not None
    body = (letters() > 250)[BOX.slices]
    assert float(np.median(track.masks.matte.transmittance[body])) == pytest.approx(1 - opacity, abs=0.12)


def test_opaque_text_gets_none() -> None:
    (track,) = fit_lasting_mattes([TRACK], lambda: frames(1.0), FRAMES)
    assert track.masks.matte is None


@pytest.mark.parametrize(
    "track",
    [
        replace(TRACK, last=FRAMES // 2),
        replace(TRACK, path=((0, 0),) * FRAMES),
        replace(TRACK, scaled=True),
        replace(TRACK, line=Box(20, 20, 220, 47)),
        TRACK.with_masks(plate=MASK),
    ],
    ids=["short", "moves", "grows", "small", "on a box"],
)
def test_other_text_is_not_looked_at(track: Track) -> None:
    def no_frames() -> Iterator[Frame]:
        raise AssertionError

    assert fit_lasting_mattes([track], no_frames, FRAMES) == [track]
