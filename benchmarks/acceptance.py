"""Does the acceptance test catch spoiled results and leave good ones alone?

    python benchmarks/acceptance.py --own CLIP... --pairs FOLDER... [--spoiled 100] [--good 100] [--seconds 3]
    make bench-acceptance CLIPS="CLIP..." PAIRS="FOLDER..."

`--part 2/5` makes every fifth of them, the second on, with the same seeds, so that a long run can be cut.

Good results: a clean clip coded anew at several rates, beside the same clip with captions (our own, or real pairs
`NAME.mp4` and `NAME.clean.mp4`). Spoiled ones are made from them by seeded spoilers: residue (text left alone, or
shining through), text written, smear (over texture), freeze, shift (of the picture, of time), missing frames. Caught
means `poor`; refused means a good result that is called `poor`. The text of each source is searched once.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from fixtures import captions, clips, fonts
from fixtures.captions import Caption
from preflight.model.text import TextRole
from preflight.workflow.acceptance import Expected, verify
from preflight.workflow.text_export import find_text

KINDS = ("residue", "shine", "written", "smear", "freeze", "shift", "late", "missing")
CODED = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-an")
MIN_MOTION = 0.5
"""Gray levels of motion from which on held frames are seen."""
WORDS = ("Never give up", "今天天气真不错", "Free delivery today", "点击下方链接购买", "Mix it well", "新品上市")


@dataclass(frozen=True)
class Pair:
    """A video with text, its clean twin, and what was found in it."""

    name: str
    shown: Path
    clean: Path
    expected: Expected
    size: tuple[int, int]
    rate: float
    frames: int
    motion: float


def own_pair(clip: Path, folder: Path, seconds: float, seed: int) -> tuple[Path, Path]:
    chance = random.Random(seed)  # noqa: S311
    clean, shown = folder / f"own-{clip.stem}-{seed}.clean.mkv", folder / f"own-{clip.stem}-{seed}.mp4"
    start = chance.choice((2, 3, 4))
    fit = "scale=854:480:flags=bicubic,setsar=1,fps=25"
    clips.run("-ss", start, "-i", clip, "-map", "0:V:0", "-t", seconds, "-vf", fit, "-c:v", "libx264", "-preset",
              "ultrafast", "-crf", "8", "-pix_fmt", "yuv420p", "-an", clean)  # fmt: skip
    half = seconds / 2
    style = ("white", "yellow", "shadow", "plate")[seed % 4]
    texts = [
        Caption(start=0.3, end=half, text=chance.choice(WORDS), style=style),
        Caption(start=half + 0.2, end=seconds - 0.2, text=chance.choice(WORDS), style=style),
    ]
    captions.burn(clean, shown, texts, size=(854, 480), output=(*CODED, "-crf", "18"))
    return shown, clean


def motion(path: Path) -> float:
    """Return the mean difference of consecutive frames, in gray levels of a small picture."""
    argv = [
        clips.FFMPEG,
        "-v",
        "error",
        "-i",
        path,
        "-vf",
        "scale=128:72:flags=area,format=gray",
        "-f",
        "rawvideo",
        "-",
    ]
    data = subprocess.run(argv, capture_output=True, check=True).stdout
    frames = np.frombuffer(data, np.uint8).reshape(-1, 72, 128).astype(np.float32)
    return float(np.median(np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2))))


def textured(path: Path, time: float, size: tuple[int, int], chance: random.Random) -> tuple[int, int]:
    """Return where a box of `size` covers much texture, of eight places: a smear on a sky can't be seen."""
    argv = [clips.FFMPEG, "-v", "error", "-ss", f"{time:.2f}", "-i", path, "-frames:v", "1", "-c:v", "pgm"]
    data = subprocess.run([*argv, "-f", "image2pipe", "-"], capture_output=True, check=True).stdout
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE).astype(np.float32)
    fine = (picture - cv2.GaussianBlur(picture, (0, 0), 3)) ** 2
    width, height = size
    places = [
        (chance.randrange(0, picture.shape[1] - width), chance.randrange(0, picture.shape[0] - height))
        for _ in range(8)
    ]
    return max(places, key=lambda place: fine[place[1] : place[1] + height, place[0] : place[0] + width].mean())


def load(shown: Path, clean: Path) -> Pair | None:
    found = find_text(shown)
    texts = [text for text in found.texts if text.role is not TextRole.SIGN and text.confidence > 0.75]
    if not texts:
        return None
    expected = Expected(texts=found)
    return Pair(
        shown.stem, shown, clean, expected, (found.width, found.height), found.frame_rate, found.frames, motion(clean)
    )


def good(pair: Pair, out: Path, chance: random.Random) -> str:
    crf = chance.choice((14, 18, 21, 24, 27))
    clips.run("-i", pair.clean, "-map", "0:V:0", *CODED, "-crf", crf, out)
    return f"crf {crf}"


def spoil(pair: Pair, kind: str, out: Path, chance: random.Random) -> str:  # noqa: PLR0915 - one branch a spoiler
    width, height = pair.size
    length = pair.frames / pair.rate
    begin = chance.uniform(0.1, 0.4) * length
    end = min(length, begin + chance.uniform(0.5, 1.0))
    during = f"between(t,{begin:.3f},{end:.3f})"
    texts = [t for t in pair.expected.texts.texts if t.role is not TextRole.SIGN and t.confidence > 0.75]
    text = chance.choice(texts)
    left, top, right, bottom = text.box
    pad = (bottom - top) // 2
    x, y = max(0, left - pad), max(0, top - pad)
    crop = f"{min(width, right + pad) - x}:{min(height, bottom + pad) - y}:{x}:{y}"
    at = f"{max(0, left - pad)}:{max(0, top - pad)}"
    inputs: list[object] = ["-i", pair.clean]
    counted = f"setpts=N/{pair.rate}/TB"
    note = ""
    if kind in {"residue", "shine"}:
        alpha = 1.0 if kind == "residue" else chance.uniform(0.35, 0.6)
        note = f"{text.text!r} at {alpha:.2f}"
        inputs += ["-i", pair.shown]
        graph = f"[1:v]crop={crop},format=yuva444p,colorchannelmixer=aa={alpha:.2f}[t];[0:v][t]overlay={at}:shortest=1"
    elif kind == "written":
        words = chance.choice(("SALE 50", "Hello world", "Wrong words", "Lorem ipsum"))
        x, y, size = chance.uniform(0.1, 0.4), chance.uniform(0.1, 0.8), chance.uniform(0.05, 0.09)
        note = words
        graph = (
            f"[0:v]drawtext=fontfile={fonts.noto()}:text='{words}':fontsize={size * height:.0f}:fontcolor=white:"
            f"borderw=2:x={x * width:.0f}:y={y * height:.0f}:enable='{during}'"
        )
    elif kind == "smear":
        w, h = round(width * chance.uniform(0.3, 0.5)), round(height * chance.uniform(0.2, 0.35))
        x, y = textured(pair.clean, begin, (w, h), chance)
        sigma = height / chance.choice((30, 45, 60))
        note = f"{w}x{h}+{x}+{y} sigma {sigma:.0f}"
        blurred = f"[b]crop={w}:{h}:{x}:{y},gblur=sigma={sigma:.1f}[s]"
        graph = f"[0:v]split[a][b];{blurred};[a][s]overlay={x}:{y}:enable='{during}'"
    elif kind == "freeze":
        count = chance.choice((6, 10, 16))
        first = round(begin * pair.rate)
        note = f"{count} frames from {first}"
        held = f"loop=loop={count}:size=1:start={first},{counted}"
        graph = f"[0:v]{held},select='not(between(n,{first + count + 1},{first + 2 * count}))',{counted}"
    elif kind == "shift":
        dx, dy = chance.choice(((2, 0), (3, 1), (0, 2), (-4, 2)))
        note = f"{dx}, {dy}"
        graph = f"[0:v]pad=iw+16:ih+16:8:8,crop=iw-16:ih-16:{8 - dx}:{8 - dy}"
    elif kind == "late":
        count = chance.choice((3, 5))
        note = f"{count} frames"
        graph = f"[0:v]loop=loop={count}:size=1:start=0,{counted},trim=end_frame={pair.frames},{counted}"
    else:
        first, count = round(begin * pair.rate), chance.choice((1, 2, 4))
        note = f"{count} from {first}"
        graph = f"[0:v]select='not(between(n,{first},{first + count - 1}))',{counted}"
    crf = chance.choice((16, 20, 24))
    clips.run(*inputs, "-filter_complex", graph, *CODED, "-crf", crf, "-fps_mode", "passthrough", out)
    return note


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--own", nargs="*", type=Path, default=[])
    parser.add_argument("--pairs", nargs="*", type=Path, default=[])
    parser.add_argument("--leave-out", default="", help="names of pairs whose clean twin keeps some text")
    parser.add_argument("--spoiled", type=int, default=100)
    parser.add_argument("--good", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="1/1", help="which of how many parts of all results to make")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    score: Counter = Counter()
    left_out = set(arguments.leave_out.split(","))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pairs = []
        for number, clip in enumerate(arguments.own):
            pairs.append(load(*own_pair(clip, folder, arguments.seconds, number)))
        for clean in sorted(path for root in arguments.pairs for path in root.glob("*.clean.mp4")):
            name = clean.name.removesuffix(".clean.mp4")
            if name not in left_out:
                cut = [folder / f"{name}.mp4", folder / f"{name}.clean.mkv"]
                for made, given in zip(cut, (clean.with_name(f"{name}.mp4"), clean), strict=True):
                    clips.run("-i", given, "-map", "0:V:0", "-t", arguments.seconds, *CODED, "-crf", "10", made)
                pairs.append(load(*cut))
        usable = [pair for pair in pairs if pair is not None]
        print(f"{len(usable)} of {len(pairs)} pairs show text that is found: {', '.join(p.name for p in usable)}")
        moving = [pair for pair in usable if pair.motion > MIN_MOTION]
        print(f"of which move: {', '.join(pair.name for pair in moving)}")
        begun = time.monotonic()
        part, parts = (int(word) for word in arguments.part.split("/"))
        for number in range(part - 1, arguments.good + arguments.spoiled, parts):
            chance = random.Random(f"{arguments.seed}-{number}")  # noqa: S311
            pair = usable[(number + number // len(usable)) % len(usable)]
            out = folder / "result.mp4"
            kind = "good" if number < arguments.good else KINDS[number % len(KINDS)]
            if kind in {"freeze", "late", "missing"} and moving:
                # Frames of a still that are held or left out can't be told from those that are not.
                pair = moving[number % len(moving)]
            note = good(pair, out, chance) if kind == "good" else spoil(pair, kind, out, chance)
            report = verify(pair.shown, out, expected=pair.expected)
            score[f"{kind}"] += 1
            score[f"{kind} {report.verdict.value}"] += 1
            wrong = (report.verdict.value == "poor") == (kind == "good")
            if wrong or arguments.verbose:
                print(
                    f"{'WRONG ' if wrong else ''}{pair.name} {kind} ({note}): {report.verdict.value} {report.reasons}",
                    flush=True,
                )
        print(f"{time.monotonic() - begun:.0f} s")
    for kind in ("good", *KINDS):
        print(f"{kind}: {score[kind]}, poor {score[f'{kind} poor']}")
    spoiled = sum(score[kind] for kind in KINDS)
    print(f"caught {sum(score[f'{kind} poor'] for kind in KINDS)} of {spoiled} spoiled")
    print(f"refused {score['good poor']} of {score['good']} good")


if __name__ == "__main__":
    main()
