"""Take fading text off a picture: what it lets through while it is faint is the scene itself, which no fill can match.

At strength `a` (0 none, 1 as usual) every sample shows `(1 - a * opacity) * scene + a * added`. Opacity and what is
added are known from the frames on which the text is as usual, so one number a frame is left to be found, by all samples
together: how much of the letters' contrast is there. Video editors fade text as a whole; where a shadow under it fades
by itself (as libass draws it), the letters hide a little more meanwhile: `shade` times `a - a**2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from preflight.engine.alpha.fade_curve import BLACK, OPAQUE, FadingText, FrameContrast, fit_opacity
from preflight.engine.core.arrays import BoolMask, FloatImage, YCbCr, dilate
from preflight.engine.core.filters import normalized_convolution, weighted
from preflight.engine.core.harmonic_fill import harmonic_inpaint

_LONGEST = 75
"""Frames at each end of a text on which it may fade."""
_FAINT, _LENDERS = 0.2, 8
"""Strength up to which frames lend what the text lets through, and how many of them at most."""
_USUAL, _CLEARLY = 0.95, 0.8
"""Strength from which on a text is as usual, and that one frame has less of at least, for the text to fade at all."""
_LOOKS, _FULL, _TYPICAL = 16, 0.85, 75
"""Frames that tell what the text is as usual, and the share of the strongest contrast that each has at least."""
_LEAST_LOOKS = 3
_STILL, _MOST_OF = 8.0, 90
"""Levels by which a still scene varies at most, in so many percent of its samples, and by less than letters do."""
_COLORED, _APART = 20.0, 30.0
"""Levels between a colour of the letters and the scene at least, and between one that is no mixture and mixtures."""
_STRONGEST = 80.0
"""Percentile of their contrast from which on samples show a colour of the letters unmixed."""
_LEAST_KEPT, _SURELY_KEPT = 0.1, 0.2
"""Shares of the scene under which nothing is taken from it, and above which all is."""
_NOISE, _MORE, _MOST = 2.0, 7.0, 5.0
"""Error of what is seen as it is encoded (levels, root mean square), faint; by how much letters raise it; at most."""


@dataclass(frozen=True, slots=True)
class Unblended:
    """The scene under fading text as it is seen, in luma and chroma, and the error to expect of each sample."""

    scene: FloatImage
    doubt: FloatImage


@dataclass(frozen=True, slots=True)
class Fade:
    """How strong a text is by frame (0..1), and what each sample keeps of the scene and adds at strength 1."""

    strengths: Mapping[int, float]
    opacity: FloatImage
    added: FloatImage
    shade: float = 0.0

    @property
    def faintest(self) -> list[int]:
        """The frames that show most of the scene."""
        faint = [(strength, index) for index, strength in self.strengths.items() if strength <= _FAINT]
        return [index for _, index in sorted(faint)[:_LENDERS]]

    def lifted(self, index: int, seen: YCbCr) -> Unblended:
        """Return the scene under the text on frame `index`, as it is `seen` in luma and chroma."""
        strength = self.strengths[index]
        below = (strength - strength**2) * self.shade * (self.opacity > OPAQUE)
        kept = np.clip(1 - strength * self.opacity - below, 1e-3, 1).astype(np.float32)
        added = (strength * self.added + below[..., None] * BLACK).astype(np.float32)
        scene = weighted(seen - added, (1 / np.maximum(kept, _LEAST_KEPT)).astype(np.float32))
        noise = min(_MOST, _NOISE + _MORE * strength) / kept
        sure = np.clip((kept - _LEAST_KEPT) / (_SURELY_KEPT - _LEAST_KEPT), 1e-3, 1)
        return Unblended(scene, (noise / sure).astype(np.float32))


def fit_fade(text: FadingText) -> Fade | None:
    """Return how a text fades; None when it doesn't, or when none of the known frames shows it as usual."""
    full = _full(text)
    if not full:
        return None
    usual = np.mean([text.color(index) for index in full], axis=0).astype(np.float32)
    bare = _bare(text, usual)
    if bare is None:
        return _over(text, usual, harmonic_inpaint(usual, dilate(text.mask)))
    seen = text.color(bare)
    fade = _over(text, usual, seen.astype(np.float32))
    if fade is None or bare not in fade.strengths:
        return fade
    # Once more, without what that frame has of the text.
    return _over(text, usual, fade.lifted(bare, seen).scene) or fade


def _over(text: FadingText, usual: FloatImage, around: FloatImage) -> Fade | None:
    """Return how a text fades that makes the `usual` look of what is `around`."""
    painted = _painted(usual, around, text.mask)
    if painted is None:
        return None
    opacity, added = painted
    paint = opacity, np.ascontiguousarray(added[..., 0])
    faint = _faint(text, paint)
    if not any(strength < _CLEARLY for strength in faint.values()):
        return None
    views = {index: FrameContrast.of(text, index, paint, harmonic_inpaint) for index in faint}
    strengths, shade = fit_opacity(views, faint)
    even = {
        index: strength
        for index, strength in strengths.items()
        if strength < _USUAL and views[index].is_even(strength, shade)
    }
    return Fade(even, opacity, added, shade) if even else None


def _bare(text: FadingText, usual: FloatImage) -> int | None:
    """Return the end of a text over a still scene at which it is off or faint; None without one.

    There the letters are what differs; what varies within the scene is easily taken for them.
    """
    changed = {}
    for index in {text.first, text.last} & set(text.known):
        off = np.abs(usual[..., 0] - text.luma(index))
        beside = off[~dilate(text.mask | text.hidden(index))]
        if beside.size and float(np.percentile(beside, _MOST_OF)) < _STILL:
            changed[index] = float(off[text.mask].mean())
    return max((index for index in changed if changed[index] > _STILL), key=lambda index: changed[index], default=None)


def _full(text: FadingText) -> list[int]:
    """Return known frames on which the text is as usual."""
    frames = [index for index in text.known if text.first <= index <= text.last]
    some = frames[:: max(1, len(frames) // _LOOKS)]
    if len(some) < _LEAST_LOOKS:
        return []
    details = [text.fine(text.luma(index)) for index in some]
    contrast = np.mean(details, axis=0)
    shares = [float(contrast @ detail) for detail in details]
    return [index for index, share in zip(some, shares, strict=True) if share > _FULL * np.percentile(shares, _TYPICAL)]


def _faint(text: FadingText, paint: tuple[FloatImage, FloatImage]) -> dict[int, float]:
    """Return the frames from the text's known ends on on which it is fainter than usual, and about how strong it is."""
    found: dict[int, float] = {}
    frames = [index for index in text.known if text.first <= index <= text.last]
    start = [index for index in frames if index < text.first + _LONGEST]
    end = [index for index in frames if index > text.last - _LONGEST]
    for first, run in ((text.first, start), (text.last, end[::-1])):
        if first not in run:
            continue
        for index in run:
            strength = FrameContrast.of(text, index, paint, _smooth).strength(1.0, 0.0)
            if strength >= _USUAL:
                break
            found[index] = strength
    return found


def _smooth(luma: FloatImage, hole: BoolMask) -> FloatImage:
    """Return about what a membrane over `hole` is, quickly."""
    return normalized_convolution(luma, (~hole).astype(np.float32), 8.0)


def _painted(usual: FloatImage, around: FloatImage, mask: BoolMask) -> tuple[FloatImage, FloatImage] | None:
    """Return how much each sample hides of the scene, and what it adds, by its way from there to the letters' colour.

    None when the letters have the colours of the scene.
    """
    apart = usual - around
    opacity, added = np.zeros(mask.shape, np.float32), np.zeros_like(usual)
    for color in _colors(usual, around, mask):
        way = color - around
        share = np.clip((apart * way).sum(axis=2) / np.maximum((way * way).sum(axis=2), _COLORED**2), 0, 1)
        added = np.where((share > opacity)[..., None], share[..., None] * color, added)
        opacity = np.maximum(opacity, share)
    if not opacity.any():
        return None
    # Where fill and outline meet, their tints cancel out.
    closed = cv2.morphologyEx(opacity, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) * dilate(mask)
    # What samples that hide little add is told by the letters' colour better than by what is left of the scene in them.
    own = closed[..., None]
    return closed, (own * (usual - weighted(around, 1 - closed)) + (1 - own) * added).astype(np.float32)


def _colors(usual: FloatImage, around: FloatImage, mask: BoolMask) -> list[FloatImage]:
    """Return the colours of the letters, fill and outline: one or two."""
    samples, scene = usual[mask], around[mask]
    labels = (samples[:, :1] > samples[:, 0].mean()).astype(np.int32)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 10, 0.0)
    _, labels, _ = cv2.kmeans(samples, 2, labels, stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    contrast = np.linalg.norm(samples - scene, axis=1)
    found = []
    for label in (0, 1):
        own = labels[:, 0] == label
        if not own.any():
            continue
        clear = own & (contrast >= np.percentile(contrast[own], _STRONGEST))
        found.append((float(contrast[clear].mean()), np.median(samples[clear], axis=0).astype(np.float32)))
    found.sort(key=lambda each: -each[0])
    colors = [color for strength, color in found if strength > _COLORED]
    if len(colors) == 2 and _is_mixed(colors[1], colors[0], np.median(scene, axis=0)):
        return colors[:1]
    return colors


def _is_mixed(color: FloatImage, one: FloatImage, other: FloatImage) -> bool:
    """Return True for a colour that is a mixture of two others."""
    way = one - other
    share = float((color - other) @ way) / max(float(way @ way), 1e-6)
    return 0 < share < 1 and float(np.linalg.norm(color - other - share * way)) < _APART
