"""How strong fading text is on each frame is found, and the scene is seen through it again while it is faint."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from preflight.engine.alpha.fade import Fade, fit_fade
from preflight.engine.alpha.fade_curve import FadingText
from preflight.engine.alpha.matte import unblend
from preflight.engine.core.arrays import BGR, BoolMask
from preflight.engine.core.harmonic_fill import harmonic_inpaint
from tests.unit.engine.alpha.test_watermark_matte import FREE, HEIGHT, MARK, WIDTH, error, letters, scenes, shown

COUNT = 60
FADE = 12
STRENGTHS = [min(1.0, frame / FADE, (COUNT - 1 - frame) / FADE) for frame in range(COUNT)]
GROUND = [np.asarray(cv2.GaussianBlur(scene, (0, 0), 1.5), np.uint8) for scene in scenes(COUNT)]


def text(
    frames: list[BGR], hidden: Callable[[int], BoolMask] = lambda _: FREE, known: range = range(COUNT)
) -> FadingText:
    return FadingText(
        mask=MARK,
        height=24,
        first=0,
        last=len(frames) - 1,
        known=known,
        luma=lambda index: frames[index][..., 0],
        color=lambda index: frames[index],
        hidden=hidden,
    )


def faded(strengths: list[float]) -> list[BGR]:
    return [shown(scene, strength) for scene, strength in zip(GROUND, strengths, strict=True)]


def shadowed(scene: BGR, strength: float) -> BGR:
    """Return letters over their shadow, each with that strength, as a renderer draws them that fades both."""
    shadow = (cv2.dilate(letters(), np.ones((3, 3), np.uint8)) / 255 * 0.6 * strength)[..., None]
    cover = (letters() / 255 * strength)[..., None]
    below = scene * (1 - shadow) + np.array([16, 128, 128]) * shadow
    return np.clip(np.rint(below * (1 - cover) + 235 * cover), 0, 255).astype(np.uint8)


def filled(seen: BGR) -> BGR:
    return np.clip(np.rint(harmonic_inpaint(seen.astype(np.float32), MARK)), 0, 255).astype(np.uint8)


def lifted(known: Fade, index: int, seen: BGR) -> BGR:
    return np.clip(np.rint(unblend(seen, known.matte(index)).scene), 0, 255).astype(np.uint8)


def test_strength_is_found_on_every_frame() -> None:
    known = fit_fade(text(faded(STRENGTHS)))
    assert known is not None
    faint = [frame for frame in range(COUNT) if STRENGTHS[frame] < 0.7]
    assert set(faint) <= set(known.opacity)
    for frame in faint:
        assert known.opacity[frame] == pytest.approx(STRENGTHS[frame], abs=0.05)


def test_scene_shows_through_faint_text() -> None:
    frames = faded(STRENGTHS)
    known = fit_fade(text(frames))
    assert known is not None
    for frame in range(1, 6):
        seen, scene = frames[frame], GROUND[frame]
        assert error(lifted(known, frame, seen), scene) < 0.7 * error(filled(seen), scene)


def test_a_shadow_that_fades_by_itself_is_taken_off_too() -> None:
    frames = [shadowed(scene, strength) for scene, strength in zip(GROUND, STRENGTHS, strict=True)]
    known = fit_fade(text(frames))
    assert known is not None
    whole = fit_fade(text(faded(STRENGTHS)))
    assert whole is not None
    assert known.shade > 0.4
    assert whole.shade < 0.2
    without = replace(known, shade=0.0)
    for frame in range(3, 7):
        seen, scene = frames[frame], GROUND[frame]
        assert error(lifted(known, frame, seen), scene) < error(lifted(without, frame, seen), scene) - 1


def test_the_stronger_the_text_the_greater_the_doubt() -> None:
    known = fit_fade(text(faded(STRENGTHS)))
    assert known is not None
    body = letters() > 250
    doubts = [float(unblend(GROUND[frame], known.matte(frame)).error[body].mean()) for frame in range(8)]
    assert doubts == sorted(doubts)
    assert doubts[-1] > 4 * doubts[0]


def test_the_faintest_frames_lend() -> None:
    known = fit_fade(text(faded(STRENGTHS)))
    assert known is not None
    assert set(known.faintest) == {0, 1, 2, COUNT - 3, COUNT - 2, COUNT - 1}


def test_text_that_comes_at_once_does_not_fade() -> None:
    assert fit_fade(text(faded([1.0] * COUNT))) is None


def test_text_that_is_written_does_not_fade() -> None:
    frames = []
    for frame, scene in enumerate(GROUND):
        here = shown(scene, 1.0)
        here[:, min(WIDTH, WIDTH * frame // FADE) :] = scene[:, min(WIDTH, WIDTH * frame // FADE) :]
        frames.append(here)
    known = fit_fade(text(frames))
    written = range(2, FADE - 4)
    assert known is None or not set(known.opacity) & set(written)


def test_other_text_that_hides_it_is_not_counted() -> None:
    def hidden(index: int) -> BoolMask:
        band = FREE.copy()
        band[:, 3 * index : 3 * index + 24] = True
        return band

    frames = faded(STRENGTHS)
    for index, picture in enumerate(frames):
        picture[hidden(index)] = 255
    known = fit_fade(text(frames, hidden))
    assert known is not None
    for index in (3, 6, 9):
        assert known.opacity[index] == pytest.approx(STRENGTHS[index], abs=0.07)


def test_text_that_is_hidden_altogether_tells_nothing() -> None:
    whole = np.ones((HEIGHT, WIDTH), np.bool_)
    known = fit_fade(text(faded(STRENGTHS), lambda index: whole if STRENGTHS[index] < 1 else FREE))
    assert known is None or all(STRENGTHS[index] == 1 for index in known.opacity)


def test_ends_that_are_not_known_are_left_alone() -> None:
    known = fit_fade(text(faded(STRENGTHS), known=range(20, COUNT)))
    assert known is not None
    assert not set(known.opacity) & set(range(20))


def test_two_frames_tell_nothing() -> None:
    assert fit_fade(text(faded(STRENGTHS), known=range(2))) is None
