"""Unblending inverts blending, and its error grows as less of the scene shows."""

import numpy as np
import pytest

from preflight.engine.alpha.matte import AlphaMatte, to_uint8, unblend
from preflight.engine.alpha.settings import MATTE
from preflight.engine.core.arrays import YCbCr

SCENE: YCbCr = np.random.default_rng(1).integers(16, 236, (8, 16, 3)).astype(np.uint8)
COLOR = np.array([200, 120, 140], np.float32)


def matte(transmittance: float, noise: float = 3.0) -> AlphaMatte:
    share = np.full(SCENE.shape[:2], transmittance, np.float32)
    return AlphaMatte(share, np.broadcast_to((1 - transmittance) * COLOR, SCENE.shape).astype(np.float32), noise)


def blend(transmittance: float) -> YCbCr:
    return to_uint8(SCENE * np.float32(transmittance) + (1 - transmittance) * COLOR)


@pytest.mark.parametrize("transmittance", [0.3, 0.5, 0.9, 1.0])
def test_unblend_inverts_the_blend(transmittance: float) -> None:
    below = unblend(blend(transmittance), matte(transmittance))
    assert np.abs(below.scene - SCENE).max() <= 0.5 / transmittance + 1e-3
    assert below.error == pytest.approx(3 / transmittance, rel=1e-4)


@pytest.mark.parametrize(
    ("transmittance", "confidence"),
    [(0.12, 0.0), (0.13, 0.077), (0.185, 0.5), (0.24, 0.923), (0.25, 1.0)],
)
def test_confidence_rises_between_its_bounds(transmittance: float, confidence: float) -> None:
    assert matte(transmittance).confidence == pytest.approx(confidence, abs=0.01)


def test_the_error_of_an_opaque_pixel_is_finite_but_useless() -> None:
    below = unblend(blend(0.0), matte(0.0))
    assert np.isfinite(below.scene).all()
    assert below.error == pytest.approx(3 / MATTE.least_transmittance / MATTE.least_confidence, rel=1e-4)


def test_images_are_rounded_and_clipped() -> None:
    assert to_uint8(np.array([[[-3.0, 99.6, 300.0]]], np.float32)).tolist() == [[[0, 100, 255]]]
