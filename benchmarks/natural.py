"""How often natural text is touched: signs are hung into real scenes, moving as they do, beside burned-in captions.

    python benchmarks/natural.py CLIP... [--scene camera] [--rounds 4] [--seconds 5] [--height 360]

Every round hangs three signs of varied style, light and blur into each clip. With `--scene real` they go with the
motion around them; with `still` the clip's middle frame is held, with a camera's noise; with `camera` a hand-held
camera is moved over that. Printed: signs that the engine could read at all, signs touched with
`artificialTextOnly`, and captions of the same clips that were found.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from fixtures import captions, signs
from fixtures.captions import Caption
from preflight.engine.classify.selection import select_tracks
from preflight.engine.core.box import Box
from preflight.engine.media.probe import inspect
from preflight.engine.model.track import Track
from preflight.engine.motion.camera import small_step
from preflight.engine.parallel.pool import workers
from preflight.engine.pipeline import scan
from preflight.model.job import RemovalOptions
from preflight.tools import ffmpeg

PROGRAM = ffmpeg.find()
PLACES = ((0.22, 0.25), (0.72, 0.3), (0.45, 0.55), (0.25, 0.7), (0.75, 0.62))
LOSSLESS = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv420p", "-an")
SHOWN = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-an")


def pictures(clip: Path, size: tuple[int, int], seconds: float) -> list[np.ndarray]:
    argv = [PROGRAM, "-v", "error", "-i", clip, "-t", str(seconds), "-map", "0:V:0", "-vf",
            f"scale={size[0]}:{size[1]},setsar=1", "-f", "rawvideo", "-pix_fmt", "bgr24", "-"]  # fmt: skip
    data = np.frombuffer(subprocess.run(argv, capture_output=True, check=True).stdout, np.uint8)
    return list(data.reshape(-1, size[1], size[0], 3))


def followed(frames: list[np.ndarray], corners: np.ndarray) -> list[np.ndarray]:
    """Return the corners on each frame, carried along by the motion of what is around them, up to a cut."""
    gray = [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in frames]
    height, width = gray[0].shape
    places = [corners]
    for before, after in itertools.pairwise(gray):
        now = places[-1]
        reach = np.ptp(now, axis=0).max() * 0.3 + 20
        x0, y0 = np.clip(now.min(axis=0) - reach, 0, (width - 64, height - 64)).astype(int)
        x1, y1 = np.clip(now.max(axis=0) + reach, (x0 + 64, y0 + 64), (width, height)).astype(int)
        pair = [np.ascontiguousarray(picture[y0:y1, x0:x1]) for picture in (before, after)]
        step, _ = small_step(*pair, np.full(pair[0].shape, 255, np.uint8))
        if small_step(before, after, np.full(before.shape, 255, np.uint8))[1]:
            break
        corner = np.float64([x0, y0])
        places.append(((now - corner) @ step[:2, :2].T + step[:2, 2] + corner).astype(np.float32))
    return places


def camera(count: int, size: tuple[int, int], chance: np.random.Generator) -> list[np.ndarray]:
    """Return the map (2x3) of each frame of a hand-held camera that pans and draws nearer, onto a part of the scene."""
    soft = np.hanning(9) / np.hanning(9).sum()
    shake = np.stack([np.convolve(chance.normal(0, 3, count), soft, "same") for _ in range(2)], axis=1)
    pan = chance.uniform(-1, 1, 2) * np.float64(size) * 0.1
    maps = []
    for n in range(count):
        share = n / max(1, count - 1)
        zoom = 1.25 + 0.08 * share
        middle = np.float64(size) / 2 + pan * (share - 0.5) + shake[n]
        maps.append(np.float64([[zoom, 0, size[0] / 2 - zoom * middle[0]], [0, zoom, size[1] / 2 - zoom * middle[1]]]))
    return maps


Hung = list[tuple[signs.Sign, list[np.ndarray]]]


def scene(real: list[np.ndarray], kind: str, seed: int, chance: np.random.Generator) -> tuple[list[np.ndarray], Hung]:
    """Return the frames of a scene with three signs in it, and the corners of each sign on every frame."""
    number, size = seed % 1000, real[0].shape[1::-1]
    if kind != "real":
        first = real[len(real) // 2].astype(np.float32)
        noise = chance.normal(0, 2, (7, *first.shape)).astype(np.float32)
        real = [np.clip(first + noise[n % 7], 0, 255).astype(np.uint8) for n in range(len(real))]
    real = [frame.copy() for frame in real]
    grain = chance.normal(0, 1.5, (7, *real[0].shape)).astype(np.float32)
    hung = []
    for k in range(3):
        place = PLACES[(number + k * 2) % 5]
        sign = signs.sign(size, place, seed=seed // 1000 + 7 * number + k)
        hung.append((sign, followed(real, sign.corners) if kind == "real" else [sign.corners] * len(real)))
    real = real[: min(len(places) for _, places in hung)]
    for sign, places in hung:
        for n, frame in enumerate(real):
            signs.hang(frame, sign, places[n], grain[n % len(grain)])
    if kind == "camera":
        maps = camera(len(real), size, chance)
        real = [cv2.warpAffine(f, m, size, flags=cv2.INTER_CUBIC) for f, m in zip(real, maps, strict=True)]
        hung = [(sign, [c @ m[:, :2].T + m[:, 2] for c, m in zip(at, maps, strict=False)]) for sign, at in hung]
    return real, hung


def run(clip: Path, number: int, folder: Path, arguments: argparse.Namespace) -> Counter:
    source = inspect(clip, PROGRAM)
    scale = min(1.0, arguments.height / min(source.upright))
    size = round(source.upright[0] * scale / 2) * 2, round(source.upright[1] * scale / 2) * 2
    real = pictures(clip, size, arguments.seconds)
    chance = np.random.default_rng(number)
    real, hung = scene(real, arguments.scene, number + 1000 * sum(map(ord, clip.stem)), chance)
    plain, shown = folder / f"{clip.stem}-{number}-plain.mkv", folder / f"{clip.stem}-{number}.mp4"
    feed = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{size[0]}x{size[1]}", "-r", str(source.rate), "-i", "-"]
    subprocess.run([PROGRAM, "-y", "-v", "error", *feed, *LOSSLESS, plain], input=np.stack(real).tobytes(), check=True)
    length = len(real) / float(source.rate)
    texts = (
        Caption(start=0.4, end=max(0.9, length * 0.5), text="Keep moving forward", style="white"),
        Caption(start=max(1.0, length * 0.55), end=max(1.5, length - 0.3), text="今天天气真好", style="yellow"),
    )
    captions.burn(plain, shown, texts, size=size, output=SHOWN)
    facts = inspect(shown, PROGRAM)
    with workers() as pool:
        tracks, _, state, *_ = scan(facts, PROGRAM, pool, lambda _: None)
    gone = select_tracks(tracks, RemovalOptions(language="zh" if number % 2 else "en"))
    seen = select_tracks(tracks, RemovalOptions(artificial_text_only=False))
    score = Counter(clips=1, signs=len(hung), captions=len(texts))
    for sign, places in hung:

        def on(track: Track, places: list[np.ndarray] = places) -> bool:
            corners = places[min(len(places) - 1, track.first)]
            around = Box(*np.floor(corners.min(axis=0)).astype(int), *np.ceil(corners.max(axis=0)).astype(int))
            line = track.line if track.path is None else track.line.moved(*track.path[0])
            return line.common(around) > 0.3 * min(line.area, max(1, around.area))

        score["read"] += any(on(t) for t in seen)
        hits = [t for t in gone if on(t) and not any(like(t.text, c.text) for c in texts)]
        score["touched"] += bool(hits)
        for t in hits:
            print(f"  {clip.stem}/{number} TOUCHED {sign.words} as {t.text} {t.first}-{t.last}/{len(real)}"
                  f" moves {t.path is not None} {t.evidence} cuts {sorted(state.cuts)}")  # fmt: skip
    for text in texts:
        ok = any(like(t.text, text.text) for t in gone)
        score["found"] += ok
        if not ok:
            print(f"  {clip.stem}/{number} caption kept: {text.text}",
                  [(t.text, t.kind, round(t.score, 2)) for t in tracks if like(t.text, text.text)])  # fmt: skip
    return score


def like(read: str, text: str) -> bool:
    return SequenceMatcher(None, read, text).ratio() > 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--scene", choices=("real", "camera", "still"), default="real")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    total: Counter = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for clip in arguments.clips:
            for number in range(arguments.rounds):
                score = run(clip, number, folder, arguments)
                total += score
                print(f"{clip.name} {number}: {dict(score)}", flush=True)
    print(f"total: {dict(total)}, touched {100 * total['touched'] / max(1, total['signs']):.1f}%")


if __name__ == "__main__":
    main()
