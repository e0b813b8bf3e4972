"""A fill model that a person brings: an ONNX file that takes a picture and a mask, and returns the picture filled.

Its layout is read off its inputs and outputs. What they don't tell (the mask's polarity, the range of the result) is
found by running the model on a picture whose hole is known.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.arrays import BoolMask, FloatImage
from preflight.engine.inpaint.fill_model_layout import (
    ACCEPTED,
    TILE,
    FillModelLayout,
    InputEncoding,
    TensorSpec,
    feeds,
    recognize_layout,
)
from preflight.errors import FileChangedError, ToolError, UsageError

_PROBE_SIZE = (136, 200)
"""Height and width of the picture that a model of any size is tried on: odd multiples of `_MULTIPLE`, not square."""
_LARGEST_ERROR = 40.0
"""Mean difference around the hole above which a model returns something else than the picture, in gray levels."""
_CERTAIN_ERROR = 2.0
"""Mean difference around the hole up to which no other convention is tried, in gray levels: a large model takes seconds
for each. The mask the wrong way round gives more, since all but the hole is invented then."""
_TIE = 0.5
"""Difference of two conventions' errors up to which the usual one is taken, in gray levels."""


class ValueRange(NamedTuple):
    """The numbers that a model returns for black and for white."""

    black: float
    white: float


_BYTES = ValueRange(0, 255)
_RANGES = (ValueRange(0, 1), _BYTES, ValueRange(-1, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class FillModel:
    """A model that was tried and works: what a task carries to a worker process.

    Attributes:
        path: the file.
        digest: SHA-256 of its content. Results depend on it, so it belongs to the key of a kept result.
        layout: inputs and output.
        encoding: what the inputs mean.
        value_range: what the output means.
    """

    path: Path
    digest: str
    layout: FillModelLayout
    encoding: InputEncoding
    value_range: ValueRange

    def fill(self, part: NDArray[np.uint8], hole: BoolMask) -> FloatImage | None:
        """Return what the model makes of a part of a picture.

        Args:
            part: (height, width, 3), red, green, blue, up to `layout.tile`.
            hole: (height, width).

        Returns:
            (height, width, 3), red, green, blue in gray levels; None when a number of it is not finite.

        Raises:
            FileChangedError: the file is not the one that was tried.
            ToolError: it can't be run on this size, or there is no memory for it.
        """
        session = _session(self.path, self.digest)
        try:
            result = _run(session, self.layout, self.encoding, part, hole)
        except Exception as error:
            # The package raises a class of its own for each status, and RuntimeError.
            size = f"{hole.shape[1]}x{hole.shape[0]}"
            raise ToolError(f"The fill model {self.path} failed on {size} pixels: {_first_line(error)}.") from error
        return _to_levels(result, self.value_range) if np.isfinite(result).all() else None


def open_fill_model(path: Path) -> FillModel:
    """Open a model and try it on a picture whose hole is known.

    Args:
        path: an ONNX file with its weights inside.

    Raises:
        UsageError: it can't be read or run, has another shape, or does not return the picture around the hole.
    """
    hint = "Name an ONNX file with --fill-model FILE."
    if path.exists() and not path.is_file() and not path.is_dir():
        # Each worker reads it again, which no pipe allows.
        raise UsageError(f"The fill model {path} is not a regular file.", hint=hint)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The fill model {path} can't be read: {error.strerror}.", hint=hint) from error
    session = _load(path, content)
    layout = recognize_layout(path.name, *([_spec(node) for node in nodes] for nodes in _nodes(session)))
    encoding, value_range = _try_out(path, session, layout)
    return FillModel(
        path=path.absolute(),
        digest=hashlib.sha256(content).hexdigest(),
        layout=layout,
        encoding=encoding,
        value_range=value_range,
    )


def _nodes(session: Any) -> tuple[list[Any], list[Any]]:
    return session.get_inputs(), session.get_outputs()


def _spec(node: Any) -> TensorSpec:
    shape = tuple(side if isinstance(side, int) and side > 0 else None for side in node.shape or ())
    return TensorSpec(name=node.name, dtype=node.type, shape=shape)


def _load(path: Path, content: bytes) -> Any:
    """Return a session of a model. From bytes: it can't read other files, and the digest covers all of it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One thread, as for the text models: the work is spread over processes, and results are the same everywhere.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # The arena keeps the most that any size of picture ever took.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # The package raises a class of its own for each status, and RuntimeError.
        raise UsageError(
            f"The fill model {path} can't be opened as ONNX: {_first_line(error)}.",
            hint="It has to be one file with its weights inside, for onnxruntime on a CPU.",
        ) from error


@functools.lru_cache(maxsize=1)
def _session(path: Path, digest: str) -> Any:
    """Return this process's session of a model that was tried before."""
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise FileChangedError(f"The fill model {path} was replaced or removed while in use.")
    return _load(path, content)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:300]


def _try_out(path: Path, session: Any, layout: FillModelLayout) -> tuple[InputEncoding, ValueRange]:
    """Return the conventions by which a model returns the known part of a picture best."""
    part, hole = _probe(layout)
    known = part[~hole].astype(np.float32)
    tried: list[tuple[float, InputEncoding, ValueRange]] = []
    for encoding in layout.encodings:
        try:
            result = _run(session, layout, encoding, part, hole)
        except Exception as error:
            raise UsageError(
                f"The fill model {path} can't be run on {hole.shape[1]}x{hole.shape[0]} pixels: {_first_line(error)}.",
                hint=ACCEPTED,
            ) from error
        if not np.isfinite(result).all():
            # Of what is unusual for the layout, nothing need come.
            if tried:
                continue
            raise UsageError(
                f"The fill model {path} returns numbers that are not finite.",
                hint="Export it in 32 bits instead of 16.",
            )
        for levels in (_BYTES,) if result.dtype == np.uint8 else _RANGES:
            error_level = float(np.abs(_to_levels(result, levels)[~hole] - known).mean())
            tried.append((error_level, encoding, levels))
        if min(tried)[0] <= _CERTAIN_ERROR:
            break
    least = min(error_level for error_level, _, _ in tried)
    if least > _LARGEST_ERROR:
        raise UsageError(
            f"The fill model {path} does not return the picture around the hole: its mean difference is "
            f"{least:.0f} gray levels.",
            hint=ACCEPTED,
        )
    return next((encoding, levels) for error_level, encoding, levels in tried if error_level <= least + _TIE)


def _probe(layout: FillModelLayout) -> tuple[NDArray[np.uint8], BoolMask]:
    """Return a smooth dark picture in colour and a hole in its middle."""
    height, width = layout.size or ((TILE, TILE) if layout.takes_bytes else _PROBE_SIZE)
    y, x = np.mgrid[0:height, 0:width]
    down, across = y / height, x / width
    planes = (40 + 100 * down, 30 + 90 * across, 70 + 40 * np.sin(4 * (down + across)))
    hole = np.zeros((height, width), bool)
    hole[height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8] = True
    return np.stack(planes, axis=2).astype(np.uint8), hole


def _run(
    session: Any, layout: FillModelLayout, encoding: InputEncoding, part: NDArray[np.uint8], hole: BoolMask
) -> NDArray[Any]:
    """Return a model's raw result (height, width, 3) for a part of a picture, which is padded by reflection."""
    height, width = hole.shape
    rows, columns = layout.input_size(height, width)
    top, left = (rows - height) // 2, (columns - width) // 2
    border = (top, rows - height - top, left, columns - width - left)
    picture = cv2.copyMakeBorder(part, *border, cv2.BORDER_REFLECT)
    mask = cv2.copyMakeBorder(hole.astype(np.uint8), *border, cv2.BORDER_REFLECT)
    (result,) = session.run([layout.output], feeds(layout, encoding, picture, mask))
    if result.shape != (1, 3, rows, columns):
        raise ValueError(f"it returns {layout.output} of the shape {list(result.shape)}")
    inside: NDArray[Any] = result[0].transpose(1, 2, 0)[top : top + height, left : left + width]
    return inside


def _to_levels(result: NDArray[Any], value_range: ValueRange) -> FloatImage:
    """Return a model's numbers as gray levels, 0..255."""
    black, white = value_range
    levels: FloatImage = np.clip((result.astype(np.float32) - black) * (255 / (white - black)), 0, 255)
    return levels
