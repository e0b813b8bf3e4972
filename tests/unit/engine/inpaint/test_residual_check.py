"""Traces in the letters' shape are told from the scene, whether or not anybody could read them."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import YCbCr, dilate
from preflight.engine.core.box import Box
from preflight.engine.core.harmonic_fill import harmonic_inpaint
from preflight.engine.detect import ocr
from preflight.engine.inpaint.residual_check import RemovedLine, lasting, legibility, stroke_residue
from preflight.engine.inpaint.settings import RESIDUAL

HEIGHT, WIDTH = 96, 320
BOX = Box(20, 30, 300, 66)


def scene(contrast: float = 20) -> YCbCr:
    """Smooth noise, as a scene out of focus has it."""
    noise = np.random.default_rng(3).normal(0, 1, (HEIGHT, WIDTH, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 5)
    return np.asarray(np.clip(128 + contrast * smooth / smooth.std(), 0, 255), np.uint8)


def line() -> RemovedLine:
    """What a line of letters covers."""
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(drawn, "NEVER GIVE UP", (24, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 255, 4)
    return RemovedLine(BOX, drawn > 0, "NEVER GIVE UP")


def lettered(share: float, *, rim: bool = False) -> YCbCr:
    """The scene with `share` of the letters' contrast left, or with all of a dark rim around them."""
    letters = line().letters
    where = dilate(letters, 3) & ~letters if rim else letters
    result = scene().astype(np.float32)
    result[where] += share * ((0 if rim else 235) - result[where])
    return np.asarray(result, np.uint8)


def test_a_restored_scene_has_no_residue() -> None:
    assert stroke_residue(scene(), lettered(1), line()) == 0


@pytest.mark.parametrize(("share", "found"), [(0.02, False), (0.2, True), (1.0, True)])
def test_residue_is_the_share_of_contrast_that_is_left(share: float, found: bool) -> None:
    residue = stroke_residue(lettered(share), lettered(1), line())
    assert (residue > RESIDUAL.trace_limit * 0.8) == found
    assert residue == pytest.approx(share if found else 0, abs=0.08)


def test_a_dark_rim_around_removed_letters_is_noticed() -> None:
    both = lettered(1).astype(np.float32)
    edge = dilate(line().letters, 3) & ~line().letters
    both[edge] = 0
    assert stroke_residue(lettered(0.5, rim=True), np.asarray(both, np.uint8), line()) > RESIDUAL.trace_limit


def test_letters_that_unblending_left_too_dark_are_traces() -> None:
    dark = scene().astype(np.float32)
    dark[line().letters] -= 20
    result = np.asarray(np.clip(dark, 0, 255), np.uint8)
    assert stroke_residue(result, lettered(0.5), line()) == 0
    assert stroke_residue(result, lettered(0.5), replace(line(), unblended=True)) > RESIDUAL.trace_limit


def test_a_mask_without_letters_shape_is_not_judged() -> None:
    whole = np.zeros((HEIGHT, WIDTH), bool)
    whole[BOX.slices] = True
    assert stroke_residue(lettered(1), lettered(1), RemovedLine(BOX, whole, "")) == 0
    assert 0.8 < RESIDUAL.dense < 0.95


def test_tiny_text_is_not_judged_by_its_strokes() -> None:
    flat = RemovedLine(Box(20, 30, 300, 30 + RESIDUAL.least_height - 1), line().letters, "")
    assert stroke_residue(lettered(1), lettered(1), flat) == 0


@pytest.mark.parametrize(("read", "before", "expected"), [("I", "I", 0), ("give", "give", 1), ("give", "", 0)])
def test_a_reading_counts_from_two_letters_on(
    read: str, before: str, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "find_lines", lambda *_: [Box(25, 25, 305, 61)])
    monkeypatch.setattr(ocr, "read_line", lambda _: ocr.OcrReading(read, RESIDUAL.legible_score))
    letters = np.ones((HEIGHT, WIDTH), bool)
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    assert legibility(frame, [RemovedLine(BOX, letters, before)], []) == [expected]


class Reader:
    """Stands for the text models: finds one line and reads it."""

    def __init__(self, box: Box, text: str, score: float) -> None:
        self.box, self.text, self.score = box, text, score


@pytest.mark.parametrize(
    ("text", "score", "expected"),
    [
        ("NEVER GIVE UP", 0.65, 1.0),
        ("NEVER GIVE UP", 0.5, 0.0),
        ("DAY BREAK", 0.9, 0.9),
        ("DAY BREAK", 0.6, 0.18),
        ("#", 0.9, 0.0),
    ],
)
def test_other_text_counts_when_it_is_read_surely(
    monkeypatch: pytest.MonkeyPatch, text: str, score: float, expected: float
) -> None:
    monkeypatch.setattr(ocr, "find_lines", lambda *_: [Box(40, 40, 200, 70)])
    monkeypatch.setattr(ocr, "read_line", lambda _: ocr.OcrReading(text=text, score=score))
    shown = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    assert legibility(shown, [line()], []) == pytest.approx([expected], abs=0.02)
    assert legibility(shown, [line()], [Box(0, 0, WIDTH, HEIGHT)]) == [0]


@pytest.mark.parametrize(("ratio", "told"), [(RESIDUAL.faint_ratio * 0.9, True), (RESIDUAL.faint_ratio * 1.1, False)])
def test_a_scene_in_the_shape_of_letters_is_told_by_a_frame_on_which_they_are_faint(ratio: float, told: bool) -> None:
    # The scene itself shows the letters darkly, and the text in its place is bright.
    scene, text = lettered(0.3), lettered(1)
    faint = np.asarray(scene + ratio * (text.astype(np.float32) - scene), np.uint8)
    judged = replace(line(), faint=faint, faint_ratio=ratio)
    assert (stroke_residue(scene, text, judged) == 0) == told
    assert stroke_residue(faint, text, judged) > RESIDUAL.trace_limit


def test_a_faint_frame_of_another_scene_tells_nothing() -> None:
    judged = replace(line(), faint=np.asarray(lettered(0.3) // 2, np.uint8), faint_ratio=0.0)
    assert stroke_residue(lettered(0.3), lettered(1), judged) > RESIDUAL.trace_limit


@pytest.mark.parametrize(
    ("traces", "left"),
    [
        ([0.0] * 40, 0.0),
        ([0.0] * 20 + [1.0] + [0.0] * 19, 0.0),
        ([0.0] * 30 + [0.5] * 4 + [0.0] * 6, 0.5),
        ([0.3], 0.3),
        ([], 0.0),
    ],
)
def test_trace_counts_where_it_lasts_for_several_frames(traces: list[float], left: float) -> None:
    assert lasting(traces) == left


def test_smooth_fill_at_the_edge_of_a_bright_thing_is_no_trace() -> None:
    """The letters hide a part of the edge, so that the fill is brighter than its surroundings in their shape."""
    truth, letters = scene(4).astype(np.float32), dilate(line().letters, 4)
    truth[:36] += 90
    source = np.where(line().letters[..., None], 235, truth)
    result, before = (
        np.asarray(np.clip(image, 0, 255), np.uint8) for image in (harmonic_inpaint(truth, letters), source)
    )
    assert stroke_residue(result, before, replace(line(), letters=letters)) == 0
    assert stroke_residue(before, before, replace(line(), letters=letters)) > RESIDUAL.trace_limit
