"""Text that comes or goes by itself, and with its scene, on pictures drawn here."""

from collections.abc import Sequence

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR
from preflight.engine.core.box import Box
from preflight.engine.media.decode import Frame
from preflight.engine.segment import strokes as glyphs
from preflight.engine.tracking import appearance, transitions
from preflight.engine.tracking.transitions import Moment, Scene

LINE, PAD = Box(40, 60, 280, 100), Box(24, 44, 296, 116)
SHARES = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)


def scene() -> BGR:
    """Return a picture with something everywhere."""
    noise = np.random.default_rng(4).integers(20, 200, (6, 8, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (320, 240), interpolation=cv2.INTER_CUBIC), np.uint8)


def titled(ground: BGR) -> BGR:
    picture = ground.copy()
    cv2.putText(picture, "How it started", (44, 90), cv2.FONT_HERSHEY_DUPLEX, 1.0, (255, 255, 255), 2, cv2.LINE_AA)
    return picture


def mixed(a: BGR, b: BGR, share: float) -> BGR:
    return np.asarray(cv2.addWeighted(a, share, b, 1 - share, 0), np.uint8)


def dimmed(picture: BGR) -> BGR:
    return np.asarray(cv2.convertScaleAbs(picture, alpha=0.7), np.uint8)


def known() -> appearance.AppearanceTemplate:
    crop = titled(scene())[PAD.slices]
    inner = np.zeros(crop.shape[:2], bool)
    inner[LINE.moved(-PAD.x0, -PAD.y0).slices] = True
    strokes = glyphs.find_strokes(crop, np.zeros(crop.shape[:2], np.float32), LINE.height, inner)
    return appearance.learn_template(crop, strokes, [crop])


def run(pictures: Sequence[BGR], others: Sequence[Box] = ()) -> dict[int, Moment]:
    """Return what of the pictures, that lead away from a text, shows it alone changing."""
    moments = {}
    for index, picture in enumerate(pictures):
        gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        half = np.full((120, 160), 128, np.uint8)
        frame = Frame(index=index, y=np.asarray(gray, np.uint8), u=half, v=half)
        moments[index] = Moment(picture[PAD.slices], Scene.of(frame))
    return transitions.isolated_frames(known(), LINE, others, moments)


def test_text_that_fades_on_a_picture_that_stays_was_put_on_it() -> None:
    left = run([mixed(titled(scene()), scene(), share) for share in SHARES])
    assert max(left) == len(SHARES) - 1
    assert transitions.is_fade(known(), left)


def test_a_title_on_a_plain_card_fades() -> None:
    card = np.full((240, 320, 3), 30, np.uint8)
    assert transitions.is_fade(known(), run([mixed(titled(card), card, share) for share in SHARES]))


def test_a_sign_that_fades_with_its_scene_does_not() -> None:
    others = {"black": np.zeros_like(scene()), "white": np.full_like(scene(), 255), "dissolve": scene()[::-1, ::-1]}
    for name, other in others.items():
        left = run([mixed(titled(scene()), other, share) for share in SHARES])
        assert len(SHARES) - 1 not in left, name
        assert not transitions.is_fade(known(), left), name


def test_a_sign_that_is_uncovered_does_not() -> None:
    pictures = []
    for share in SHARES:
        picture = scene()
        reach = LINE.x0 + round(LINE.width * share)
        picture[:, :reach] = titled(scene())[:, :reach]
        pictures.append(picture)
    assert not transitions.is_fade(known(), run(pictures))


def test_what_comes_at_once_is_alone_but_no_fade() -> None:
    left = run([titled(scene()), titled(scene()), scene(), scene()])
    assert sorted(left) == [1, 2, 3]
    assert not transitions.is_fade(known(), left)


def test_what_comes_at_once_is_alone_in_flashing_lights() -> None:
    lights = [titled(scene()) if number % 2 else dimmed(titled(scene())) for number in range(8)]
    assert sorted(run([*lights, dimmed(scene())])) == [7, 8]
    assert sorted(run([titled(scene())] * 8 + [dimmed(scene())])) == [7]


def test_what_comes_at_once_is_not_alone_where_all_changed_before_it_was_there() -> None:
    lights = [scene() if number % 2 else dimmed(scene()) for number in range(8)]
    assert sorted(run([*lights, titled(scene()), dimmed(scene())])) == [8]


def test_what_ends_right_after_a_cut_is_alone() -> None:
    other = np.asarray(cv2.convertScaleAbs(scene()[::-1], alpha=0.4, beta=110), np.uint8)
    assert sorted(run([titled(scene()), titled(scene()), titled(other), other])) == [2, 3]


def test_what_ends_at_once_inside_a_dissolve_falls_and_a_sign_does_not() -> None:
    grounds = [mixed(scene(), scene()[::-1, ::-1], 1 - number / 12) for number in range(13)]
    captioned = [titled(ground) if number < 4 else ground for number, ground in enumerate(grounds)]
    assert transitions.loses_contrast(known(), run(captioned))
    signed = [mixed(titled(scene()), scene()[::-1, ::-1], 1 - number / 12) for number in range(13)]
    assert not transitions.loses_contrast(known(), run(signed))


def test_captions_that_come_together_are_alone() -> None:
    card = np.full((240, 320, 3), 30, np.uint8)
    below = Box(40, 160, 280, 200)
    both = titled(card)
    both[below.slices] = both[LINE.slices]
    fading = [mixed(both, card, share) for share in SHARES]
    assert not transitions.is_fade(known(), run(fading))
    assert transitions.is_fade(known(), run(fading, [below]))
    assert sorted(run([both, card])) == [0, 1]


def test_a_sign_that_something_passes_is_not_alone() -> None:
    passed = scene()
    passed[:, LINE.x0 :][:, : LINE.width] = 90
    assert sorted(run([titled(scene()), titled(scene()), passed])) == [1]


def test_nothing_is_known_of_nothing() -> None:
    assert transitions.isolated_frames(known(), LINE, [], {}) == {}
    assert not transitions.is_fade(known(), {})
