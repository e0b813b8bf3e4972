"""Take translucent text off a picture: what it lets through is the scene itself, which no fill can match.

A mark that stays at its place shows on every frame `kept * scene + added`, sample by sample. Over many frames the scene
behind it changes, so both are found by least squares of what is seen on what a fill from around expects. The scene
scatters around this value, and not this value around the scene, which keeps the slope unbiased (Berkson, *Are there two
regressions?*, 1950).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from preflight.local.engine.glyphs import Mask, Picture
from preflight.local.engine.smooth import Field, times
from preflight.local.engine.spatial import membrane

LEAST_LOOKS = 16
"""Looks at a mark from which on it can be told from the scene."""
MOST_LOOKS = 48
_VARIED = 5.0
"""Levels by which the scene behind a sample varies at least for the sample to tell anything."""
_NOISE = 1.0
"""Levels by which opaque text varies as it is encoded."""
_TRANSLUCENT, _DENSEST = 0.25, 2
"""Share of the scene that all but its densest samples (in percent) let through at least; opaque strokes let none."""
_LEAST_KEPT, _SURELY_KEPT = 0.15, 0.3
"""Shares of the scene under which nothing is taken from it, as noise grows by their inverse, and above which all is."""
_CLEAR = 0.92
"""Share of the scene from which on a sample is none of the mark's."""
_MIDDLE = 128.0
_TINT = 5.0
"""Samples over which a stroke has one tint at least: what differs within them is the scene."""
_PRIOR = 8.0
"""Levels of variation as which the mark's mean share counts for each sample."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """A translucent mark: the share of the scene that each sample keeps, and what it adds in each colour."""

    kept: Field
    added: Field

    def lifted(self, seen: Picture, filled: Picture, own: Mask) -> Picture:
        """Return `filled` with the scene itself under the mark's `own` samples, as far as `seen` shows it."""
        kept = np.maximum(self.kept, _LEAST_KEPT).astype(np.float32)
        scene = ((seen - self.added) / kept[..., None]).astype(np.float32)
        share = np.clip((self.kept - _LEAST_KEPT) / (_SURELY_KEPT - _LEAST_KEPT), 0, 1) * own
        mixed = filled + (self._evened(scene, own) - filled) * share[..., None]
        result: Picture = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
        return result

    def _evened(self, scene: Field, own: Mask) -> Field:
        """Return the lifted scene without what is left of letters: a tint that bright or dark strokes share."""
        painted = own & (self.kept < _CLEAR)
        around = membrane(scene, painted)
        bright = self.added[..., 0] > (1 - self.kept) * _MIDDLE
        result = scene.copy()
        for stroke in (painted & bright, painted & ~bright):
            weight = stroke.astype(np.float32)
            near = 1 / np.maximum(_blurred(weight), 1e-3)
            tint = times(_blurred(times(around - scene, weight)), near.astype(np.float32))
            result[stroke] += tint[stroke]
        return result


@dataclass(frozen=True, slots=True)
class Look:
    """A mark as one frame shows it: the picture, and what of it other text than the mark hides."""

    color: Picture
    others: Mask


def overlay(looks: list[Look], mark: Mask) -> Overlay | None:
    """Return how the text that covers `mark` on all `looks` lets the scene through.

    None when it is opaque, or when the scene behind it changes too little to tell.
    """
    if len(looks) < LEAST_LOOKS or not mark.any():
        return None
    seen = np.stack([look.color for look in looks]).astype(np.float32)
    if np.percentile(seen[..., 0].std(axis=0)[mark], 25) < _VARIED * _TRANSLUCENT + _NOISE:
        return None
    scene = np.stack([membrane(color, _grown(mark | look.others)) for color, look in zip(seen, looks, strict=True)])
    counted = np.stack([~_grown(look.others) for look in looks]).astype(np.float32)[..., None]
    first = _fitted(seen, scene, counted, mark)
    if first is None:
        return None
    # What the mark does not paint after all is the scene itself, and tells more of it.
    painted = mark & _grown(first.kept < _CLEAR)
    scene = np.stack([membrane(color, painted | _grown(look.others)) for color, look in zip(seen, looks, strict=True)])
    return _fitted(seen, scene, counted, mark)


def _fitted(seen: Field, scene: Field, counted: Field, mark: Mask) -> Overlay | None:
    """Return the overlay that makes of `scene` what is `seen`, by the looks and samples that are `counted`."""
    count = np.maximum(counted.sum(axis=0), 1)
    seen_mean, scene_mean = (seen * counted).sum(axis=0) / count, (scene * counted).sum(axis=0) / count
    apart = (scene - scene_mean) * counted
    common = _near((apart * (seen - seen_mean)).sum(axis=(0, 3)))
    own = _near((apart * apart).sum(axis=(0, 3)))
    levels = 3 * count[..., 0]
    telling = mark & (own > levels * _VARIED**2) & (count[..., 0] >= LEAST_LOOKS)
    if 2 * telling.sum() < mark.sum() or np.percentile(common[telling] / own[telling], _DENSEST) < _TRANSLUCENT:
        return None
    strokes = telling & (common < _CLEAR * own)
    usual = float(np.clip(common[strokes].sum() / own[strokes].sum(), 0, 1)) if strokes.any() else 1.0
    prior = levels * _PRIOR**2
    kept = np.clip((common + prior * usual) / (own + prior), 0, 1).astype(np.float32)
    return Overlay(kept=kept, added=(seen_mean - kept[..., None] * scene_mean).astype(np.float32))


def _grown(mask: Mask) -> Mask:
    """Return a mask with a rim of one sample, which encoders and half-size chroma tint."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, bool)


def _blurred(field: Field) -> Field:
    result: Field = cv2.GaussianBlur(field, (0, 0), _TINT)
    return result


def _near(sums: Field) -> Field:
    """Return sums that take a little of their neighbours', which belong to the same stroke."""
    result: Field = cv2.GaussianBlur(sums, (3, 3), 0.5)
    return result
