"""Large faint marks over a scene that stands."""

from dataclasses import replace

import cv2
import numpy as np

from preflight.engine.core.box import Box
from preflight.engine.graphics.faint_marks import with_faint_marks
from preflight.engine.graphics.static_edges import mark_track
from preflight.engine.graphics.watermarks import FrameSampler
from preflight.engine.media.decode import Frame
from preflight.engine.model.kind import Kind

SIZE = (480, 272)


def standing_scene(text: str) -> FrameSampler:
    """A standing scene of fine texture with noise that changes, and faint large text over it."""
    dice, result = np.random.default_rng(3), FrameSampler()
    letters = np.zeros(SIZE[::-1], np.uint8)
    cv2.putText(letters, text, (40, 160), cv2.FONT_HERSHEY_SIMPLEX, 1.8, 255, 5, cv2.LINE_AA)
    scene = 120 + cv2.GaussianBlur(dice.normal(size=SIZE[::-1]).astype(np.float32), (0, 0), 3) * 40
    chroma = np.full((SIZE[1] // 2, SIZE[0] // 2), 128, np.uint8)
    for index in range(16):
        picture = scene + 0.1 * letters + dice.normal(size=scene.shape) * 8
        result.add(Frame(index=index, y=np.clip(picture, 0, 255).astype(np.uint8), u=chroma, v=chroma))
    return result


def test_name_of_an_agency_is_overlay_text() -> None:
    (mark,) = with_faint_marks([], standing_scene("shutterstock"), SIZE, 16)
    assert mark.kind is Kind.ARTIFICIAL
    assert (mark.first, mark.last) == (0, 15)
    assert mark.masks.usual.any()
    assert with_faint_marks([mark], standing_scene("shutterstock"), SIZE, 16) == [mark]


def test_mark_replaces_pieces_that_were_found_on_some_frames() -> None:
    """Over a lively scene the tracker finds a part of the mark, for a while; a caption beside it is no part."""
    (mark,) = with_faint_marks([], standing_scene("shutterstock"), SIZE, 16)
    piece = replace(mark, text="erstock", score=0.9, first=2, last=6)
    caption = replace(mark, text="Good morning", score=0.99, first=2, last=6)
    assert with_faint_marks([piece, caption], standing_scene("shutterstock"), SIZE, 16)[:-1] == [caption]


def test_other_faint_text_may_be_a_sign() -> None:
    (mark,) = with_faint_marks([], standing_scene("Bakery house"), SIZE, 16)
    assert mark.kind is Kind.UNCERTAIN


def test_mark_that_rounding_puts_beyond_the_frame_is_cut_there() -> None:
    """Samples of 640 pixels stand for a frame with an odd height."""
    edges = np.zeros((360, 640), bool)
    edges[330:360, 600:640] = True
    track = mark_track(edges, Box(0, 0, 640, 360), 1.5, (960, 539), 10)
    assert track.box.y1 <= 538
    assert track.line.y1 <= 538
    assert track.masks.usual.shape == (track.box.height, track.box.width)
    assert track.masks.usual[-1, -5:].all()
