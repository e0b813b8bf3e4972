"""The scene is seen through translucent text again, and opaque text is left to the fill."""

import cv2
import numpy as np
import pytest

from preflight.engine.alpha.matte import AlphaMatte, unblend
from preflight.engine.alpha.settings import WATERMARK
from preflight.engine.alpha.watermark_matte import WatermarkSample, fit_watermark, unblend_watermark
from preflight.engine.core.arrays import BGR, BoolMask
from preflight.engine.core.harmonic_fill import harmonic_inpaint

HEIGHT, WIDTH = 48, 160
FREE: BoolMask = np.zeros((HEIGHT, WIDTH), np.bool_)


def letters(*, thick: int = 2) -> BGR:
    """Return how much of each sample the letters cover, 0..255, with soft edges."""
    cover = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(cover, "preflight", (8, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 255, thick, cv2.LINE_AA)
    return cover


def scenes(count: int, *, fine: float = 0.0) -> list[BGR]:
    """Return windows on a ground that passes by, rough on every scale, the more the larger it is, as scenes are.

    With `fine`, small things are in it that pass by strokes and can't be told from around them.
    """
    dice, ground = np.random.default_rng(7), np.zeros((200, 1800, 3), np.float32)
    for cell in (64, 32, 16, 8, 4):
        noise = dice.normal(size=(200 // cell + 2, 1800 // cell + 2, 1 if fine else 3)).astype(np.float32)
        grown = cv2.resize(noise, (1800, 200), interpolation=cv2.INTER_CUBIC)
        ground += (0.8 * cell + (fine if cell < 16 else 0)) * grown.reshape(200, 1800, -1)
    ground = np.clip(ground + 120, 10, 240)
    return [np.asarray(ground[60 : 60 + HEIGHT, 17 * n : 17 * n + WIDTH], np.uint8) for n in range(count)]


def shown(scene: BGR, opacity: float, *, thick: int = 2) -> BGR:
    alpha = (letters(thick=thick) / 255 * opacity)[..., None]
    return np.clip(np.rint(scene * (1 - alpha) + 235 * alpha), 0, 255).astype(np.uint8)


MARK: BoolMask = np.asarray(cv2.dilate(letters(), np.ones((5, 5), np.uint8)) > 8, np.bool_)


def samples(opacity: float, count: int = 40) -> list[WatermarkSample]:
    return [WatermarkSample(shown(scene, opacity), FREE) for scene in scenes(count)]


def error(a: BGR, b: BGR) -> float:
    return float(np.abs(a.astype(np.float32) - b)[MARK].mean())


@pytest.mark.parametrize("opacity", [0.3, 0.5, 0.7])
def test_scene_shows_through(opacity: float) -> None:
    known = fit_watermark(samples(opacity), MARK)
    assert known is not None
    body = letters() > 250
    assert float(np.median(known.transmittance[body])) == pytest.approx(1 - opacity, abs=0.06)
    scene = scenes(60)[55]
    seen = shown(scene, opacity)
    filled = np.clip(np.rint(harmonic_inpaint(seen.astype(np.float32), MARK)), 0, 255).astype(np.uint8)
    lifted = unblend_watermark(seen, known, MARK)
    assert error(lifted.scene, scene) < 0.6 * error(filled, scene)
    assert np.median(lifted.error[body]) == pytest.approx(3 / (1 - opacity), rel=0.2)


@pytest.mark.parametrize("opacity", [0.5, 0.6])
def test_busy_scene_shows_through_large_letters(opacity: float) -> None:
    mark: BoolMask = np.asarray(cv2.dilate(letters(thick=5), np.ones((5, 5), np.uint8)) > 8, np.bool_)
    ground = scenes(60, fine=60)
    known = fit_watermark([WatermarkSample(shown(scene, opacity, thick=5), FREE) for scene in ground[:40]], mark)
    assert known is not None
    seen = shown(ground[55], opacity, thick=5)
    filled = np.clip(np.rint(harmonic_inpaint(seen.astype(np.float32), mark)), 0, 255).astype(np.uint8)
    assert error(unblend_watermark(seen, known, mark).scene, ground[55]) < 0.7 * error(filled, ground[55])


def test_opaque_text_over_a_busy_scene_is_no_overlay() -> None:
    mark: BoolMask = np.asarray(cv2.dilate(letters(thick=5), np.ones((5, 5), np.uint8)) > 8, np.bool_)
    assert (
        fit_watermark([WatermarkSample(shown(scene, 1.0, thick=5), FREE) for scene in scenes(40, fine=60)], mark)
        is None
    )


def test_highlighted_words_are_no_overlay() -> None:
    dull = [
        WatermarkSample((sample.color * (0.4 + 0.6 * (n // 6 % 2))).astype(np.uint8), FREE)
        for n, sample in enumerate(samples(1.0))
    ]
    words = [
        WatermarkSample(np.where(letters()[..., None] > 128, sample.color, scene), FREE)
        for sample, scene in zip(dull, scenes(40), strict=True)
    ]
    assert fit_watermark(words, MARK) is None


def test_hairlines_that_coding_mixes_with_the_scene_are_no_overlay() -> None:
    """A wall with text that a scene follows for a few frames: of thin strokes, little is left as it was."""
    scene = scenes(26)
    grounds = [scene[0] // 3 + 150 if number < 16 else scene[number] for number in range(26)]
    coded = [cv2.imencode(".jpg", shown(ground, 1.0, thick=1), [cv2.IMWRITE_JPEG_QUALITY, 40])[1] for ground in grounds]
    samples = [WatermarkSample(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8), FREE) for data in coded]
    assert fit_watermark(samples, MARK) is None


def test_opaque_text_is_no_overlay() -> None:
    assert fit_watermark(samples(1.0), MARK) is None


def test_still_scene_tells_nothing() -> None:
    still = [WatermarkSample(shown(scenes(1)[0], 0.5), FREE)] * 40
    assert fit_watermark(still, MARK) is None


def test_few_looks_tell_nothing() -> None:
    assert fit_watermark(samples(0.5, WATERMARK.least_samples - 1), MARK) is None


def test_other_text_that_passes_is_not_counted() -> None:
    plain = fit_watermark(samples(0.5), MARK)
    passing = []
    for number, sample in enumerate(samples(0.5)):
        band = FREE.copy()
        band[:, 4 * number : 4 * number + 12] = True
        color = sample.color.copy()
        color[band] = 255
        passing.append(WatermarkSample(color, band))
    among = fit_watermark(passing, MARK)
    assert plain is not None
    assert among is not None
    assert float(np.abs(plain.transmittance - among.transmittance)[MARK].mean()) < 0.06


def test_what_hardly_shows_through_is_left_to_the_fill() -> None:
    seen = scenes(1)[0]
    dense = AlphaMatte(np.full((HEIGHT, WIDTH), 0.1, np.float32), np.zeros((HEIGHT, WIDTH, 3), np.float32), 3.0)
    assert (unblend(seen, dense).error > 255).all()
