"""Outlines around letters: type that is set on top of a picture has them, paint on a thing has not."""

from __future__ import annotations

import cv2
import numpy as np

from preflight.engine.core.arrays import BGR, BoolMask, FloatMap, channel_max
from preflight.engine.segment.strokes import LEAST_FILL, SAME_COLOR, STEADY

_APART = 12
"""Gray levels by which an outline differs from letters and ground at least."""
_HELD, _OTHER = 0.35, 12
"""How much an outline encloses, as a share of itself, and how far (levels) that is from all mixtures of its colour and
the ground's. What letters themselves enclose is the ground: little of it, and mixed with them at most."""


def outline_width(look: BGR, fill: BoolMask, text_height: int) -> int:
    """Return how many samples beyond the fill an outline goes, from the luminance at growing distance."""
    gray = cv2.cvtColor(look, cv2.COLOR_BGR2GRAY).astype(np.float32)
    away = _away(fill)
    farthest = max(4, int(text_height * 0.22))
    far = (away > farthest) & (away <= farthest + 4)
    ground = float(np.median(gray[far])) if far.any() else float(np.median(gray))
    profile = []
    for distance in range(farthest):
        ring = (away > distance) & (away <= distance + 1)
        profile.append(float(np.abs(gray[ring] - ground).mean()) if ring.any() else 0.0)
    found = 0
    for distance, contrast in enumerate(profile):
        if contrast > 0.35 * max(profile) and contrast > 8:
            found = distance + 1
        elif distance > 1:
            break
    return min(found, max(2, int(text_height * 0.16)))


def is_outlined(look: BGR, fill: BoolMask, text_height: int) -> bool:
    """Return True when the letters have an outline: around them it is darker or brighter than letters and ground are.

    Paint on a thing goes over into its ground; only type set on top of a picture needs a line between the two.
    """
    gray = cv2.cvtColor(look, cv2.COLOR_BGR2GRAY)
    away = _away(fill)
    line, ground = gray[(away > 1) & (away <= 2.5)], gray[_amid(fill, text_height)]
    if line.size < LEAST_FILL or ground.size < LEAST_FILL or not fill.any():
        return False
    letters, edge = float(np.median(gray[fill])), float(np.median(line))
    darkest, brightest = np.percentile(ground, (25, 75))
    return bool(edge < min(letters, darkest) - _APART or edge > max(letters, brightest) + _APART)


def mask_by_outline(look: BGR, spread: FloatMap, fill: BoolMask) -> BoolMask:
    """Return the letters by their outline and what it encloses: strokes in the colour of the ground show only so."""
    away = _away(fill)
    color = np.median(look[(away > 1) & (away <= 2.5)], axis=0)
    apart = channel_max(np.abs(look.astype(np.float32) - color.astype(np.float32)))
    line = ((apart < SAME_COLOR) & (spread < STEADY)).astype(np.uint8)
    count, labels = cv2.connectedComponents(line)
    touched = np.zeros(count, bool)
    touched[np.unique(labels[away <= 3])] = True
    touched[0] = False
    ends = touched.copy()
    # What runs to the edge of the look is of the scene.
    ends[np.unique(np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1])))] = False
    found, _ = cv2.findContours((ends[labels]).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = cv2.drawContours(np.zeros_like(line), found, -1, 1, cv2.FILLED)
    return np.asarray(cv2.dilate(whole, np.ones((5, 5), np.uint8)) > 0, bool)


def is_outline(look: BGR, fill: BoolMask, text_height: int) -> bool:
    """Return True when what was found of letters is their outline: it encloses much that is not as the ground is."""
    found, _ = cv2.findContours(fill.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    inside = (cv2.drawContours(np.zeros(fill.shape, np.uint8), found, -1, 1, cv2.FILLED) > 0) & ~fill
    ground = _amid(fill, text_height)
    if inside.sum() < max(LEAST_FILL, _HELD * fill.sum()) or ground.sum() < LEAST_FILL:
        return False
    outline, held, around = (np.median(look[part], axis=0) for part in (fill, inside, ground))
    way = around - outline
    nearest = outline + way * np.clip((held - outline) @ way / max(1.0, way @ way), 0, 1)
    return bool(np.abs(held - nearest).max() > _OTHER)


def _amid(fill: BoolMask, text_height: int) -> BoolMask:
    """Return the ground between and around letters, not far beyond: a board that is behind all of them ends there."""
    x, y, width, height = cv2.boundingRect(fill.astype(np.uint8))
    amid = np.zeros(fill.shape, bool)
    amid[y : y + height, x : x + width] = True
    away = _away(fill)
    far = max(3.0, text_height * 0.14)
    return np.asarray((away > far) & (away <= 2 * far) & amid, bool)


def _away(fill: BoolMask) -> FloatMap:
    return np.asarray(cv2.distanceTransform((~fill).astype(np.uint8), cv2.DIST_L2, 3), np.float32)
