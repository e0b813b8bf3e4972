"""Which ONNX files are fill models, and what they get and return."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from fixtures import fill_models
from preflight.engine.inpaint import fill_model
from preflight.engine.inpaint.fill_model import open_fill_model
from preflight.engine.inpaint.fill_model_layout import InputEncoding, TensorSpec, feeds, recognize_layout
from preflight.engine.inpaint.learned_fill import infer, tiles
from preflight.errors import FileChangedError, UsageError

FLOAT, BYTE = TensorProto.FLOAT, TensorProto.UINT8
Maker = Callable[[Path], Path]

MODELS: dict[str, tuple[Maker, InputEncoding, tuple[float, float], tuple[int, int] | None]] = {
    "lama": (fill_models.lama, InputEncoding.HOLE_MASK, (0, 255), None),
    "lama that returns 0..1": (lambda p: fill_models.lama(p, white=1.0), InputEncoding.HOLE_MASK, (0, 1), None),
    "lama that returns -1..1": (
        lambda p: fill_models.lama(p, white=1, black=-1),
        InputEncoding.HOLE_MASK,
        (-1, 1),
        None,
    ),
    "lama of one size": (lambda p: fill_models.lama(p, size=(128, 96)), InputEncoding.HOLE_MASK, (0, 255), (128, 96)),
    "lama that marks the known": (
        lambda p: fill_models.lama(p, marks_hole=False),
        InputEncoding.KNOWN_MASK,
        (0, 255),
        None,
    ),
    "lama in 16 bits": (
        lambda p: fill_models.lama(p, white=1.0, kind=TensorProto.FLOAT16),
        InputEncoding.HOLE_MASK,
        (0, 1),
        None,
    ),
    "migan": (fill_models.migan, InputEncoding.KNOWN_MASK, (0, 255), None),
    "migan that marks the hole": (
        lambda p: fill_models.migan(p, marks_hole=True),
        InputEncoding.HOLE_MASK,
        (0, 255),
        None,
    ),
    "generator of migan": (fill_models.generator, InputEncoding.KNOWN_FIRST, (-1, 1), (256, 256)),
    "generator of lama": (
        lambda p: fill_models.generator(p, known_first=False, size=("h", "w")),
        InputEncoding.HOLE_LAST,
        (0, 1),
        None,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_layout_and_conventions_are_found(name: str, tmp_path: Path) -> None:
    make, encoding, value_range, size = MODELS[name]
    model = open_fill_model(make(tmp_path / "model.onnx"))
    assert (model.encoding, tuple(model.value_range), model.layout.size) == (encoding, value_range, size)


@pytest.mark.parametrize("name", MODELS)
def test_hole_is_filled_whatever_the_layout(name: str, tmp_path: Path) -> None:
    model = open_fill_model(MODELS[name][0](tmp_path / "model.onnx"))
    columns = np.linspace(20, 220, 90).astype(np.uint8)
    picture = np.stack([np.tile(columns, (50, 1))] * 3, axis=2)
    picture[..., 1] //= 2
    hole = np.zeros((50, 90), bool)
    hole[20:30, 20:70] = True
    spoilt = np.where(hole[..., None], 255, picture).astype(np.uint8)
    carried = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own
    result = infer(carried, spoilt, hole)
    assert result is not None
    assert np.abs(result - picture)[hole].max() < 2.5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.write_bytes(b"no model" * 40), "can't be opened as ONNX"),
        (lambda p: p.mkdir(), "can't be read: Is a directory"),
        (lambda _: None, "can't be read: No such file"),
        (os.mkfifo, "not a regular file"),
        (lambda p: fill_models.scaled(p, float("nan")), "not finite"),
        (lambda p: fill_models.scaled(p, 0.0), "does not return the picture around the hole"),
        (fill_models.halved, "of the shape"),
        (lambda p: fill_models.shaped(p, [("image", FLOAT, (3, "h", "w")), ("mask", FLOAT, (1, "h", "w"))]), "3 dimen"),
        (lambda p: fill_models.shaped(p, [("image", FLOAT, (1, 3, "h", "w"))]), "has no input of three channels"),
        (
            lambda p: fill_models.shaped(p, [("image", FLOAT, (1, 3, 64, "w")), ("mask", FLOAT, (1, 1, 64, "w"))]),
            "a fixed side and one that is not",
        ),
        (
            lambda p: fill_models.shaped(p, [("image", FLOAT, (1, 3, 64, 64)), ("mask", FLOAT, (1, 1, 32, 32))]),
            "different sizes",
        ),
        (
            lambda p: fill_models.shaped(p, [("image", FLOAT, (2, 3, "h", "w")), ("mask", FLOAT, (2, 1, "h", "w"))]),
            "more than one picture",
        ),
        (
            lambda p: fill_models.shaped(p, [("image", BYTE, (1, 3, "h", "w")), ("mask", 7, (1, 1, "h", "w"))]),
            "of the type tensor(int64)",
        ),
        (lambda p: fill_models.shaped(p, [(n, FLOAT, (1, 3, "h", "w")) for n in "abc"]), "has 3 inputs"),
    ],
)
def test_what_is_no_fill_model_is_refused_with_the_reason(make: Maker, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    make(path)
    with pytest.raises(UsageError) as caught:
        open_fill_model(path)
    assert words in caught.value.message
    assert "bad.onnx" in caught.value.message
    assert caught.value.hint


def test_convention_that_is_clear_is_the_only_one_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[InputEncoding] = []
    monkeypatch.setattr(fill_model, "feeds", lambda *given: (asked.append(given[1]), feeds(*given))[1])
    open_fill_model(fill_models.lama(tmp_path / "usual.onnx"))
    assert asked == [InputEncoding.HOLE_MASK]
    open_fill_model(fill_models.lama(tmp_path / "other.onnx", marks_hole=False))
    assert asked[1:] == [InputEncoding.HOLE_MASK, InputEncoding.KNOWN_MASK]


def test_model_that_fails_the_wrong_way_round_alone_is_taken(tmp_path: Path) -> None:
    assert open_fill_model(fill_models.needy(tmp_path / "needy.onnx")).encoding is InputEncoding.HOLE_MASK


def test_channels_left_open_are_told_by_the_names() -> None:
    inputs = [_open("the_mask"), _open("picture")]
    layout = recognize_layout("a.onnx", inputs, [_open("out")])
    assert (layout.image.name, layout.mask) == ("picture", inputs[0])


def test_model_that_was_replaced_is_not_used(tmp_path: Path) -> None:
    model = open_fill_model(fill_models.lama(tmp_path / "model.onnx"))
    fill_models.lama(model.path, white=1.0)
    with pytest.raises(FileChangedError, match="replaced"):
        model.fill(np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), bool))


def test_digest_follows_the_content(tmp_path: Path) -> None:
    one, same, other = (
        open_fill_model(fill_models.lama(tmp_path / f"{name}.onnx", white=white)).digest
        for name, white in (("a", 1.0), ("b", 1.0), ("c", 255.0))
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("size", "hole", "count"),
    [((300, 400), (10, 20, 90, 380), 1), ((100, 1900), (40, 60, 60, 1800), 4), ((900, 1900), (300, 500, 700, 900), 1)],
)
def test_parts_cover_the_hole_with_context(size: tuple[int, int], hole: tuple[int, ...], count: int) -> None:
    mask = np.zeros(size, bool)
    top, left, bottom, right = hole
    mask[top:bottom, left:right] = True
    parts = list(tiles(mask, (512, 512)))
    seen = np.zeros(size, int)
    for part in parts:
        assert part.height <= 512
        assert part.width <= 512
        seen[part.slices] += 1
    assert len(parts) == count
    assert (seen[max(0, top - 16) : bottom + 16, max(0, left - 16) : right + 16] > 0).all()


def test_parts_without_a_hole_are_left_out() -> None:
    mask = np.zeros((1000, 1900), bool)
    mask[20:40, 20:60] = mask[950:980, 1800:1850] = True
    assert len(list(tiles(mask, (512, 512)))) == 2


def test_overlapping_parts_have_no_seam(tmp_path: Path) -> None:
    # It fills with the mean of a part's rows: parts of a ramp differ much.
    model = open_fill_model(fill_models.lama(tmp_path / "model.onnx", size=(128, 128), axis=3))
    picture = np.tile(np.linspace(30, 220, 400).astype(np.uint8)[None, :, None], (64, 1, 3))
    hole = np.zeros((64, 400), bool)
    hole[20:40, 5:395] = np.arange(390) % 4 > 0
    result = infer(model, picture, hole)
    assert result is not None
    row = result[30, :, 0][hole[30]]
    assert row.max() - row.min() > 100
    assert np.abs(np.diff(row)).max() < 5


def _open(name: str) -> TensorSpec:
    return TensorSpec(name=name, dtype="tensor(float)", shape=(None, None, None, None))
