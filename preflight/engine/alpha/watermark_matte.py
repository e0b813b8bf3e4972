"""Take translucent text off a picture: what it lets through is the scene itself, which no fill can match.

A mark that stays at its place shows on every frame `kept * scene + added`, sample by sample. Over many frames the scene
behind it changes, so both are found by least squares of what is seen on what a fill from around expects. The scene
scatters around this value, and not this value around the scene, which keeps the slope unbiased (Berkson, *Are there two
regressions?*, 1950).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.alpha.fade import Unblended
from preflight.engine.core.arrays import BoolMask, FloatImage, YCbCr, dilate
from preflight.engine.core.filters import weighted
from preflight.engine.core.harmonic_fill import harmonic_inpaint

LEAST_LOOKS = 16
"""Looks at a mark from which on it can be told from the scene."""
MOST_LOOKS = 48
_VARIED = 5.0
"""Levels by which the scene behind a sample varies at least, all colours together, for it to tell anything."""
_NOISE = 1.0
"""Levels by which opaque text varies as it is encoded."""
_TOLD = 0.25
"""Share of the mark's samples that have to tell something."""
_LEAST_RATIO, _LEAST_SLOPE, _FOLLOWED = 0.3, 0.25, 0.75
"""How much of the scene's variation strokes show at least, by its size and by how it follows the scene; and how much
of what varies in them does follow. Opaque text has 0.24 and 0.1 at most."""
_WEAKEST, _DENSEST, _SURELY = 0.25, 5, 0.5
"""The same for all but the mark's densest samples (in percent), each by itself, where the fill varies as the scene."""
_STRONG = 0.5
"""Tint from which on a sample is of a stroke's inside, as a share of the strongest."""
_LEAST_STRONG, _LEAST_STROKE = 0.05, 0.1
"""Share of the telling samples that are such at least, and share of these that make bright or dark strokes."""
_DOUBT, _SPREAD = 8.0, 0.1
"""By how many looks of a scene one more is worth something, and by how much a sample's share may be off its tint's."""
_NEAREST = 8.0
"""Levels that a stroke's colour is taken to be from the scene's at least."""
_BESIDE = 12.0
"""Samples around a place within which the scene varies as it does there."""
_LEAST_KEPT, _SURELY_KEPT = 0.15, 0.3
"""Shares of the scene under which nothing is taken from it, as noise grows by their inverse, and above which all is."""
_SEEN = 3.0
"""Error of what is seen as it is encoded, and of what is known of the mark, in levels (root mean square)."""
_CLEAR = 0.92
"""Share of the scene from which on a sample is none of the mark's."""
_GHOST, _DETAIL = 10.0, 5
"""Levels by which a lifted scene is rougher than what is beside it where opaque letters were taken for translucent, and
samples across which that is told: noise that is lifted with the scene stays below 8."""
_MIDDLE = 128.0
_TINT = 5.0
"""Samples over which a stroke has one tint at least: what differs within them is the scene."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """A translucent mark: the share of the scene that each sample keeps, and what it adds in each colour."""

    kept: FloatImage
    added: FloatImage

    @property
    def worth(self) -> FloatImage:
        """What is taken from a sample's lifted scene, 0..1: nothing where hardly any of it is seen."""
        share: FloatImage = np.clip((self.kept - _LEAST_KEPT) / (_SURELY_KEPT - _LEAST_KEPT), 0, 1).astype(np.float32)
        return share

    def lifted(self, seen: YCbCr, own: BoolMask) -> Unblended:
        """Return the scene under the mark's `own` samples as far as it is `seen`."""
        kept = np.maximum(self.kept, _LEAST_KEPT).astype(np.float32)
        scene = self._evened(weighted(seen - self.added, np.asarray(1 / kept, np.float32)), own)
        return Unblended(scene, _SEEN / (kept * np.maximum(self.worth, np.float32(1e-3))))

    def _evened(self, scene: FloatImage, own: BoolMask) -> FloatImage:
        """Return the lifted scene without what is left of letters: a tint that bright or dark strokes share."""
        painted = own & (self.kept < _CLEAR)
        around = harmonic_inpaint(scene, painted)
        bright = self.added[..., 0] > (1 - self.kept) * _MIDDLE
        result = scene.copy()
        for stroke in (painted & bright, painted & ~bright):
            weight = stroke.astype(np.float32)
            near = 1 / np.maximum(_blurred(weight), 1e-3)
            tint = weighted(_blurred(weighted(around - scene, weight)), near.astype(np.float32))
            result[stroke] += tint[stroke]
        return result


@dataclass(frozen=True, slots=True)
class WatermarkSample:
    """A mark as one frame shows it: the picture, and what of it other text than the mark hides."""

    color: YCbCr
    others: BoolMask

    @property
    def seen(self) -> FloatImage:
        """The picture to reckon with."""
        return self.color.astype(np.float32)

    @property
    def counted(self) -> FloatImage:
        """1 where nothing but the mark hides the scene, 0 elsewhere."""
        return (~dilate(self.others)).astype(np.float32)

    def without(self, hidden: BoolMask) -> FloatImage:
        """Return the scene as a fill from around expects it where it is `hidden`."""
        return harmonic_inpaint(self.seen, hidden)


def fit_watermark(looks: list[WatermarkSample], mark: BoolMask) -> Overlay | None:
    """Return how the text that covers `mark` on all `looks` lets the scene through.

    None when it is opaque, or when the scene behind it changes too little to tell.
    """
    if len(looks) < LEAST_LOOKS or not mark.any():
        return None
    if not _may_be_translucent(np.stack([look.color[..., 0] for look in looks]).std(axis=0, dtype=np.float32), mark):
        return None
    first = _fitted(looks, [look.without(dilate(mark | look.others)) for look in looks], mark)
    if first is None:
        return None
    # What the mark does not paint after all is the scene itself, and tells more of it.
    painted = mark & dilate(first.kept < _CLEAR)
    scene = [look.without(painted | dilate(look.others)) for look in looks]
    known = _fitted(looks, scene, mark)
    if known is None:
        return None
    ghosts = (_ghost(known, look, around, mark) for look, around in zip(looks, scene, strict=True))
    return known if max(ghosts) < _GHOST else None


def _ghost(known: Overlay, look: WatermarkSample, around: FloatImage, mark: BoolMask) -> float:
    """Return how much rougher (levels) what is lifted off one look is than the scene beside it."""
    mixed = around + weighted(known.lifted(look.color, mark).scene - around, known.worth * mark)
    lifted: YCbCr = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    painted, beside = mark & (known.kept < _CLEAR) & ~look.others, ~dilate(mark | look.others)
    if not painted.any() or not beside.any():
        return 0.0
    rough = [cv2.absdiff(luma, cv2.medianBlur(luma, _DETAIL)) for luma in (lifted[..., 0], look.color[..., 0])]
    return float(rough[0][painted].mean() - rough[1][beside].mean())


def _fitted(views: list[WatermarkSample], scene: list[FloatImage], mark: BoolMask) -> Overlay | None:
    """Return the overlay that makes of the `scene` behind each look what that shows."""
    looks = np.maximum(sum(view.counted for view in views), 1).astype(np.float32)
    seen_mean = _mean((weighted(view.seen, view.counted) for view in views), looks)
    scene_mean = _mean((weighted(behind, view.counted) for behind, view in zip(scene, views, strict=True)), looks)
    own, common, shown = (np.zeros(mark.shape, np.float32) for _ in range(3))
    # Look by look: all of them at once, as numbers, take hundreds of megabytes.
    for behind, view in zip(scene, views, strict=True):
        apart = weighted(behind - scene_mean, view.counted)
        off = weighted(view.seen - seen_mean, view.counted)
        own += _product(apart, apart)
        common += _product(apart, off)
        shown += _product(off, off)
    own, common, shown = map(_near, (own, common, shown))
    # A fill is smoother than the scene, so the scene beside the mark tells how much it should vary.
    expected = np.maximum(own, _beside(own, mark))
    telling = mark & (expected > looks * _VARIED**2) & (looks >= LEAST_LOOKS)
    if telling.sum() < _TOLD * mark.sum():
        return None
    sums = _Sums(own, expected, common, np.maximum(shown - 3 * looks * _NOISE**2, 0))
    tint = (seen_mean - scene_mean)[..., 0]
    strong = (own > 3 * looks * _VARIED**2) & (np.abs(tint) > _STRONG * np.percentile(np.abs(tint[telling]), 90))
    if not _is_translucent(sums, telling, telling & strong):
        return None
    prior = _by_tint(sums, tint, scene_mean[..., 0], telling & strong)
    # How far the slope of one sample is off by itself, against how far its tint is.
    doubt = _DOUBT * np.maximum(shown - common * common / np.maximum(own, 1), 0) / (looks * np.maximum(own, 1))
    trust = np.where(telling, _SPREAD**2 / (_SPREAD**2 + doubt), 0)
    kept = np.clip(prior + (common / np.maximum(own, 1) - prior) * trust, 0, 1).astype(np.float32)
    return Overlay(kept=kept, added=(seen_mean - kept[..., None] * scene_mean).astype(np.float32))


def _may_be_translucent(varied: FloatImage, mark: BoolMask) -> bool:
    """Return False for what stays the same where the scene beside it changes: opaque text, most of the time."""
    telling = mark & (_beside(varied, mark) > _VARIED)
    if telling.sum() < _TOLD * mark.sum():
        return False
    return bool(np.percentile(varied[telling] - _NOISE, 25) >= _WEAKEST * _VARIED)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Squared variation by sample, over all looks: the fill's, the scene's, the fill's times what is seen, of that."""

    own: FloatImage
    expected: FloatImage
    common: FloatImage
    shown: FloatImage


def _is_translucent(sums: _Sums, telling: BoolMask, strong: BoolMask) -> bool:
    """Return True when the scene is seen through the mark's strokes.

    In opaque ones nothing varies. What varies by itself, as highlighted words do, does not follow the scene.
    """
    if strong.sum() < _LEAST_STRONG * telling.sum():
        return False
    ratio = np.sqrt(sums.shown[strong].sum() / sums.expected[strong].sum())
    slope = sums.common[strong].sum() / sums.own[strong].sum()
    if ratio < _LEAST_RATIO or slope < max(_LEAST_SLOPE, _FOLLOWED * ratio):
        return False
    each = telling & (sums.own > _SURELY * sums.expected)
    weakest = np.percentile(np.sqrt(sums.shown[each] / sums.expected[each]), _DENSEST) if each.any() else 0.0
    return bool(weakest >= _WEAKEST)


def _by_tint(sums: _Sums, tint: FloatImage, scene: FloatImage, strong: BoolMask) -> FloatImage:
    """Return the share of the scene that samples keep by how much of their stroke's colour they have on the mean.

    Bright and dark strokes, fill and outline as a rule, have one colour and one share each.
    """
    painted = np.zeros_like(tint)
    for stroke, sign in ((strong & (tint > 0), 1), (strong & (tint < 0), -1)):
        if stroke.sum() < _LEAST_STROKE * strong.sum():
            continue
        opacity = 1 - float(np.clip(sums.common[stroke].sum() / sums.own[stroke].sum(), 0, 0.95))
        color = float(np.median(scene[stroke] + tint[stroke] / opacity))
        share = np.clip(sign * tint / np.maximum(sign * (color - scene), _NEAREST), 0, opacity)
        painted = np.maximum(painted, share)
    # Where fill and outline meet, their tints cancel out.
    kept: FloatImage = 1 - cv2.morphologyEx(painted, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return kept


def _blurred(field: FloatImage) -> FloatImage:
    result: FloatImage = cv2.GaussianBlur(field, (0, 0), _TINT)
    return result


def _beside(field: FloatImage, mark: BoolMask) -> FloatImage:
    """Return what a field is beside a mark, at every place."""
    free = (~dilate(mark)).astype(np.float32)
    return (_wide(field * free) / np.maximum(_wide(free), 1e-3)).astype(np.float32)


def _wide(field: FloatImage) -> FloatImage:
    result: FloatImage = cv2.GaussianBlur(field, (0, 0), _BESIDE)
    return result


def _mean(fields: Iterable[FloatImage], count: FloatImage) -> FloatImage:
    """Return the sum of fields by a `count` for each place."""
    return weighted(np.asarray(sum(fields), np.float32), np.asarray(1 / count, np.float32))


def _product(a: FloatImage, b: FloatImage) -> FloatImage:
    """Return the sum of products over all colours."""
    return np.asarray(np.einsum("hwc,hwc->hw", a, b), np.float32)


def _near(sums: FloatImage) -> FloatImage:
    """Return sums that take a little of their neighbours', which belong to the same stroke."""
    result: FloatImage = cv2.GaussianBlur(sums, (3, 3), 0.5)
    return result
