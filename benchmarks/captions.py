"""Is every caption found, to the frame, and does nothing of it stay? Some 16 captions are burned into each clip given.

    python benchmarks/captions.py CLIP... [--seeds 0,1] [--seconds 8] [--height 480] [--scan-only] [--verbose]

Printed for each clip and in total: captions found and chosen, those with both ends exact and within one frame, the
worst end, and those whose words OCR can still read at their place in the result (first frames, middle, last frames).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2

from fixtures import captions, clips, crowd
from fixtures.captions import Caption
from preflight.engine.classify.selection import select_tracks
from preflight.engine.core.box import Box
from preflight.engine.detect import ocr
from preflight.engine.media.decode import Frame, decode
from preflight.engine.media.probe import inspect
from preflight.engine.parallel.pool import workers
from preflight.engine.pipeline import remove_text, scan
from preflight.engine.report import ReportBuilder
from preflight.engine.types import TextTrackSummary
from preflight.model.job import RemovalOptions
from preflight.tools import ffmpeg

PROGRAM = ffmpeg.find()
LOSSLESS = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv420p", "-an")
SHOWN = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p", "-an")


def likeness(read: str, text: str) -> float:
    squeezed = [part.replace(" ", "").lower() for part in (read, text)]
    return SequenceMatcher(None, *squeezed).ratio()


def readings(frame: Frame, place: Box) -> list[str]:
    part = frame.color(place)
    size = (-(-place.width // 32) * 32, -(-place.height // 32) * 32)
    lines = ocr.find_lines(cv2.resize(part, size), (place.width, place.height))
    return [ocr.read_line(part[line.padded(2, place.width, place.height).slices]).text for line in lines]


def legible(
    out: Path, clean: Path, found: list[tuple[Caption, TextTrackSummary, int, int]], size: tuple[int, int]
) -> list[str]:
    """Return the captions that can be read in `out` and not in `clean`, where and when they were."""
    looks: dict[int, list[tuple[Caption, Box]]] = {}
    for caption, track, first, last in found:
        place = Box(*track.box).padded(16, *size)
        for index in {first, min(first + 2, last), (first + last) // 2, max(first, last - 2), last}:
            looks.setdefault(index, []).append((caption, place))
    left = Counter()
    both = [decode(inspect(path, PROGRAM), PROGRAM) for path in (out, clean)]
    for result, truth in zip(*both, strict=False):
        for caption, place in looks.get(result.index, ()):
            worst = max((likeness(read, caption.text) for read in readings(result, place)), default=0)
            if worst > 0.4 and worst > 0.1 + max(
                (likeness(read, caption.text) for read in readings(truth, place)), default=0
            ):
                left[caption.text] += 1
    return [f"{text} x{count}" for text, count in left.items()]


def run(clip: Path, seed: int, folder: Path, arguments: argparse.Namespace) -> Counter:
    source = inspect(clip, PROGRAM)
    scale = min(1.0, arguments.height / min(source.upright))
    size = round(source.upright[0] * scale / 2) * 2, round(source.upright[1] * scale / 2) * 2
    seconds = min(arguments.seconds, float(source.duration or arguments.seconds))
    clean, shown = folder / f"{clip.stem}-{seed}-clean.mkv", folder / f"{clip.stem}-{seed}.mp4"
    fit = f"scale={size[0]}:{size[1]}:flags=bicubic,setsar=1,fps={source.rate}"
    texts = crowd.captions(seconds, size, seed)
    if not shown.exists():
        clips.run("-i", clip, "-map", "0:V:0", "-t", str(seconds), "-vf", fit, *LOSSLESS, clean)
        captions.burn(clean, shown, texts, size=size, output=SHOWN)
    facts = inspect(shown, PROGRAM)
    out = folder / f"{clip.stem}-{seed}-out.mp4"
    if arguments.scan_only:
        with workers() as pool:
            tracks, times, *_ = scan(facts, PROGRAM, pool, lambda _: None)
        gone = [ReportBuilder(facts, times).summary(track) for track in select_tracks(tracks, RemovalOptions())]
        kept = [ReportBuilder(facts, times).summary(track) for track in tracks]
        count = len(times)
    else:
        report = remove_text(shown, out, RemovalOptions(), program=PROGRAM)
        gone, kept, count = [item.track for item in report.removed], report.kept, report.frames
    score: Counter = Counter(captions=len(texts))
    found = []
    for caption in texts:
        first, last = crowd.frames(caption, float(source.rate), count)
        near = [t for t in gone if t.last_frame >= first and t.first_frame <= last]
        track = max(near, key=lambda t: likeness(t.text, caption.text), default=None)
        if track is None or likeness(track.text, caption.text) < 0.5:
            rest = [
                (t.text, t.kind, t.score, t.first_frame, t.last_frame)
                for t in kept
                if t.last_frame >= first and t.first_frame <= last and likeness(t.text, caption.text) > 0.3
            ]
            print(f"  {clip.stem}/{seed} MISSED {caption.style} {caption.text} {first}-{last} kept: {rest}")
            continue
        score["found"] += 1
        off = abs(track.first_frame - first), abs(track.last_frame - last)
        score["exact"] += max(off) == 0
        score["within one"] += max(off) <= 1
        score["worst end"] = max(score["worst end"], *off)
        if max(off) > (0 if arguments.verbose else 1):
            seen = track.first_frame, track.last_frame
            print(f"  {clip.stem}/{seed} {caption.style} {caption.text}: {first}-{last}, seen {seen} {track['text']}")
        found.append((caption, track, first, last))
    others = [t for t in gone if all(t is not f[1] and likeness(t.text, f[0].text) < 0.4 for f in found)]
    score["others removed"] = len(others)
    for track in others:
        print(f"  {clip.stem}/{seed} also: {track['text']} {track['first_frame']}-{track['last_frame']} {track['box']}")
    if not arguments.scan_only:
        left = legible(out, clean, found, size)
        score["legible"] = len(left)
        for text in left:
            print(f"  {clip.stem}/{seed} LEGIBLE {text}")
    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--scan-only", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    total: Counter = Counter()
    worst = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for clip in arguments.clips:
            for seed in map(int, arguments.seeds.split(",")):
                score = run(clip, seed, folder, arguments)
                worst = max(worst, score["worst end"])
                total += score
                print(f"{clip.name} seed {seed}: {dict(score)}", flush=True)
    total["worst end"] = worst
    print(f"total: {dict(total)}")


if __name__ == "__main__":
    main()
