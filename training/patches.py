"""Training samples: 4:2:0 patches of clean frames, a hole, and the harmonic fill that the network corrects."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core.harmonic_fill import harmonic_inpaint
from training.directions import DIRECTIONS, candidates
from training.masks import BoolMask, Kind, hole

Plane = NDArray[np.uint8]
Field = NDArray[np.float32]

CANDIDATES = len(DIRECTIONS) + 1
"""Fills that the network weighs: one a direction, and the harmonic one last."""
CHANNELS = 13 + 5 * len(DIRECTIONS)
"""Network input at half size.

Harmonic luma (4 phases) and chroma (2), hole (4), chroma hole, known share and doubt; then of each direction the luma's
difference from the harmonic fill (4) and the contrast of its rims.
"""
SCALE = 64.0
"""Gray levels of one unit of the network's input and output."""
MAX_DOUBT = 24.0
"""Gray levels of doubt that count as knowing nothing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A patch with a hole.

    `inputs` is [CHANNELS, h/2, w/2]; `fills` [CANDIDATES, 6, h/2, w/2] and `truth` [6, h/2, w/2] are in gray levels;
    `weight` [6, h/2, w/2] is 1 in the hole and 0 elsewhere.
    """

    inputs: Field
    fills: Field
    truth: Field
    weight: Field


def unshuffled(plane: NDArray[np.generic]) -> Field:
    """Return the four phases of a plane with even sides, each at half size."""
    return np.stack([plane[y::2, x::2] for y in (0, 1) for x in (0, 1)]).astype(np.float32)


def sample(luma: Plane, chroma: Plane, mask: BoolMask, temporal: tuple[Field, Field, Field] | None = None) -> Sample:
    """Return the sample of a clean patch and a hole.

    Args:
        luma: [h, w], sides even.
        chroma: [h/2, w/2, 2].
        mask: the hole, [h, w].
        temporal: luma [h, w], chroma [h/2, w/2, 2] and doubt [h, w] (gray levels) of what other frames show of the
            hole; a doubt of `MAX_DOUBT` or more means that nothing is known.
    """
    coarse = unshuffled(mask).max(axis=0) > 0
    bare_luma, bare_chroma = luma.astype(np.float32), chroma.astype(np.float32)
    doubt = np.full(mask.shape, MAX_DOUBT, np.float32)
    rest, rest_coarse = mask, coarse
    if temporal is not None:
        shown = mask & (temporal[2] < MAX_DOUBT)
        rest = mask & ~shown
        rest_coarse = unshuffled(rest).max(axis=0) > 0
        bare_luma[shown] = temporal[0][shown]
        seen = coarse & ~rest_coarse
        bare_chroma[seen] = temporal[1][seen]
        doubt[shown] = temporal[2][shown]
    truth = np.concatenate([unshuffled(luma), chroma.transpose(2, 0, 1).astype(np.float32)])
    weight = np.concatenate([unshuffled(mask), np.repeat(coarse[None], 2, axis=0).astype(np.float32)])
    made, fills = features(bare_luma, bare_chroma, mask, rest, doubt)
    return Sample(made, fills, truth, weight)


def features(luma: Field, chroma: Field, hole_mask: BoolMask, rest: BoolMask, doubt: Field) -> tuple[Field, Field]:
    """Return the network's input and the fills that it weighs.

    Args:
        luma: [h, w], sides multiples of 16, known outside `rest`.
        chroma: [h/2, w/2, 2], likewise.
        hole_mask: [h, w], what the text hides.
        rest: [h, w], the part of it that no other frame shows.
        doubt: [h, w] in gray levels, `MAX_DOUBT` on `rest`.
    """
    coarse, rest_coarse = unshuffled(hole_mask).max(axis=0) > 0, unshuffled(rest).max(axis=0) > 0
    base_luma = harmonic_inpaint(luma, rest) if rest.any() else luma
    base_chroma = harmonic_inpaint(chroma, rest_coarse) if rest_coarse.any() else chroma
    lumas, contrast = candidates(luma[..., None], rest, base_luma[..., None])
    chromas, _ = candidates(chroma, rest_coarse, base_chroma)
    base = np.concatenate([unshuffled(base_luma), base_chroma.transpose(2, 0, 1)])
    fills = np.concatenate(
        [np.stack([unshuffled(plane[..., 0]) for plane in lumas]), chromas.transpose(0, 3, 1, 2)], axis=1
    )
    contrasts = np.where(contrast < 0, 2 * SCALE, contrast)
    known = unshuffled(hole_mask & ~rest).mean(axis=0)
    doubts = unshuffled(doubt * hole_mask).mean(axis=0) / MAX_DOUBT
    made = [
        (base - 128) / SCALE,
        unshuffled(hole_mask),
        coarse[None].astype(np.float32),
        known[None],
        doubts[None],
        ((fills[:, :4] - base[:4]) / SCALE).reshape(-1, *coarse.shape),
        np.stack([unshuffled(plane).mean(axis=0) for plane in contrasts]) / SCALE,
    ]
    return np.concatenate(made).astype(np.float32), np.concatenate([fills, base[None]]).astype(np.float32)


def spoiled(rng: random.Random, luma: Plane, chroma: Plane, mask: BoolMask) -> tuple[Field, Field, Field]:
    """Return what other frames may show of the hole: parts of it, slightly off, with an honest doubt."""
    noise = np.random.default_rng(rng.getrandbits(32))
    sigma = rng.choice((1.0, 2.0, 4.0, 8.0))
    moved = cv2.GaussianBlur(luma, (0, 0), rng.uniform(0.3, 1.0)).astype(np.float32)
    coarse_noise = cv2.resize(
        noise.normal(0, sigma, (max(2, luma.shape[0] // 6),) * 2).astype(np.float32), luma.shape[::-1]
    )
    shown = cv2.resize(noise.normal(0, 1, (6, 6)).astype(np.float32), luma.shape[::-1]) > rng.uniform(-0.6, 0.6)
    doubt = np.where(shown & mask, sigma * 0.8, MAX_DOUBT).astype(np.float32)
    return moved + coarse_noise, chroma.astype(np.float32), doubt


class PatchSource:
    """Random samples of a folder of clean frames (`*.npz` with `luma` and `chroma`), reproducible by seed."""

    def __init__(self, frames: Sequence[Path], fonts: Sequence[Path], seed: int, size: int = 128) -> None:
        self._frames = [dict(np.load(path)) for path in frames]
        self._fonts = fonts
        self._rng = random.Random(seed)
        self._size = size

    def draw(self) -> Sample:
        """Return the next sample."""
        rng, size = self._rng, self._size
        while True:
            frame = rng.choice(self._frames)
            luma, chroma = frame["luma"], frame["chroma"]
            y, x = (2 * rng.randrange((side - size) // 2 + 1) for side in luma.shape)
            luma, chroma = luma[y : y + size, x : x + size], chroma[y // 2 : (y + size) // 2, x // 2 : (x + size) // 2]
            if luma.std() > 4 or rng.random() < 0.05:
                break
        if rng.random() < 0.5:
            luma, chroma = luma[:, ::-1], chroma[:, ::-1]
        if rng.random() < 0.25:
            luma, chroma = luma[::-1], chroma[::-1]
        kinds = (Kind.STROKES, Kind.STROKES, Kind.OUTLINED, Kind.OUTLINED, Kind.BOX, Kind.BOX, Kind.LOGO)
        mask = hole(rng, size, rng.choice(kinds), self._fonts)
        luma, chroma = np.ascontiguousarray(luma), np.ascontiguousarray(chroma)
        temporal = spoiled(rng, luma, chroma, mask) if rng.random() < 0.25 else None
        return sample(luma, chroma, mask, temporal)
