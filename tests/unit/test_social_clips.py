"""The generator of clips that resemble social media: pairs of equal length, the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")
from fixtures import social


@pytest.mark.parametrize("kind", ["box", "lyric"])
def test_a_pair_has_equal_frames_apart_from_text(kind: str, tmp_path: Path) -> None:
    shown, clean = social.make(kind, tmp_path, seed=2, seconds=0.3)
    with_text = list(social.decode(shown, social.LANDSCAPE))
    without = list(social.decode(clean, social.LANDSCAPE))
    assert len(with_text) == len(without) == 9
    off = np.abs(with_text[4].astype(int) - without[4]).max(axis=2)
    assert (off > 60).mean() > 0.003
    assert np.median(off) < 10


def test_equal_seeds_make_equal_pictures() -> None:
    frames = []
    for _ in range(2):
        scene = social.words(np.random.default_rng(5))
        frames.append(social.blend(scene.background(3), scene.overlay(3)))
    assert np.array_equal(*frames)


@pytest.mark.parametrize("kind", social.KINDS)
def test_every_kind_burns_text_in(kind: str) -> None:
    scene = social.KINDS[kind](np.random.default_rng(1))
    layer = scene.overlay(40)
    assert layer is not None
    assert layer[..., 3].max() > 0.1
