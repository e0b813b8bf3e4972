"""Masks of a region of a frame, rasterised from the tracks that are on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from preflight.engine.alpha.matte import AlphaMatte, to_uint8, unblend
from preflight.engine.alpha.translucent_box import TranslucentBox
from preflight.engine.core.arrays import BoolMask, YCbCr
from preflight.engine.core.box import Box
from preflight.engine.core.harmonic_fill import harmonic_inpaint
from preflight.engine.model.track import Track

MAX_WIDENING = 2
"""Steps by which masks can be widened: first around the strokes, then to the whole line."""


def rasterize(
    tracks: Iterable[Track], index: int, region: Box, widened: int = 0, *, hidden: bool = False, core: bool = False
) -> BoolMask:
    """Return the mask [H, W] of a region on one frame.

    Args:
        tracks: the tracks.
        index: the frame.
        region: the region, in pixels of the frame.
        widened: steps by which each track's mask is widened at least, 0 to `MAX_WIDENING`.
        hidden: return what can't be a donor on this frame: also what lasting tracks cover on other frames, but no
            letters on plates, since these are filled first.
        core: leave out the rims, which show the scene.
    """
    mask = np.zeros((region.height, region.width), bool)
    for track in tracks:
        if not (track.first <= index <= track.last or (hidden and track.lasting)):
            continue
        steps = max(widened, track.widening)
        own = track.core_on(index) if core and not steps else widened_mask(track, index, steps)
        plate = track.plate_on(index)
        if hidden and plate is not None:
            own = own & ~plate
        mask |= place_mask(region, track.box_on(index), own)
    return mask


def changed_mask(tracks: Iterable[Track], index: int, region: Box, widened: int = 0) -> BoolMask:
    """Return where the result may differ from the source: the mask of a region, and what is under what is unblended."""
    tracks = tuple(tracks)
    mask = rasterize(tracks, index, region, widened)
    for _, area, _ in _translucent_boxes(tracks, index, region):
        mask |= area
    for _, area in _films(tracks, index, region):
        mask |= area
    return mask


def has_plates(tracks: Iterable[Track], index: int) -> bool:
    """Return True when a frame has what is removed before all else: faint marks, translucent boxes, text on plates."""
    return any(
        track.plate_on(index) is not None
        or ((track.masks.translucent is not None or track.masks.film is not None) and track.is_on(index))
        for track in tracks
    )


def without_plates(crop: YCbCr, tracks: Iterable[Track], index: int, region: Box) -> YCbCr:
    """Return a region of a frame (YCbCr) without faint marks, translucent boxes and letters on plates."""
    tracks = tuple(tracks)
    for matte, area in _films(tracks, index, region):
        crop = np.where(area[..., None], to_uint8(unblend(crop, matte).scene), crop)
    for translucent, area, number in _translucent_boxes(tracks, index, region):
        crop = np.where(area[..., None], to_uint8(unblend(crop, translucent.matte(number, area.shape)).scene), crop)
    for track in tracks:
        ground = track.plate_on(index)
        if ground is not None:
            letters = track.masks.usual & ground
            crop = _on_plate(crop, *(place_mask(region, track.box_on(index), own) for own in (letters, ground)))
    return crop


def _on_plate(crop: YCbCr, letters: BoolMask, plate: BoolMask) -> YCbCr:
    """Return a region with letters filled from the plate around them, as this frame shows it."""
    x, y, width, height = cv2.boundingRect(plate.astype(np.uint8))
    part = slice(y, y + height), slice(x, x + width)
    own, known = letters[part], plate[part] & ~letters[part]
    if not own.any():
        return crop
    result = crop.copy()
    if not known.any():
        # Letters cover less of a plate than its ground does, so the median is the ground's colour.
        result[part][own] = np.median(crop[part][plate[part]], axis=0).astype(np.uint8)
        return result
    filled = harmonic_inpaint(crop[part].astype(np.float32), ~known)
    result[part][own] = np.clip(np.rint(filled[own]), 0, 255).astype(np.uint8)
    return result


def _translucent_boxes(
    tracks: Iterable[Track], index: int, region: Box
) -> Iterator[tuple[TranslucentBox, BoolMask, int]]:
    """Yield the translucent boxes on a frame, with their area in the region and the number of their frame."""
    for track in tracks:
        if track.masks.translucent is not None and track.first <= index <= track.last:
            yield (
                track.masks.translucent,
                place_mask(region, track.box_on(index), track.masks.translucent.area),
                index - track.first,
            )


def _films(tracks: Iterable[Track], index: int, region: Box) -> Iterator[tuple[AlphaMatte, BoolMask]]:
    """Yield the mattes of faint marks on a frame, at the size of the region, with what they cover of it."""
    for track in tracks:
        film = track.masks.film
        if film is None or not track.is_on(index):
            continue
        box, shape = track.box_on(index), (region.height, region.width)
        part = box.moved(-region.x0, -region.y0)
        inside = Box(max(0, part.x0), max(0, part.y0), min(region.width, part.x1), min(region.height, part.y1))
        if inside.x0 >= inside.x1 or inside.y0 >= inside.y1:
            continue
        own = inside.moved(-part.x0, -part.y0)
        transmittance, premultiplied = np.ones(shape, np.float32), np.zeros((*shape, 3), np.float32)
        transmittance[inside.slices] = film.transmittance[own.slices]
        premultiplied[inside.slices] = film.premultiplied[own.slices]
        yield AlphaMatte(transmittance, premultiplied, film.noise), transmittance < 1


def place_mask(region: Box, box: Box, own: BoolMask) -> BoolMask:
    """Return the mask `own` of `box` as a mask of `region`, [H, W]."""
    mask = np.zeros((region.height, region.width), bool)
    x0, y0, x1, y1 = max(box.x0, region.x0), max(box.y0, region.y0), min(box.x1, region.x1), min(box.y1, region.y1)
    if x0 < x1 and y0 < y1:
        part = own[y0 - box.y0 : y1 - box.y0, x0 - box.x0 : x1 - box.x0]
        mask[y0 - region.y0 : y1 - region.y0, x0 - region.x0 : x1 - region.x0] = part
    return mask


def widened_mask(track: Track, index: int, widened: int) -> BoolMask:
    """Return a track's mask on frame `index`, widened 0, 1 or 2 times."""
    mask = track.mask_on(index)
    if widened == 0:
        return mask
    if widened == 1:
        size = 2 * max(2, track.line.text_height // 8) + 1
        grown = cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
        return np.asarray(grown > 0, bool)
    whole = np.zeros(mask.shape, bool)
    pad = max(2, track.line.text_height // 8)
    line = track.line.moved(-track.box.x0, -track.box.y0)
    whole[max(0, line.y0 - pad) : line.y1 + pad, max(0, line.x0 - pad) : line.x1 + pad] = True
    return mask | whole


def chroma_mask(mask: BoolMask) -> BoolMask:
    """Return the half-size mask of chroma samples that any masked luma sample shares; sides must be even."""
    height, width = mask.shape
    blocks = mask.reshape(height // 2, 2, width // 2, 2)
    return np.asarray(blocks.max(axis=(1, 3)), bool)
