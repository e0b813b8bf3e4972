"""The offline page of a 60 s video: time as a ratio to the video's length, beside ffmpeg decoding both of its files.

python -m benchmarks.review CLIP...
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fixtures import clips, reviewed
from preflight.events import ignore
from preflight.review import gather, offline
from preflight.settings import load_settings

SECONDS = 60


def looped(clip: Path, made: Path, chain: str) -> Path:
    """Encode a clip, repeated to 60 s, at 1080p."""
    clips.run("-stream_loop", "-1", "-i", clip, "-t", str(SECONDS), "-vf", f"scale=1920:1080,setsar=1,{chain}", "-an",
              "-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-pix_fmt", "yuv420p", made)  # fmt: skip
    return made


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Return wall time and CPU time of this process and its children, in seconds."""
    before, begun = os.times(), time.perf_counter()
    action()
    after = os.times()
    return time.perf_counter() - begun, sum(after[:4]) - sum(before[:4])


def measure(clip: Path, folder: Path) -> str:
    """Return the line of a clip."""
    source = looped(clip, folder / "clip.mp4", "drawbox=x=600:y=900:w=700:h=60:color=white:t=fill")
    cleaned = looped(clip, folder / "clip.cleaned.mp4", "null")
    record = reviewed.record(source, cleaned, ("words",) * 20)
    record["report"]["subject"]["duration"] = SECONDS
    (folder / "clip.cleaned.json").write_text(json.dumps(record))
    desk = gather.desk([str(folder)], load_settings())
    desk.library.refresh()
    page = folder / "page.html"
    wall, cpu = timed(lambda: offline.write(desk, page, title="x", listener=lambda _: ignore))
    argv = [desk.ffmpeg, "-v", "error", "-i", str(source), "-i", str(cleaned)]
    argv += ["-map", "0:v", "-f", "null", "-", "-map", "1:v", "-f", "null", "-"]
    bare_wall, bare_cpu = timed(lambda: subprocess.run(argv, check=True))
    cores = os.cpu_count() or 1
    return (
        f"{clip.name}: page {wall:.1f} s wall, {cpu:.1f} s CPU: {wall / SECONDS:.2f} times real time "
        f"({cpu / cores / SECONDS:.2f} by CPU over all cores); ffmpeg decoding both {bare_wall:.1f} s, "
        f"{bare_cpu:.1f} s CPU: ratio {cpu / bare_cpu:.2f}; {page.stat().st_size / 1e6:.1f} MB"
    )


def main() -> None:
    """Print a line a clip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="+")
    for clip in parser.parse_args().clips:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(clip, Path(folder)))


if __name__ == "__main__":
    main()
