"""How well the engine removes text, beside what else a CPU can do, on clean clips named on the command line.

    python benchmarks/engine.py CLIP... [--mode subtitles,always,difficult,marks,fades] [--seconds 8] [--height 480]

Text of many styles is burned into each clip, so the truth is known. Printed for each method: PSNR inside the text,
SSIM in its box, flicker (mean |change(out) - change(truth)| inside the text), captions that OCR still finds; for ours
also the luma PSNR outside the masks, frames per second of the whole run and the peak memory of all its processes.
"""

from __future__ import annotations

import argparse
import difflib
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from fixtures import burned
from preflight.engine.classify.selection import select_tracks as chosen_tracks
from preflight.engine.core.box import Box
from preflight.engine.detect import ocr
from preflight.engine.graphics import box_detection
from preflight.engine.media.decode import Frame, decode
from preflight.engine.media.probe import Source, inspect
from preflight.engine.model.rasterize import changed_mask
from preflight.engine.model.track import Track
from preflight.engine.parallel.pool import workers
from preflight.engine.pipeline import remove_text, scan
from preflight.engine.types import RemovalReport
from preflight.model.job import RemovalOptions
from preflight.serialize import jsonable
from preflight.tools import ffmpeg

PROGRAM = ffmpeg.find()


@dataclass
class Score:
    """Sums of one method over a clip."""

    error: float = 0.0
    samples: int = 0
    ssim: list[float] = field(default_factory=list)
    change: float = 0.0
    changes: int = 0
    outside: float = 0.0
    outside_samples: int = 0
    left: set[str] = field(default_factory=set)
    before: np.ndarray | None = None

    @property
    def psnr(self) -> float:
        return 10 * math.log10(255**2 / max(1e-6, self.error / max(1, self.samples)))

    @property
    def outside_psnr(self) -> float:
        return 10 * math.log10(255**2 / max(1e-6, self.outside / max(1, self.outside_samples)))

    @property
    def flicker(self) -> float:
        return self.change / max(1, self.changes)


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """SSIM of two gray pictures (Wang et al. 2004: 11x11 Gaussian window of 1.5)."""
    x, y = a.astype(np.float64), b.astype(np.float64)

    def blur(z: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(z, (11, 11), 1.5)

    mx, my = blur(x), blur(y)
    vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float((((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))).mean())


def whole(frame: Frame) -> np.ndarray:
    height, width = frame.y.shape
    return frame.color(Box(0, 0, width // 2 * 2, height // 2 * 2))


def judge(
    score: Score, out: np.ndarray, truth: np.ndarray, mask: np.ndarray, number: int, previous: tuple | None
) -> None:
    rows, columns = np.nonzero(mask)
    top, bottom, left, right = max(0, rows.min() - 8), rows.max() + 9, max(0, columns.min() - 8), columns.max() + 9
    off = out[rows, columns].astype(np.float32) - truth[rows, columns]
    score.error += float((off**2).sum())
    score.samples += off.size
    if number % 3 == 0:
        gray = [cv2.cvtColor(p[top:bottom, left:right], cv2.COLOR_BGR2GRAY) for p in (out, truth)]
        score.ssim.append(similarity(*gray))
    if previous is not None and score.before is not None:
        both = mask & previous[1]
        if both.any():
            moved = (out[both].astype(np.float32) - score.before[both]) - (
                truth[both].astype(np.float32) - previous[0][both]
            )
            score.change += float(np.abs(moved).sum())
            score.changes += moved.size
    score.before = out


def residue(score: Score, out: np.ndarray, mask: np.ndarray, shown: list[str]) -> None:
    """Note the captions that OCR can still read inside the text's place."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask)
    place = Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1).padded(
        24, width, height
    )
    part = out[place.slices]
    size = (-(-place.width // 32) * 32, -(-place.height // 32) * 32)
    for line in ocr.find_lines(cv2.resize(part, size), (place.width, place.height)):
        reading = ocr.read_line(part[line.padded(2, place.width, place.height).slices])
        for text in shown:
            if len(reading.text) >= 2 and difflib.SequenceMatcher(None, reading.text, text).ratio() > 0.4:
                score.left.add(text)


class Memory(threading.Thread):
    """Peak of the sum of resident memory of this process and all below it, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.stop = 0.0, threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.2):
            self.peak = max(self.peak, tree_memory(os.getpid()))


def tree_memory(root: int) -> float:
    parents, sizes = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "status").read_text()
            except OSError:
                continue
            parent, size = re.search(r"PPid:\s+(\d+)", text), re.search(r"VmRSS:\s+(\d+)", text)
            parents[int(entry.name)], sizes[int(entry.name)] = (
                int(parent[1]) if parent else 0,
                int(size[1]) if size else 0,
            )
    total, todo = 0, [root]
    while todo:
        pid = todo.pop()
        total += sizes.get(pid, 0)
        todo += [child for child, parent in parents.items() if parent == pid]
    return total / 1024


def delogo(truth: burned.Burned, boxes: list[tuple[float, float, Box]], size: tuple[int, int], out: Path) -> None:
    filters = []
    for start, end, box in boxes:
        x, y = max(1, box.x0), max(1, box.y0)
        shape = f"x={x}:y={y}:w={min(size[0] - 1, box.x1) - x}:h={min(size[1] - 1, box.y1) - y}"
        filters.append(f"delogo={shape}:enable='between(t,{start:.3f},{end:.3f})'")
    chain = ",".join(filters)
    subprocess.run(
        [
            PROGRAM,
            "-y",
            "-v",
            "error",
            "-i",
            truth.captioned,
            "-vf",
            chain or "null",
            "-c:v",
            "libx264",
            "-qp",
            "0",
            "-preset",
            "ultrafast",
            out,
        ],
        check=True,
    )


def run_clip(clip: Path, mode: str, folder: Path, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    source = inspect(clip, PROGRAM)
    width, height = source.upright
    scale = min(1.0, arguments.height / min(width, height))
    size = (round(width * scale / 2) * 2, round(height * scale / 2) * 2)
    length = min(arguments.seconds, float(source.duration or arguments.seconds))
    truth = burned.make(clip, folder, mode=mode, seconds=length, size=size, rate=str(source.rate))
    facts = inspect(truth.captioned, PROGRAM)
    out = folder / f"{clip.stem}-{mode}-ours.mp4"
    memory = Memory()
    memory.start()
    begun = time.monotonic()
    options = RemovalOptions(color_blocks=mode == "difficult")
    report = remove_text(truth.captioned, out, options, program=PROGRAM)
    took = time.monotonic() - begun
    memory.stop.set()
    with workers() as pool:
        tracks, times, motion, _ = scan(facts, PROGRAM, pool, lambda _: None)
    chosen = chosen_tracks(tracks, options)
    if options.color_blocks:
        chosen += box_detection.detect_backing_boxes(
            chosen, decode(facts, PROGRAM, stop=box_detection.last_frame_needed(chosen)), motion, size
        )
    boxes = [
        (
            float(times[t.first] * facts.time_base) - 0.001,
            float(times[t.last] * facts.time_base) + 0.001,
            t.line.padded(6, *size),
        )
        for t in chosen
    ]
    logo = folder / f"{clip.stem}-{mode}-delogo.mkv"
    delogo(truth, boxes, size, logo)
    scores = compare(truth, facts, out, logo, chosen)
    rows = {}
    for name, score in scores.items():
        rows[name] = {
            "psnr": score.psnr,
            "ssim": float(np.mean(score.ssim or [0])),
            "flicker": score.flicker,
            "left": len(score.left),
        }
    rows["ours"] |= {
        "outside": scores["ours"].outside_psnr,
        "fps": len(times) / took,
        "memory_mb": memory.peak,
        "captions": len(truth.captions),
    }
    rows["ours"]["edges"] = edges(truth, report)
    if arguments.verbose:
        for track in report.removed:
            print("   ", json.dumps(jsonable(track), ensure_ascii=False))
        print("    left:", scores["ours"].left)
    return rows


def edges(truth: burned.Burned, report: RemovalReport) -> int:
    """Count captions whose on or off frame is missed by more than one frame."""
    missed = 0
    for caption in truth.captions:
        text = burned.spoken(caption)
        near = [
            t
            for t in (item.track for item in report.removed)
            if difflib.SequenceMatcher(None, t.text, text).ratio() > 0.5
        ]
        frame = 1.01 / report.frame_rate
        if not any(
            abs(t.start - max(0, caption.start)) < 2 * frame
            and (abs(t.end - caption.end) < 2 * frame or t.last_frame == report.frames - 1)
            for t in near
        ):
            missed += 1
    return missed


def compare(truth: burned.Burned, facts: Source, out: Path, logo: Path, select_tracks: list[Track]) -> dict[str, Score]:
    streams = [
        decode(inspect(path, PROGRAM), PROGRAM)
        for path in (truth.clean, truth.captioned, truth.black, truth.white, out, logo)
    ]
    scores = {name: Score() for name in ("box telea", "glyph telea", "delogo", "ours")}
    previous = None
    for number, (clean, captioned, black, white, ours, blurred) in enumerate(zip(*streams, strict=False)):
        cover = 255 - (white.y.astype(np.int32) - black.y) * 255 // 219
        mask = cv2.dilate((cover > 10).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        real, result = whole(clean), whole(ours)
        live = [t for t in select_tracks if t.first <= number <= t.last]
        if not mask.any():
            previous = None
            continue
        pictures = {
            "box telea": box_telea(captioned, live, mask.shape),
            "glyph telea": glyph_telea(captioned, live),
            "delogo": whole(blurred),
            "ours": result,
        }
        second = number / float(facts.rate)
        shown = [burned.spoken(c) for c in burned.active(truth.captions, second)]
        for name, picture in pictures.items():
            judge(scores[name], picture, real, mask, number, previous)
            if number % 8 == 0 and shown:
                residue(scores[name], picture, mask, shown)
        painted = cv2.dilate(mask.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
        off = (ours.y.astype(np.float32) - captioned.y)[~painted]
        scores["ours"].outside += float((off**2).sum())
        scores["ours"].outside_samples += off.size
        previous = (real, mask)
    for stream in streams:
        stream.close()
    return scores


def glyph_telea(frame: Frame, live: list[Track]) -> np.ndarray:
    picture = whole(frame)
    mask = changed_mask(live, frame.index, Box(0, 0, picture.shape[1], picture.shape[0]))
    return cv2.inpaint(picture, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA) if mask.any() else picture


def box_telea(frame: Frame, live: list[Track], shape: tuple[int, int]) -> np.ndarray:
    picture = whole(frame)
    mask = np.zeros(shape, np.uint8)
    for track in live:
        mask[track.line.padded(10, shape[1], shape[0]).slices] = 1
    return cv2.inpaint(picture, mask, 3, cv2.INPAINT_TELEA) if mask.any() else picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--mode", default="subtitles")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    every: dict[str, dict[str, list[dict[str, float]]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(exist_ok=True, parents=True)
        for mode in arguments.mode.split(","):
            for clip in arguments.clips:
                rows = run_clip(clip, mode, folder, arguments)
                print(f"{clip.name} {mode}")
                for name, row in rows.items():
                    show(name, row)
                    every.setdefault(mode, {}).setdefault(name, []).append(row)
        for mode, methods in every.items():
            print(f"mean of {len(arguments.clips)} clips, {mode}")
            for name, rows in methods.items():
                show(name, {key: float(np.mean([row[key] for row in rows])) for key in rows[0]})


def show(name: str, row: dict[str, float]) -> None:
    print(
        f"  {name:12} "
        + "  ".join(f"{key} {value:.3f}" if key == "ssim" else f"{key} {value:.2f}" for key, value in row.items()),
        flush=True,
    )


if __name__ == "__main__":
    main()
