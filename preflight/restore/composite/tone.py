"""How samples of the service's picture become samples of the source's, fitted on the ring around a region.

For a source of the same kind that is a gain and an offset of each plane. For an HDR source of which a tone-mapped
picture was sent it is a monotone curve of luma, and chroma as a linear function of chroma, luma and their products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 24
"""Classes of luma whose medians make the curve."""
FEW = 40
"""Samples that a class needs to count."""
MOST = 30_000
"""Samples of a ring that are looked at."""
_GAIN = (0.7, 1.4)
"""Bounds of a plane's gain in the same kind of picture."""
_RIDGE = 1e-3
"""Weight, as a share of the samples, that holds a fit to the mean where the ring shows too few colours."""
_TRIM = 80.0
"""Percentile of the residuals up to which samples count in the second round."""

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ToneTransfer:
    """A fit: a `curve` of luma (places, values), and the coefficients of each chroma plane."""

    curve: tuple[Values, Values]
    blue: Values
    red: Values
    level: float

    def luma(self, y: Values) -> Values:
        """Return luma as the source has it."""
        places, values = self.curve
        # Beyond the last place the curve goes on as it came.
        step = places[1] - places[0]
        index = np.clip((y - places[0]) / step, 0, len(places) - 1.001)
        whole = index.astype(np.int32)
        part = (y - places[0]) / step - whole
        result: Values = values[whole] + part * (values[whole + 1] - values[whole])
        return result

    def chroma(self, y: Values, u: Values, v: Values) -> tuple[Values, Values]:
        """Return chroma as the source has it; `y` is the service's luma at the places of chroma samples."""
        terms = _terms(y, u, v, self.level)
        blue, red = (
            sum(weight * term for weight, term in zip(fit, terms, strict=True)) for fit in (self.blue, self.red)
        )
        return np.asarray(blue, np.float32), np.asarray(red, np.float32)


def _terms(y: Values, u: Values, v: Values, level: float) -> tuple[Values, ...]:
    blue, red, bright = u - level, v - level, (y - level) / np.float32(64)
    return np.ones_like(blue), blue, red, bright, bright * blue, bright * red


def fit(
    given: tuple[Values, Values, Values, Values], wanted: tuple[Values, Values, Values], *, curved: bool
) -> ToneTransfer:
    """Return the transfer that takes samples of the service to those of the source.

    Args:
        given: the service's luma samples, and the luma, blue and red of its chroma samples, on a scale of 8 bits.
        wanted: luma, blue and red of the source at the same places, in its own units.
        curved: the source is of another kind (HDR), so that a curve is needed.
    """
    luma, bright, blue, red = given
    curve = _curve(luma, wanted[0]) if curved else _line(luma, wanted[0])
    if curved:
        terms = _terms(bright, blue, red, 128.0)
        fits = [_regression(terms, plane) for plane in wanted[1:]]
    else:
        fits = [
            _plain(plane, other, number)
            for number, (plane, other) in enumerate(zip((blue, red), wanted[1:], strict=True))
        ]
    return ToneTransfer(curve, fits[0], fits[1], 128.0)


def _gain(given: Values, wanted: Values) -> tuple[float, float]:
    """Return gain and offset by least squares, twice, the second time without what fits badly.

    A ring that hardly varies tells the offset only; its gain is the ratio of the two scales.
    """
    if given.size < FEW:
        return 1.0, 0.0
    unit = 4.0 if float(np.median(wanted)) > 2.2 * max(8.0, float(np.median(given))) else 1.0
    gain, offset = unit, float(np.median(wanted) - unit * np.median(given))
    inside = np.ones(given.size, bool)
    for _ in range(2):
        x, y = given[inside], wanted[inside]
        mean, middle = float(x.mean()), float(y.mean())
        spread = float(((x - mean) ** 2).mean())
        # As if noise of two levels of the usual gain were added.
        gain = (float(((x - mean) * (y - middle)).mean()) + 4.0 * unit) / (spread + 4.0)
        gain = min(max(gain, _GAIN[0] * unit), _GAIN[1] * unit)
        offset = middle - gain * mean
        rest = np.abs(wanted - gain * given - offset)
        inside = rest <= max(float(np.percentile(rest, _TRIM)), 1e-3)
    return gain, offset


def _line(given: Values, wanted: Values) -> tuple[Values, Values]:
    gain, offset = _gain(given, wanted)
    places = np.array([0.0, 255.0], np.float32)
    return places, (gain * places + np.float32(offset)).astype(np.float32)


def _plain(given: Values, wanted: Values, number: int) -> Values:
    gain, offset = _gain(given, wanted)
    weights = np.zeros(6, np.float32)
    weights[0], weights[1 + number] = offset + gain * 128.0, gain
    return weights


def _curve(given: Values, wanted: Values) -> tuple[Values, Values]:
    """Return a monotone curve through the medians of the classes of luma; where there are none it goes on straight."""
    edges = np.linspace(0, 255, BINS + 1)
    places = ((edges[1:] + edges[:-1]) / 2).astype(np.float32)
    classes = np.clip(np.digitize(given, edges) - 1, 0, BINS - 1)
    counts = np.bincount(classes, minlength=BINS)
    known = [number for number in range(BINS) if counts[number] >= FEW]
    if len(known) < 2:
        gain, offset = _gain(given, wanted)
        return places, (gain * places + np.float32(offset)).astype(np.float32)
    x = np.array([float(np.mean(given[classes == number])) for number in known])
    y = np.array([float(np.mean(wanted[classes == number])) for number in known])
    y = _isotonic(y, counts[known].astype(np.float64))
    slope = max((y[-1] - y[0]) / max(x[-1] - x[0], 1e-6), 0.0)
    low = y[0] + slope * (places - x[0])
    high = y[-1] + slope * (places - x[-1])
    values = np.interp(places, x, y)
    values = np.where(places < x[0], low, np.where(places > x[-1], high, values))
    return places, values.astype(np.float32)


def _isotonic(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nearest sequence that never falls (pool adjacent violators)."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append((float(value), float(weight), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, wa, na), (b, wb, nb) = blocks[-2], blocks[-1]
            blocks[-2:] = [((a * wa + b * wb) / (wa + wb), wa + wb, na + nb)]
    return np.concatenate([np.full(count, value) for value, _, count in blocks])


def _regression(terms: tuple[Values, ...], wanted: Values) -> Values:
    if wanted.size < FEW:
        constant: Values = np.zeros(len(terms), np.float32)
        constant[0] = float(np.median(wanted)) if wanted.size else 0.0
        return constant
    table = np.stack(terms, axis=1).astype(np.float64)
    inside = np.ones(wanted.size, bool)
    weights: NDArray[Any] = np.zeros(len(terms))
    for _ in range(2):
        chosen = table[inside]
        ridge = _RIDGE * len(chosen) * np.array([0.0, 1.0, 1.0, 0.1, 1.0, 1.0])
        weights = np.linalg.solve(
            chosen.T @ chosen + np.diag(ridge + 1e-9), chosen.T @ wanted[inside].astype(np.float64)
        )
        rest = np.abs(table @ weights - wanted)
        inside = rest <= max(float(np.percentile(rest, _TRIM)), 1e-3)
    return weights.astype(np.float32)
