"""How clean real clips come out of the engine, frame by frame: figures and a contact sheet for every clip of a folder.

    python benchmarks/real.py FOLDER [--only NAME,...] [--seconds 4] [--sheets OUT] [--json OUT/figures.json]

A clip `NAME.mp4` may have an exact twin without text, `NAME.clean.mp4`, and notes, `NAME.json`:

    {"options": {"artificial_text_only": false}, "any_script": true,
     "natural": [[x0, y0, x1, y1]], "natural_moving": [[first, x0, y0, x1, y1, last, x0, y0, x1, y1]],
     "all_natural": true, "ignore": [[x0, y0, x1, y1]], "marks": [[x0, y0, x1, y1]]}

`natural` are places (pixels) of text that belongs to the scene; moving places are interpolated between two frames, and
with a twin all text that both show is scene text too, but for `ignore`;
with `all_natural` nothing may change at all; `ignore` is neither. All other text in the source is an overlay, and so
are `marks`, places of text that is always on and that the detector may not find.

Printed per clip: `legible` share of looked-at frames in which overlay text can still be read; `stroke` correlation of
what remains in the letters' place with the letters (0 clean, 1 untouched); `missed` and `half` share of overlay lines
that were left or removed in part; `written` frames that show text their source doesn't; `natural` share of scene text
that was changed; `jumps` unexplained steps of a filled region's mean above 2 gray levels, and the largest; `outside`
luma PSNR where nothing was to be done; seconds a frame, and the time of a plain decode and encode as a share of it.
With a twin, for the engine and four simple methods: RGB PSNR and SSIM in the true mask, PSNR of the whole frame,
warping error (mean difference to the previous frame along the true motion, above that of the twin).
"""

from __future__ import annotations

import argparse
import difflib
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from preflight.engine import RemovalReport, remove_text
from preflight.engine.core.box import Box
from preflight.engine.detect import ocr
from preflight.model.job import RemovalOptions
from preflight.serialize import jsonable
from preflight.tools import ffmpeg

PROGRAM = ffmpeg.find()

LONG_SIDE = 960
"""Longer side that clips are limited to, samples: one core measures a clip in about a minute then."""
LOOK_EVERY = 5
"""Frames between two looks of the text detector."""
DETECT_SHORT_SIDE = 544
"""Shorter side at which the detector looks, samples: finds letters of 8 samples on clips of this size."""
READ_SCORE = 0.6
"""Mean confidence of the recogniser from which a line counts as legible; chosen, not measured."""
LEGIBLE_STROKE = 0.6
"""Correlation of what remains with the letters from which they count as legible; chosen, not measured."""
WRITTEN_SCORE = 0.8
"""Mean confidence of the recogniser from which a line in the output is text and no accident of texture."""
TRUE_DIFFERENCE = 20
"""Difference to the twin, gray levels of the worst channel, from which a sample is part of the text."""
CHANGED = 10
"""Difference between output and source, gray levels after a 3x3 mean, that coding alone doesn't make."""
SCENE_CHANGED = 0.02
"""Share of a place of scene text whose change is seen."""
FRAME_CHANGED = 0.0005
"""Share of a whole frame whose change is seen, where nothing may change."""
SEEN_JUMP = 2.0
"""Step of a region's mean between two frames that a person sees on a still scene, gray levels."""
SHEET_HEIGHT = 420
"""Most rows that a frame takes on a sheet."""
CUT = 22.0
"""Mean difference of consecutive source frames from which they are taken for different shots, gray levels."""

Picture = np.ndarray
"""Blue, green, red [H, W, 3], uint8."""
Mask = np.ndarray
"""True where something is [H, W], bool."""


@dataclass
class Clip:
    """A clip with what is known of it."""

    path: Path
    frames: list[Picture]
    rate: str
    notes: dict[str, Any]
    twin: list[Picture] | None = None


@dataclass
class Line:
    """A line of text on one frame: where and what."""

    box: Box
    text: str
    score: float


@dataclass
class Figures:
    """What was measured on one clip, and which frames were worst at what."""

    values: dict[str, float] = field(default_factory=dict)
    methods: dict[str, dict[str, float]] = field(default_factory=dict)
    worst: dict[int, str] = field(default_factory=dict)


# ---------------------------------------------------------------- reading


def probe(path: Path) -> tuple[int, int, str]:
    """Return width, height and frame rate of the first video stream."""
    shown = subprocess.run([PROGRAM, "-hide_banner", "-i", path], capture_output=True, text=True, check=False).stderr
    line = next(text for text in shown.splitlines() if "Video:" in text)
    size = next(
        part
        for part in line.replace(",", " ").split()
        if part.count("x") == 1 and part[0].isdigit() and part.replace("x", "").isdigit()
    )
    rate = next(part.strip().split()[0] for part in line.split(",") if part.strip().endswith(("fps", "fps (default)")))
    width, height = size.split("x")
    return int(width), int(height), rate


def read_frames(path: Path, seconds: float) -> list[Picture]:
    """Decode the first `seconds` of `path`."""
    width, height, _ = probe(path)
    argv = [
        PROGRAM,
        "-v",
        "error",
        "-nostdin",
        "-i",
        path,
        "-t",
        str(seconds),
        "-map",
        "0:v:0",
        "-fps_mode",
        "passthrough",
    ]
    argv += ["-pix_fmt", "bgr24", "-f", "rawvideo", "-"]
    data = subprocess.run(argv, capture_output=True, check=True).stdout
    return list(np.frombuffer(data, np.uint8).reshape(-1, height, width, 3))


def shorten(path: Path, seconds: float, folder: Path) -> Path:
    """Return `path`, or a nearly lossless copy cut to `seconds` and shrunk to `LONG_SIDE`."""
    width, height, _ = probe(path)
    scale = min(1.0, LONG_SIDE / max(width, height))
    size = f"{round(width * scale / 2) * 2}:{round(height * scale / 2) * 2}"
    target = folder / path.name
    argv = [PROGRAM, "-y", "-v", "error", "-nostdin", "-i", path, "-t", str(seconds), "-an", "-vf", f"scale={size}"]
    subprocess.run([*argv, "-c:v", "libx264", "-crf", "8", "-preset", "veryfast", target], check=True)
    return target


def open_clip(path: Path, seconds: float, folder: Path) -> Clip:
    """Read a clip, its twin and its notes."""
    notes = path.with_suffix(".json")
    short = shorten(path, seconds, folder)
    twin = path.with_name(f"{path.stem}.clean{path.suffix}")
    return Clip(
        path=short,
        frames=read_frames(short, seconds),
        rate=probe(short)[2],
        notes=json.loads(notes.read_text("utf-8")) if notes.exists() else {},
        twin=read_frames(shorten(twin, seconds, folder), seconds) if twin.exists() else None,
    )


# ---------------------------------------------------------------- seeing


def find_text(picture: Picture) -> list[Box]:
    """Return the lines that the detector finds."""
    height, width = picture.shape[:2]
    size = ocr.detection_size(width, height, DETECT_SHORT_SIDE)
    return ocr.find_lines(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), (width, height))


def read(picture: Picture, box: Box) -> Line:
    """Return what stands in a box."""
    height, width = picture.shape[:2]
    reading = ocr.read_line(picture[box.padded(2, width, height).slices])
    return Line(box, reading.text, reading.score)


def alike(one: str, other: str) -> float:
    """Return how similar two texts are, 0..1."""
    return difflib.SequenceMatcher(None, one, other).ratio()


def natural_places(notes: dict[str, Any], index: int) -> list[Box]:
    """Return the places of scene text on frame `index`."""
    places = [Box(*place) for place in notes.get("natural", [])]
    for first, *rest in notes.get("natural_moving", []):
        begin, last, end = rest[:4], rest[4], rest[5:]
        if first <= index <= last:
            share = (index - first) / max(1, last - first)
            places.append(Box(*(round(a + (b - a) * share) for a, b in zip(begin, end, strict=True))))
    return places


def is_overlay(box: Box, index: int, notes: dict[str, Any], true: Mask | None) -> bool:
    """Tell whether text found on the source is an overlay: by the twin where there is one, else by the notes."""
    if notes.get("all_natural"):
        return False
    if true is not None:
        return float(true[box.slices].mean()) > 0.05
    others = natural_places(notes, index) + [Box(*place) for place in notes.get("ignore", [])]
    return all(box.common(other) < 0.4 * box.area for other in others)


def true_masks(clip: Clip) -> list[Mask] | None:
    """Return where a clip differs from its twin, frame by frame."""
    if clip.twin is None:
        return None
    masks = []
    for shown, clean in zip(clip.frames, clip.twin, strict=False):
        off = cv2.GaussianBlur(cv2.absdiff(shown, clean), (3, 3), 0).max(axis=2)
        core = cv2.morphologyEx((off > TRUE_DIFFERENCE).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        masks.append(cv2.dilate(core, np.ones((3, 3), np.uint8)) > 0)
    return masks


# ---------------------------------------------------------------- measuring without truth


def stroke_correlation(before: Picture, after: Picture, box: Box) -> float:
    """Return how much what remains in a line's place looks like its letters: correlation of the two high passes."""
    gray = [cv2.cvtColor(p[box.slices], cv2.COLOR_BGR2GRAY).astype(np.float32) for p in (before, after)]
    size = max(3, box.text_height // 2 * 2 + 1)
    high = [g - cv2.blur(g, (size, size)) for g in gray]
    strokes = np.abs(high[0]) > max(8.0, float(np.abs(high[0]).std()))
    strokes = cv2.dilate(strokes.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    a, b = high[0][strokes], high[1][strokes]
    if a.size < 8 or a.std() < 1:
        return 0.0
    # Relative to the letters' own contrast, so that faint accidental likeness counts for little.
    return float(np.clip(((a - a.mean()) * (b - b.mean())).mean() / a.var(), -1, 1))


def removed_share(before: Picture, after: Picture, box: Box) -> float:
    """Return the share of a line's columns with strokes in which the strokes have changed."""
    gray = [cv2.cvtColor(p[box.slices], cv2.COLOR_BGR2GRAY).astype(np.float32) for p in (before, after)]
    if box.height > 1.5 * box.width:
        gray = [g.T for g in gray]
    size = max(3, box.text_height // 2 * 2 + 1)
    high = np.abs(gray[0] - cv2.blur(gray[0], (size, size)))
    strokes = high > max(12.0, float(high.mean()))
    count = strokes.sum(axis=0)
    columns = count >= 2
    if not columns.any():
        return 1.0
    change = (np.abs(gray[0] - gray[1]) * strokes).sum(axis=0)[columns] / count[columns]
    contrast = (high * strokes).sum(axis=0)[columns] / count[columns]
    return float((change > 0.35 * contrast).mean())


@dataclass
class Tally:
    """Counts over the frames that were looked at."""

    frames: int = 0
    with_text: int = 0
    legible: int = 0
    written: int = 0
    missed: int = 0
    half: int = 0
    strokes: list[float] = field(default_factory=list)
    scene: list[bool] = field(default_factory=list)


def look(clip: Clip, output: list[Picture], masks: list[Mask] | None, figures: Figures) -> None:
    """Measure what can be read on the output and what has become of each line of the source."""
    tally = Tally()
    for index in range(0, min(len(clip.frames), len(output)), LOOK_EVERY):
        before, after, left = clip.frames[index], output[index], find_text(output[index])
        overlay, scene = sort_lines(clip, index, masks)
        tally.frames += 1
        tally.with_text += bool(overlay)
        readable = [look_at_line(before, after, box, left, tally, figures, index) for box in overlay]
        tally.legible += any(readable)
        tally.written += any(writes(before, after, box, figures, index) for box in left)
        changed = change_of(before, after)
        for box in scene:
            tally.scene.append(bool(changed[box.slices].mean() > SCENE_CHANGED))
            if tally.scene[-1]:
                note(figures, index, "scene text changed")
    lines = len(tally.strokes)
    figures.values |= {
        "legible": tally.legible / max(1, tally.with_text),
        "stroke": float(np.mean(tally.strokes or [0.0])),
        "missed": tally.missed / max(1, lines),
        "half": tally.half / max(1, lines),
        "lines": float(lines),
        "written": tally.written / max(1, tally.frames),
    }
    if tally.scene:
        figures.values["natural"] = float(np.mean(tally.scene))


def sort_lines(clip: Clip, index: int, masks: list[Mask] | None) -> tuple[list[Box], list[Box]]:
    """Return the lines of overlay text on a source frame and, where a twin tells, those of scene text."""
    marks = [Box(*place) for place in clip.notes.get("marks", [])]
    found = [box for box in find_text(clip.frames[index]) if all(box.common(m) < 0.5 * box.area for m in marks)]
    overlay = [box for box in found if is_overlay(box, index, clip.notes, masks[index] if masks else None)]
    ignored = [Box(*place) for place in clip.notes.get("ignore", [])]
    rest = [box for box in found if box not in overlay and all(box.common(o) < 0.4 * box.area for o in ignored)]
    return overlay + marks, rest if masks else []


def look_at_line(
    before: Picture, after: Picture, box: Box, left: list[Box], tally: Tally, figures: Figures, index: int
) -> bool:
    """Count what has become of a line of overlay text; return True when it can still be read."""
    share, stroke = removed_share(before, after, box), stroke_correlation(before, after, box)
    half = 0.1 <= share < 0.85
    tally.missed += share < 0.1
    tally.half += half
    tally.strokes.append(stroke)
    if stroke > 0.25 or half:
        note(figures, index, f"residue {stroke:.2f} of '{read(before, box).text[:18]}'")
    # What the recogniser has no letters for is legible all the same when it stands as it was.
    readable = stroke > LEGIBLE_STROKE
    for other in left:
        if other.common(box) > 0.3 * min(other.area, box.area):
            now = read(after, other)
            readable |= len(now.text) >= 2 and now.score > READ_SCORE
    return readable


def writes(before: Picture, after: Picture, box: Box, figures: Figures, index: int) -> bool:
    """Return True when a line of the output shows text that the source doesn't show there."""
    now = read(after, box)
    if len(now.text) < 2 or now.score < WRITTEN_SCORE:
        return False
    was = read(before, box)
    changed = float((cv2.absdiff(before[box.slices], after[box.slices]).max(axis=2) > 3 * CHANGED).mean())
    other = was.score < READ_SCORE or alike(was.text, now.text) < 0.34
    if changed < 0.03 or not other or is_inside(now.text, was.text):
        return False
    note(figures, index, f"writes '{now.text[:18]}'")
    return True


def is_inside(part: str, text: str) -> bool:
    """Tell whether all letters of `part` come one after another in `text`, as in what is left of a line."""
    rest = iter(text)
    return all(letter in rest for letter in part)


def note(figures: Figures, index: int, reason: str) -> None:
    """Remember why a frame is worth showing."""
    figures.worst.setdefault(index, reason)


def change_of(before: Picture, after: Picture) -> Mask:
    """Return what was changed on a frame."""
    off = cv2.blur(cv2.absdiff(before, after), (3, 3)).max(axis=2)
    return off > CHANGED


def scene_text(clip: Clip, output: list[Picture], figures: Figures) -> None:
    """Measure the share of scene text, over all frames, in which more than 2 % of the samples were changed."""
    touched = places = 0
    for index, (before, after) in enumerate(zip(clip.frames, output, strict=False)):
        height, width = before.shape[:2]
        boxes = [Box(0, 0, width, height)] if clip.notes.get("all_natural") else natural_places(clip.notes, index)
        changed = change_of(before, after) if boxes else None
        for box in boxes:
            places += 1
            limit = FRAME_CHANGED if clip.notes.get("all_natural") else SCENE_CHANGED
            if changed is not None and changed[box.slices].mean() > limit:
                touched += 1
                if touched % 20 == 1:
                    note(figures, index, "scene text changed")
    if places or "natural" not in figures.values:
        figures.values["natural"] = touched / places if places else math.nan


def jumps(clip: Clip, output: list[Picture], figures: Figures) -> None:
    """Count steps of the mean of a filled region that the ring around it doesn't show in the source."""
    count, largest = 0, 0.0
    grays = [
        [cv2.cvtColor(p, cv2.COLOR_BGR2GRAY).astype(np.float32) for p in pair]
        for pair in zip(clip.frames, output, strict=False)
    ]
    previous: Mask | None = None
    for index, (source, result) in enumerate(grays):
        mask = change_of(clip.frames[index], output[index])
        if previous is not None:
            old_source, old_result = grays[index - 1]
            if float(np.abs(source - old_source).mean()) < CUT:
                step = largest_step(mask & previous, (old_source, source), (old_result, result))
                if step > SEEN_JUMP:
                    count += 1
                    note(figures, index, f"jump {step:.0f}") if step > max(6.0, largest) else None
                largest = max(largest, step)
        previous = mask
    figures.values |= {"jumps": float(count), "largest": largest}


def largest_step(mask: Mask, source: tuple[np.ndarray, np.ndarray], result: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the largest unexplained step of any filled region between two frames, gray levels."""
    joined = cv2.dilate(mask.astype(np.uint8), np.ones((9, 25), np.uint8))
    number, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    largest = 0.0
    for label in range(1, number):
        x, y, w, h, _ = (int(v) for v in stats[label])
        y0, y1, x0, x1 = max(0, y - 12), y + h + 12, max(0, x - 12), x + w + 12
        region = labels[y0:y1, x0:x1] == label
        inside = region & mask[y0:y1, x0:x1]
        if inside.sum() < 150:
            continue
        ring = (cv2.dilate(region.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0) & ~region
        if ring.sum() < 50:
            continue
        step = (result[1] - result[0])[y0:y1, x0:x1][inside].mean()
        beside = (source[1] - source[0])[y0:y1, x0:x1][ring]
        # A scene that moves shows other things: steps up to the spread of what moves beside are explained.
        largest = max(largest, abs(float(step - beside.mean())) - float(np.abs(beside).mean()))
    return largest


def outside(clip: Clip, output: list[Picture], masks: list[Mask] | None, boxes: list[tuple[int, int, Box]]) -> float:
    """Return the luma PSNR of the output where neither text nor a track of the report is near."""
    error, samples = 0.0, 0
    for index, (before, after) in enumerate(zip(clip.frames, output, strict=False)):
        if index % LOOK_EVERY:
            continue
        height, width = before.shape[:2]
        free = np.ones((height, width), bool)
        for first, last, box in boxes:
            if first <= index <= last:
                free[box.padded(24, width, height).slices] = False
        for box in find_text(before):
            free[box.padded(16, width, height).slices] = False
        if masks:
            free &= cv2.dilate(masks[index].astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
        gray = [cv2.cvtColor(p, cv2.COLOR_BGR2GRAY).astype(np.float32) for p in (before, after)]
        error += float(((gray[0] - gray[1])[free] ** 2).sum())
        samples += int(free.sum())
    return psnr(error, samples)


# ---------------------------------------------------------------- measuring against the twin


def psnr(error: float, samples: int) -> float:
    """Return the peak signal-to-noise ratio of a sum of squared errors, dB."""
    return 10 * math.log10(255**2 / max(1e-4, error / max(1, samples)))


def similarity_map(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the SSIM of two gray pictures at every sample (Wang et al. 2004: Gaussian window of 1.5)."""
    x, y = one.astype(np.float32), other.astype(np.float32)
    mx, my = (cv2.GaussianBlur(z, (11, 11), 1.5) for z in (x, y))
    vx, vy, vxy = (
        cv2.GaussianBlur(a * b, (11, 11), 1.5) - c for a, b, c in ((x, x, mx * mx), (y, y, my * my), (x, y, mx * my))
    )
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    result: np.ndarray = ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return result


def mask_boxes(mask: Mask) -> list[Box]:
    """Return boxes around the lines of a mask."""
    height, width = mask.shape
    joined = cv2.dilate(mask.astype(np.uint8), np.ones((9, 41), np.uint8))
    number, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    boxes = []
    for label in range(1, number):
        x, y, w, h, area = (int(v) for v in stats[label])
        if area > 600:
            boxes.append(Box(max(0, x + 14), max(0, y), min(width, x + w - 14), min(height, y + h)))
    return boxes


def telea(picture: Picture, mask: Mask) -> Picture:
    """Fill a mask by Telea's method."""
    result: Picture = picture.copy()
    for box in mask_boxes(mask) if mask.mean() < 0.3 else []:
        part = box.padded(24, picture.shape[1], picture.shape[0]).slices
        result[part] = cv2.inpaint(result[part], mask[part].astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return result


def box_telea(picture: Picture, mask: Mask) -> Picture:
    """Fill whole boxes by Telea's method."""
    boxes = np.zeros_like(mask)
    for box in mask_boxes(mask):
        boxes[box.padded(4, mask.shape[1], mask.shape[0]).slices] = True
    return telea(picture, boxes)


def delogo(picture: Picture, mask: Mask) -> Picture:
    """Interpolate whole boxes from their four borders: like ffmpeg's delogo filter, not exactly the same."""
    result = picture.copy()
    height, width = mask.shape
    for box in mask_boxes(mask):
        x0, y0, x1, y1 = max(1, box.x0 - 4), max(1, box.y0 - 4), min(width - 2, box.x1 + 4), min(height - 2, box.y1 + 4)
        across = np.linspace(0, 1, x1 - x0, dtype=np.float32)[None, :, None]
        down = np.linspace(0, 1, y1 - y0, dtype=np.float32)[:, None, None]
        picture32 = picture.astype(np.float32)
        sides = picture32[y0:y1, x0 - 1][:, None] * (1 - across) + picture32[y0:y1, x1][:, None] * across
        ends = picture32[y0 - 1, x0:x1][None] * (1 - down) + picture32[y1, x0:x1][None] * down
        near_side, near_end = np.minimum(across, 1 - across) * (x1 - x0), np.minimum(down, 1 - down) * (y1 - y0)
        weight = (near_end + 1) / (near_side + near_end + 2)
        result[y0:y1, x0:x1] = np.clip(sides * weight + ends * (1 - weight), 0, 255).astype(np.uint8)
    return result


def compare(clip: Clip, output: list[Picture], masks: list[Mask], figures: Figures) -> None:
    """Measure the engine and four simple methods against the twin."""
    assert clip.twin is not None
    methods: dict[str, Callable[[int], Picture]] = {
        "engine": lambda i: output[i],
        "nothing": lambda i: clip.frames[i],
        "box telea": lambda i: box_telea(clip.frames[i], masks[i]),
        "delogo": lambda i: delogo(clip.frames[i], masks[i]),
        "true telea": lambda i: telea(clip.frames[i], masks[i]),
    }
    count = min(len(output), len(clip.twin), len(clip.frames))
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    sums = {name: np.zeros(6) for name in methods}
    similar: dict[str, list[float]] = {name: [] for name in methods}
    old: dict[str, Picture] = {}
    own: list[tuple[float, int]] = []
    for index in range(count):
        mask, clean = masks[index], clip.twin[index]
        shown = mask.any()
        pictures = {
            name: method(index) if shown else (output[index] if name == "engine" else clip.frames[index])
            for name, method in methods.items()
        }
        gray = cv2.cvtColor(clean, cv2.COLOR_BGR2GRAY)
        field_ = None
        if index and shown:
            before = cv2.cvtColor(clip.twin[index - 1], cv2.COLOR_BGR2GRAY)
            if float(cv2.absdiff(gray, before).mean()) < CUT:
                motion = flow.calc(gray, before, None)
                grid = np.dstack(np.meshgrid(np.arange(gray.shape[1]), np.arange(gray.shape[0]))).astype(np.float32)
                field_ = grid + motion
                true_error = np.abs(
                    clean.astype(np.float32) - cv2.remap(clip.twin[index - 1], field_, None, cv2.INTER_LINEAR)
                )[mask].mean()
        for name, picture in pictures.items():
            off = (picture.astype(np.float32) - clean) ** 2
            sums[name][:4] += (float(off[mask].sum()), mask.sum() * 3, float(off.sum()), off.size)
            if shown and index % 3 == 0:
                rows, columns = np.nonzero(mask)
                part = np.s_[max(0, rows.min() - 8) : rows.max() + 9, max(0, columns.min() - 8) : columns.max() + 9]
                values = similarity_map(cv2.cvtColor(picture[part], cv2.COLOR_BGR2GRAY), gray[part])
                similar[name].append(float(values[mask[part]].mean()))
            if name == "engine" and shown:
                own.append((float(off[mask].mean()), index))
            if field_ is not None and name in old:
                warped = cv2.remap(old[name], field_, None, cv2.INTER_LINEAR)
                error = np.abs(picture.astype(np.float32) - warped)[mask].mean() - true_error
                sums[name][4:] += (max(0.0, float(error)), 1)
        old = pictures
    for name, total in sums.items():
        figures.methods[name] = {
            "psnr": psnr(total[0], int(total[1])),
            "ssim": float(np.mean(similar[name] or [0.0])),
            "whole": psnr(total[2], int(total[3])),
            "warp": total[4] / max(1, total[5]),
        }
    for error, index in sorted(own, reverse=True)[:2]:
        figures.worst[index] = f"worst {psnr(error, 1):.0f} dB"


# ---------------------------------------------------------------- drawing


def chosen_frames(figures: Figures, count: int, most: int = 6) -> dict[int, str]:
    """Return the frames to draw and why: three spread over the clip, then the worst, apart from each other."""
    chosen = {count // 8: "", count // 2: "", count - 1 - count // 8: ""}
    order = sorted(figures.worst.items(), key=lambda item: (not item[1].startswith(("writes", "worst")), item[0]))
    for index, reason in order:
        if len(chosen) >= most:
            break
        if index < count and (index in chosen or all(abs(index - other) > count // 15 for other in chosen)):
            chosen[index] = reason
    return dict(sorted(chosen.items()))


def draw_sheet(clip: Clip, output: list[Picture], figures: Figures, path: Path) -> None:
    """Draw before, after, difference and, where there is one, the twin, a row for every chosen frame."""
    rows = []
    portrait = clip.frames[0].shape[0] > clip.frames[0].shape[1]
    for index, reason in chosen_frames(figures, min(len(clip.frames), len(output))).items():
        before, after = clip.frames[index], output[index]
        panels = [before, after, np.clip(cv2.absdiff(before, after).astype(np.int32) * 3, 0, 255).astype(np.uint8)]
        if clip.twin is not None:
            panels.append(clip.twin[index])
        width = min(560 if clip.twin is None else 480, round(SHEET_HEIGHT * before.shape[1] / before.shape[0]))
        height = round(before.shape[0] * width / before.shape[1])
        row = np.hstack([cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA) for p in panels])
        label = np.zeros((18, row.shape[1], 3), np.uint8)
        # The drawing font has no letters outside ASCII.
        text = f"{index}: {reason}".encode("ascii", "replace").decode()
        cv2.putText(label, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 255, 255), 1)
        rows.append(np.vstack([label, row]))
    title = np.zeros((20, rows[0].shape[1], 3), np.uint8)
    text = " ".join(f"{name} {value:.2f}" for name, value in figures.values.items())
    cv2.putText(title, f"{path.stem}: {text}", (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1)
    if portrait and len(rows) > 3:
        rows += [np.zeros_like(rows[-1])] * (len(rows) % 2)
        pairs = [np.hstack(rows[i : i + 2]) for i in range(0, len(rows), 2)]
        title = np.zeros((20, pairs[0].shape[1], 3), np.uint8)
        cv2.putText(title, f"{path.stem}: {text}", (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1)
        rows = pairs
    cv2.imwrite(str(path), np.vstack([title, *rows]))


# ---------------------------------------------------------------- running


def plain_seconds(path: Path, folder: Path) -> float:
    """Return how long ffmpeg takes to decode and encode a clip as the engine does."""
    begun = time.monotonic()
    argv = [
        PROGRAM,
        "-y",
        "-v",
        "error",
        "-nostdin",
        "-i",
        path,
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        "16",
    ]
    subprocess.run([*argv, folder / "plain.mp4"], check=True)
    return time.monotonic() - begun


def report_boxes(report: RemovalReport) -> list[tuple[int, int, Box]]:
    """Return first frame, last frame and place of the removed texts."""
    return [(item.track.first_frame, item.track.last_frame, Box(*item.track.box)) for item in report.removed]


def measure(path: Path, arguments: argparse.Namespace, folder: Path) -> Figures:
    """Run the removal on one clip, measure it and draw its sheet."""
    clip = open_clip(path, arguments.seconds, folder)
    figures = Figures()
    result = folder / f"{path.stem}.out.mp4"
    begun = time.monotonic()
    report = remove_text(
        clip.path,
        result,
        RemovalOptions(**clip.notes.get("options", {})),
        ffmpeg=PROGRAM,
        processes=arguments.processes,
        any_script=clip.notes.get("any_script", True),
    )
    took = time.monotonic() - begun
    output = read_frames(result, arguments.seconds)
    masks = true_masks(clip)
    look(clip, output, masks, figures)
    scene_text(clip, output, figures)
    jumps(clip, output, figures)
    figures.values["outside"] = outside(clip, output, masks, report_boxes(report))
    figures.values["s/frame"] = took / len(clip.frames)
    figures.values["speed"] = plain_seconds(clip.path, folder) / took
    if masks is not None:
        compare(clip, output, masks, figures)
    draw_sheet(clip, output, figures, arguments.sheets / f"{path.stem}.png")
    if arguments.keep:
        result.replace(arguments.sheets / f"{path.stem}.out.mp4")
        (arguments.sheets / f"{path.stem}.report.json").write_text(
            json.dumps(jsonable(report), ensure_ascii=False, indent=1)
        )
    return figures


def clips_of(folder: Path, only: str | None) -> Iterator[Path]:
    """Yield the clips of a folder that are no twins."""
    for path in sorted(folder.iterdir()):
        is_clip = path.suffix in {".mp4", ".mkv", ".webm", ".mov"} and not path.stem.endswith(".clean")
        if is_clip and (only is None or path.stem in only.split(",")):
            yield path


def show(name: str, values: dict[str, float]) -> None:
    """Print one row of figures."""
    print(f"  {name:12} " + "  ".join(f"{key} {value:.2f}" for key, value in values.items()), flush=True)


def main() -> None:
    """Measure the clips of a folder and print their figures and their means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="names of clips, separated by commas")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--sheets", type=Path, help="folder for the sheets; FOLDER/sheets unless given")
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--keep", action="store_true", help="keep outputs and reports beside the sheets")
    arguments = parser.parse_args()
    arguments.sheets = arguments.sheets or arguments.folder / "sheets"
    arguments.sheets.mkdir(parents=True, exist_ok=True)
    every: dict[str, Figures] = {}
    for path in clips_of(arguments.folder, arguments.only):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                figures = measure(path, arguments, Path(scratch))
            except Exception as error:  # noqa: BLE001 - one clip that fails is told, and the others are measured
                print(f"{path.stem}\n  failed: {type(error).__name__}: {error}", flush=True)
                continue
        every[path.stem] = figures
        print(path.stem)
        show("engine", figures.values)
        for name, row in figures.methods.items():
            show(name, row)
        if arguments.json:
            data = {name: {"values": f.values, "methods": f.methods} for name, f in every.items()}
            arguments.json.write_text(json.dumps(data, indent=1))
    summarise(every)


def summarise(every: dict[str, Figures]) -> None:
    """Print the means over all clips."""
    if not every:
        return
    print(f"mean of {len(every)} clips")
    names = list(next(iter(every.values())).values)
    show("engine", {n: float(np.nanmean([f.values.get(n, math.nan) for f in every.values()])) for n in names})
    pairs = [f.methods for f in every.values() if f.methods]
    for method in pairs[0] if pairs else ():
        show(method, {n: float(np.mean([p[method][n] for p in pairs])) for n in pairs[0][method]})


if __name__ == "__main__":
    main()
