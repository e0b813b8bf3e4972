"""What the engine costs in time and memory, beside ffmpeg decoding and encoding the same clip with the same settings.

    python benchmarks/engine_speed.py CLIP... [--heights 480,720,1080] [--seconds 8] [--mode free,captions,few,memory]

For each clip and height, in one run: `free` the clip as it is (name clips without text), `captions` with text on most
frames, `few` with one caption in the last tenth, encoded whole and smartly, `memory` with captions, for once, twice and
four times as long.
Printed: frames a second, CPU time a frame, both as shares of the plain way's, and the peak memory of all processes.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.engine import PROGRAM, Memory
from fixtures import burned, captions, clips
from fixtures.captions import Caption
from preflight.engine.encode import quality
from preflight.engine.media.decode import decode
from preflight.engine.media.probe import inspect
from preflight.engine.pipeline import Extras, remove_text
from preflight.model.job import RemovalOptions
from preflight.tools import process

_GOOD = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-g", "50", "-pix_fmt", "yuv420p", "-an")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds by the clock and of CPU, of this process and all it started, and the peak of their memory in MB."""

    clock: float
    cpu: float
    memory: float


def spent() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measured(work: Callable[[], object]) -> Cost:
    memory = Memory()
    memory.start()
    begun, before = time.monotonic(), spent()
    work()
    cost = Cost(time.monotonic() - begun, spent() - before, memory.peak)
    memory.stop.set()
    return cost


def scaled(clip: Path, folder: Path, *, height: int, seconds: float) -> Path:
    """Make a clip of `height` and `seconds` out of `clip`, again from its start where it is too short."""
    path = folder / f"{clip.stem}-{height}-{seconds:g}.mp4"
    if not path.exists():
        shape = f"scale=-2:{height}:flags=bicubic,setsar=1"
        clips.run("-stream_loop", "-1", "-t", str(seconds), "-i", clip, "-map", "0:V:0", "-vf", shape, *_GOOD, path)
    return path


def spoken(clip: Path, texts: tuple[Caption, ...], suffix: str) -> Path:
    source = inspect(clip, PROGRAM)
    path = clip.with_name(f"{clip.stem}-{suffix}.mp4")
    return captions.burn(clip, path, texts, size=(source.width, source.height), output=_GOOD)


def plain(clip: Path, folder: Path) -> Cost:
    argv = [PROGRAM, "-y", "-v", "error", "-nostdin", "-i", str(clip), "-map", "0:V:0", "-fps_mode", "passthrough"]
    argv += [
        *(quality.FINE if quality.needs_fine_quality(inspect(clip, PROGRAM), PROGRAM) else quality.USUAL),
        "-pix_fmt",
        "yuv420p",
    ]
    return measured(lambda: process.run([*argv, str(folder / "plain.mp4")]))


def cleaned(clip: Path, folder: Path, *, smart: bool = False) -> Cost:
    extras = Extras(smart_encode=smart)
    return measured(lambda: remove_text(clip, folder / "ours.mp4", RemovalOptions(), program=PROGRAM, extras=extras))


def show(clip: Path, frames: int, name: str, cost: Cost, peer: Cost | None = None) -> None:
    line = f"{clip.name:34} {name:14} {frames / cost.clock:7.1f} fps  {1000 * cost.cpu / frames:7.1f} CPU ms a frame"
    if peer is not None:
        line += f"  {peer.clock / cost.clock:5.2f} of the plain speed, {cost.cpu / peer.cpu:5.2f} of its CPU time"
    print(f"{line}  {cost.memory:6.0f} MB", flush=True)


def run(clip: Path, folder: Path, *, height: int, seconds: float, modes: set[str]) -> None:
    ground = scaled(clip, folder, height=height, seconds=seconds)
    frames = sum(1 for _ in decode(inspect(ground, PROGRAM), PROGRAM))
    peer = plain(ground, folder)
    show(ground, frames, "decode+encode", peer)
    if "free" in modes:
        show(ground, frames, "without text", cleaned(ground, folder), peer)
    if "captions" in modes:
        texts = spoken(ground, burned.coming_and_going(seconds), "captions")
        show(texts, frames, "captions", cleaned(texts, folder), peer)
    if "few" in modes:
        text = Caption(start=seconds * 0.9, end=seconds, text="Never give up today")
        texts = spoken(ground, (text,), "few")
        show(texts, frames, "few", cleaned(texts, folder), peer)
        show(texts, frames, "few, smart", cleaned(texts, folder, smart=True), peer)
    if "memory" in modes:
        for times in (1, 2, 4):
            longer = scaled(clip, folder, height=height, seconds=times * seconds)
            texts = spoken(longer, burned.coming_and_going(times * seconds), "captions")
            show(texts, times * frames, "captions", cleaned(texts, folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--heights", default="480,720,1080")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--mode", default="free,captions,few")
    arguments = parser.parse_args()
    modes = set(arguments.mode.split(","))
    with tempfile.TemporaryDirectory() as scratch:
        for clip in arguments.clips:
            for height in map(int, arguments.heights.split(",")):
                run(clip, Path(scratch), height=height, seconds=arguments.seconds, modes=modes)


if __name__ == "__main__":
    main()
