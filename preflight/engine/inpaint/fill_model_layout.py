"""Layouts of fill models: what the inputs and the output of an ONNX file mean.

Four layouts are known. Two come from the published exports of LaMa (Suvorov et al., WACV 2022) and MI-GAN (Sargsyan et
al., ICCV 2023), the other two are the generators of both without the steps around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import FloatImage
from preflight.errors import UsageError

ACCEPTED = (
    "One of these fits: image [1,3,H,W] and mask [1,1,H,W], both float (LaMa) or both uint8 (MI-GAN); "
    "or one float input [1,4,H,W]; the output is [1,3,H,W]."
)
"""Hint of every error about a model's shape."""

TILE = 512
"""Largest side of what a model gets at once, in pixels: the size that LaMa and MI-GAN are published at."""
_MULTIPLE = 8
"""Sides of what a model of any size gets are multiples of this (three halvings, as in LaMa), in pixels."""
DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}


class InputEncoding(StrEnum):
    """How a model takes a picture and its hole."""

    HOLE_MASK = "hole mask"
    """Picture and mask apart; the mask is 1 (255 in bytes) in the hole, as LaMa takes it."""
    KNOWN_MASK = "known mask"
    """Picture and mask apart; the mask is 0 in the hole, as the MI-GAN pipeline takes it."""
    KNOWN_FIRST = "known first"
    """One input: known - 0.5, then the known picture in -1..1, as MI-GAN's generator takes it."""
    HOLE_LAST = "hole last"
    """One input: the known picture in 0..1, then the hole, as LaMa's generator takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """An input or output as the file declares it: name, ONNX type, and shape with None for what isn't fixed."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sides = ",".join("?" if side is None else str(side) for side in self.shape)
        return f"{self.name} {self.dtype.removeprefix('tensor(').removesuffix(')')} [{sides}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class FillModelLayout:
    """Inputs and output of a fill model.

    Attributes:
        image: the input with the picture; with four channels it holds the mask too.
        mask: the input with the mask; None when there is one input.
        output: name of the output.
        size: height and width that the model was exported for; None for any.
        encodings: what the inputs may mean, the usual one first.
    """

    image: TensorSpec
    mask: TensorSpec | None
    output: str
    size: tuple[int, int] | None
    encodings: tuple[InputEncoding, ...]

    @property
    def takes_bytes(self) -> bool:
        """True when the picture is given in bytes. Such a model has steps of its own around the network."""
        return self.image.dtype == "tensor(uint8)"

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size at which the model gets a part of a picture that fits in `tile`."""
        if self.size is not None:
            return self.size
        if self.takes_bytes:
            # The MI-GAN pipeline scales what it gets to a square, which would distort a line.
            return TILE, TILE
        return max(height, 64) + -max(height, 64) % _MULTIPLE, max(width, 64) + -max(width, 64) % _MULTIPLE

    @property
    def tile(self) -> tuple[int, int]:
        """Height and width of the largest part of a picture that the model gets at once."""
        return self.size or (TILE, TILE)


def recognize_layout(name: str, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> FillModelLayout:
    """Return the layout of a model.

    Args:
        name: of the file, for messages.
        inputs: in the model's order.
        outputs: in the model's order; the first one is the picture.

    Raises:
        UsageError: it has another shape; the message says which.
    """
    refusal = _why_unusable(inputs, outputs) or _why_unlike(inputs)
    image, mask = (None, None) if refusal else _image_and_mask(inputs)
    if image is None:
        has = ", ".join(map(str, inputs)) or "none"
        gives = ", ".join(map(str, outputs)) or "none"
        reason = refusal or "has no input of three channels beside a mask of one, and none of four"
        raise UsageError(f"The fill model {name} {reason} (inputs: {has}; outputs: {gives}).", hint=ACCEPTED)
    if mask is None:
        encodings: tuple[InputEncoding, ...] = (InputEncoding.KNOWN_FIRST, InputEncoding.HOLE_LAST)
    elif image.dtype == "tensor(uint8)":
        encodings = (InputEncoding.KNOWN_MASK, InputEncoding.HOLE_MASK)
    else:
        encodings = (InputEncoding.HOLE_MASK, InputEncoding.KNOWN_MASK)
    height, width = _sides(inputs, 2), _sides(inputs, 3)
    size = (height.pop(), width.pop()) if height else None
    return FillModelLayout(image=image, mask=mask, output=outputs[0].name, size=size, encodings=encodings)


def _why_unusable(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> str | None:
    """Return what is wrong with the number, dimensions and types of a model's inputs and outputs; None for nothing."""
    if not 1 <= len(inputs) <= 2:
        return f"has {len(inputs)} inputs"
    if not outputs:
        return "has no output"
    # A file may leave the output's shape open; the trial shows it.
    declared = (*inputs, *(spec for spec in outputs[:1] if spec.shape))
    for spec in declared:
        if len(spec.shape) != 4:
            return f"has {spec.name} of {len(spec.shape)} dimensions instead of 4"
    for spec in (*inputs, outputs[0]):
        if spec.dtype not in DTYPES:
            return f"has {spec.name} of the type {spec.dtype}"
    if outputs[0].shape and outputs[0].shape[1] not in (3, None):
        return "does not return a picture of three channels"
    return None


def _why_unlike(inputs: Sequence[TensorSpec]) -> str | None:
    """Return what is wrong with the sizes that a model takes; None for nothing."""
    if any(spec.shape[0] not in (1, None) for spec in inputs):
        return "takes more than one picture at a time"
    heights, widths = _sides(inputs, 2), _sides(inputs, 3)
    if len(heights) > 1 or len(widths) > 1:
        return "takes picture and mask of different sizes"
    if len(heights) != len(widths):
        return "has a fixed side and one that is not"
    return None


def _sides(inputs: Sequence[TensorSpec], axis: int) -> set[int]:
    """Return the different fixed sizes of an axis."""
    return {side for spec in inputs if (side := spec.shape[axis]) is not None}


def _image_and_mask(inputs: Sequence[TensorSpec]) -> tuple[TensorSpec | None, TensorSpec | None]:
    """Return the input with the picture and the one with the mask; None for both where there are none such."""
    if len(inputs) == 1:
        only = inputs[0]
        return (only if only.shape[1] == 4 and only.dtype != "tensor(uint8)" else None), None
    for image, mask in (tuple(inputs), tuple(inputs)[::-1]):
        named = "mask" in mask.name.lower() and "mask" not in image.name.lower()
        channels = image.shape[1], mask.shape[1]
        if channels == (3, 1) or (channels in ((3, None), (None, 1), (None, None)) and named):
            return image, mask
    return None, None


def feeds(
    layout: FillModelLayout, encoding: InputEncoding, picture: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> dict[str, NDArray[Any]]:
    """Return the inputs for a padded picture and its mask (1 in the hole)."""
    planes: FloatImage = picture.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    hole = mask[None].astype(np.float32)
    known: FloatImage = 1 - hole
    match encoding:
        case InputEncoding.KNOWN_FIRST:
            return {layout.image.name: _tensor(np.concatenate((known - 0.5, (2 * planes - 1) * known)), layout.image)}
        case InputEncoding.HOLE_LAST:
            return {layout.image.name: _tensor(np.concatenate((planes * known, hole)), layout.image)}
    assert layout.mask is not None  # noqa: S101
    marked: FloatImage = hole if encoding is InputEncoding.HOLE_MASK else known
    return {layout.image.name: _tensor(planes, layout.image), layout.mask.name: _tensor(marked, layout.mask)}


def _tensor(planes: FloatImage, spec: TensorSpec) -> NDArray[Any]:
    """Return planes of 0..1 as an input of one picture takes them: in bytes up to 255."""
    dtype = DTYPES[spec.dtype]
    scaled = np.rint(planes * 255) if dtype is np.uint8 else planes
    return np.ascontiguousarray(scaled[None].astype(dtype))
