"""The alpha model: what a translucent overlay does to a frame, and how to undo it.

A frame shows `transmittance * scene + premultiplied` at every pixel, where transmittance is 1 - alpha and the overlay's
colour is premultiplied by alpha (Porter and Duff, *Compositing Digital Images*, SIGGRAPH 1984). Fades, watermarks and
boxes differ only in how the two are estimated; `unblend` inverts all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from preflight.engine.alpha.settings import MATTE
from preflight.engine.core.arrays import FloatImage, FloatMap, YCbCr
from preflight.engine.core.filters import weighted_mean

BLACK_YCBCR = np.array([16, 128, 128], np.float32)
"""Black in YCbCr (ITU-R BT.601, video range)."""


@dataclass(frozen=True, slots=True)
class AlphaMatte:
    """An overlay on one frame.

    Attributes:
        transmittance: share of the scene that each pixel shows, (height, width), 0..1.
        premultiplied: colour that the overlay adds, in YCbCr, (height, width, 3).
        noise: expected error of the observed values and of the matte, levels, root mean square.
    """

    transmittance: FloatMap
    premultiplied: FloatImage
    noise: float

    @property
    def confidence(self) -> FloatMap:
        """Weight of each pixel's unblended value, (height, width), 0..1: 0 where almost nothing of the scene shows."""
        span = MATTE.sure_transmittance - MATTE.least_transmittance
        share = np.clip((self.transmittance - MATTE.least_transmittance) / span, 0, 1)
        return np.asarray(share, np.float32)


@dataclass(frozen=True, slots=True)
class Unblended:
    """The scene below an overlay.

    Attributes:
        scene: YCbCr, (height, width, 3), not clipped.
        error: expected error of each pixel, (height, width), levels, root mean square.
    """

    scene: FloatImage
    error: FloatMap


def unblend(observed: YCbCr, matte: AlphaMatte) -> Unblended:
    """Return the scene below an overlay.

    Args:
        observed: the overlay's place on a frame, (height, width, 3).
        matte: the overlay on that frame.

    Returns:
        The scene, and its error: noise grows by the inverse of the transmittance.
    """
    divisor = np.maximum(matte.transmittance, MATTE.least_transmittance).astype(np.float32)
    scene = weighted_mean(observed - matte.premultiplied, np.asarray(1 / divisor, np.float32))
    confidence = np.maximum(matte.confidence, MATTE.least_confidence)
    return Unblended(scene, np.asarray(matte.noise / (divisor * confidence), np.float32))


def to_uint8(scene: FloatImage) -> YCbCr:
    """Return an unblended scene as an image: rounded and clipped to 0..255."""
    return np.clip(np.rint(scene), 0, 255).astype(np.uint8)
