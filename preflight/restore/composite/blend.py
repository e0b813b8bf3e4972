"""Put a changed region of the service's picture into a picture of the source, so that no seam is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.restore.composite import tone
from preflight.restore.composite.analysis import BLEND
from preflight.restore.composite.fidelity import Written
from preflight.restore.composite.frames import Picture, PictureFormat, Samples
from preflight.restore.composite.geometry import Area, View
from preflight.restore.composite.masks import RING
from preflight.restore.composite.spool import ChangedRegion

MAX_SHARPENING = 2.2
"""Factor by which fine detail of the service's picture is raised at most."""
MAX_GRAIN = 6.0
"""Gray levels (8-bit scale) of grain that is added at most."""
MIN_GRAIN = 0.35
"""Gray levels of grain below which none is added."""
_DEVIATION = 1.4826
"""Standard deviation of a normal distribution in median absolute deviations."""
_FINE = 1.2
"""Radius, in samples, of the blur that parts fine detail from the rest."""

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blender:
    """Puts regions into pictures of `form` that are shown as they are. `curved`: the source is HDR, the sent is not."""

    view: View
    form: PictureFormat
    curved: bool

    def blend(self, picture: Picture, region: ChangedRegion, seed: int) -> Written | None:
        """Write a region into `picture`, whose planes are shown upright, and return where that was.

        `seed` makes the grain of each frame another, and the same in each run.
        """
        view, chroma = self.view, self._chroma
        target = view.to_source(region.box)
        if target.x1 <= target.x0 or target.y1 <= target.y0:
            return None
        scale = 1 / min(view.scale)
        inner = self._warped((region.mask * np.uint8(255)), target, region, (1, 1), 1, luma_mask=True) > 127
        if not inner.any():
            return None
        distance = cv2.distanceTransform((~inner).astype(np.uint8), cv2.DIST_L2, 3)
        width = BLEND * scale
        alpha = np.clip(1 - distance / width, 0, 1)
        alpha *= alpha * (3 - 2 * alpha)
        ring = (distance > width) & (distance < RING * scale)
        small = target.divided(*chroma)
        given = [
            self._warped(region.picture.y, target, region, (1, 1), 1),
            self._warped(region.picture.u, small, region, chroma, 2),
            self._warped(region.picture.v, small, region, chroma, 2),
        ]
        size = (small.x1 - small.x0, small.y1 - small.y0)
        bright = cv2.resize(given[0], size, interpolation=cv2.INTER_AREA)
        small_ring = cv2.resize(ring.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        places = (target, small, small)
        wanted = [plane[place.slices].astype(np.float32) for plane, place in zip(picture, places, strict=True)]
        if ring.sum() >= tone.FEW and small_ring.sum() >= tone.FEW:
            planes = self._matched(given, bright, wanted, (ring, small_ring), inner)
            planes[0] = self._textured(planes[0], wanted[0], ring, seed)
        else:
            planes = self._plain(given)
        small_alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
        top = (1 << self.form.depth) - 1
        for plane, place, patch, original, weight in zip(
            picture, places, planes, wanted, (alpha, small_alpha, small_alpha), strict=True
        ):
            mixed = np.clip(np.rint(original + weight * (patch - original)), 0, top)
            part = plane[place.slices]
            np.copyto(part, mixed.astype(plane.dtype), where=weight > 0)
        return Written.of(target, alpha > 0)

    @property
    def _chroma(self) -> tuple[int, int]:
        across, down = self.form.subsampling
        return across, down

    def _warped(
        self,
        plane: Samples,
        target: Area,
        region: ChangedRegion,
        chroma: tuple[int, int],
        sent_chroma: int,
        *,
        luma_mask: bool = False,
    ) -> Values:
        """Return a plane of the region as the source's samples see it."""
        given = region.box.divided(sent_chroma, sent_chroma)
        shift = (0.0, 0.0) if luma_mask else region.shift
        matrix = self.view.sampling(target, given, shift=shift, chroma=chroma, sent_chroma=sent_chroma)
        size = (target.x1 - target.x0, target.y1 - target.y0)
        if np.allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-6) and plane.shape == (size[1], size[0]):
            return plane.astype(np.float32)
        flags = (cv2.INTER_LINEAR if luma_mask else cv2.INTER_CUBIC) | cv2.WARP_INVERSE_MAP
        warped: Values = cv2.warpAffine(
            plane.astype(np.float32), matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        return warped

    def _plain(self, given: list[Values]) -> list[Values]:
        """Return the planes in the source's units where there is nothing around to compare with."""
        unit = float(1 << (self.form.depth - 8))
        return [np.asarray(plane * unit, np.float32) for plane in given]

    def _matched(
        self,
        given: list[Values],
        bright: Values,
        wanted: list[Values],
        rings: tuple[NDArray[Any], NDArray[Any]],
        inner: NDArray[Any],
    ) -> list[Values]:
        """Return the planes in the source's colours, and without what still differs along the border."""
        ring, small_ring = rings
        step, small_step = (max(1, int(mask.sum()) // tone.MOST) for mask in rings)
        luma = given[0][ring][::step]
        transfer = tone.fit(
            (luma, *(plane[small_ring][::small_step] for plane in (bright, given[1], given[2]))),
            (wanted[0][ring][::step], wanted[1][small_ring][::small_step], wanted[2][small_ring][::small_step]),
            curved=self.curved,
        )
        blue, red = transfer.chroma(bright, given[1], given[2])
        planes = [transfer.luma(given[0]), blue, red]
        size = (small_ring.shape[1], small_ring.shape[0])
        small_inner = cv2.resize(inner.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        for number, (outside, covered) in enumerate(
            ((ring, inner), (small_ring, small_inner), (small_ring, small_inner))
        ):
            planes[number] = planes[number] + _spread(wanted[number] - planes[number], outside, covered)
        return planes

    def _textured(self, patch: Values, original: Values, ring: NDArray[Any], seed: int) -> Values:
        """Return luma with as much fine detail and grain as there is around the region."""
        fine = patch - cv2.GaussianBlur(patch, (0, 0), _FINE)
        there = original - cv2.GaussianBlur(original, (0, 0), _FINE)
        ours, theirs = fine[ring], there[ring]
        power = float((ours * ours).mean())
        if power < 1e-6:
            return patch
        factor = float((ours * theirs).mean()) / power
        factor = min(max(factor, 1.0), MAX_SHARPENING)
        sharpened = patch + np.float32(factor - 1) * fine
        unit = float(1 << (self.form.depth - 8))
        spread = _spread_of(theirs)
        have = factor * _spread_of(ours)
        grain = float(np.sqrt(max(0.0, spread * spread - have * have)))
        if grain < MIN_GRAIN * unit:
            return np.asarray(sharpened, np.float32)
        noise = np.empty(patch.shape, np.float32)
        cv2.setRNGSeed(seed & 0x7FFFFFFF)
        cv2.randn(noise, 0, 1)
        noise -= cv2.GaussianBlur(noise, (0, 0), _FINE)
        usual = float(noise.std()) or 1.0
        return np.asarray(sharpened + noise * np.float32(min(grain, MAX_GRAIN * unit) / usual), np.float32)


def _spread_of(values: Values) -> float:
    """Return the standard deviation of fine detail in the calm half of its samples: that of grain, not of edges."""
    return _DEVIATION * float(np.median(np.abs(values)))


def _spread(difference: Values, outside: NDArray[Any], covered: NDArray[Any]) -> Values:
    """Return the low frequencies of a difference that is known on the ring, carried on smoothly into the region.

    Normalized convolution on a pyramid (pull-push, Gortler et al. 1996): near the border it is the difference itself,
    in the middle of a wide region the mean of what is around it.
    """
    weight = outside.astype(np.float32)
    levels = [(np.asarray(difference * weight, np.float32), weight)]
    while min(levels[-1][0].shape) > 4 and len(levels) < 9:
        value, known = levels[-1]
        levels.append((cv2.pyrDown(value), cv2.pyrDown(known)))
    value, known = levels[-1]
    filled = value / np.maximum(known, 1e-4)
    for value, known in reversed(levels[2:-1] if len(levels) > 3 else levels[:-1]):
        up = cv2.pyrUp(filled, dstsize=(value.shape[1], value.shape[0]))
        trust = np.clip(known * 2, 0, 1)
        filled = trust * (value / np.maximum(known, 1e-4)) + (1 - trust) * up
    for value, _ in reversed(levels[:2]) if len(levels) > 3 else ():
        filled = cv2.pyrUp(filled, dstsize=(value.shape[1], value.shape[0]))
    return np.asarray(filled, np.float32) if covered.any() else np.zeros_like(difference)
