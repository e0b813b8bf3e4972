"""What a composite keeps of the source, how it copes with a poor service, and what it costs: side by side in one run.

    python -m benchmarks.composite CLIP... [--parts service,poor,speed] [--seconds 3] [--no-4k]

Clean clips are named; captions are burned in, so that the truth is known.

service  The first clip at 3840x2160 (10-bit HLG, scaled up and drawn over with fine grain that only a picture of that
         size can hold) and each clip at 1080p (H.264), through `preflight run --service local`: frames that are
         bit-exact, the nearest and farthest frame and tile outside the text, and VMAF against the clean source of the
         finished file and of the service's file scaled up. VMAF knows no HLG: all three are tone-mapped alike.
poor     A simulated service: 2 Mb/s, one frame in 200 dropped, shifted by half a sample, 2% brighter: gradient across
         the regions' borders beside that of the clean source at the same places, and the dropped frames found.
speed    Processor time of the composite beside ffmpeg's for decoding and encoding the same frames with the same
         options, with text in all groups of pictures and in one of ten, taken in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from benchmarks.shrink_quality import PROGRAM
from fixtures import captions, clips
from fixtures.captions import Caption
from preflight.cli import app
from preflight.restore.composite import compose as composing
from preflight.restore.composite.blend import Blender
from preflight.restore.composite.fidelity import Fidelity, Written
from preflight.tools.appearance import TONE_MAP
from preflight.workflow import composition

RATE = 25
NEAR = 32
"""Lines of a 1080p picture around text that count as text."""
VISIBLE = 20
"""Gray levels (8-bit scale) by which burned text differs from what is under it."""
HLG = "zscale=t=arib-std-b67:p=bt2020:m=bt2020nc:r=tv:tin=bt709:pin=bt709:min=bt709:rin=tv"
LOSSLESS = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-an")
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "17", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0")
HEVC_TAGS = "colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc:range=limited"
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p10le", "-x265-params",
        f"log-level=none:keyint=25:min-keyint=25:scenecut=0:open-gop=0:{HEVC_TAGS}")  # fmt: skip
TEXT = ("Never give up on what you love", "Free delivery until Sunday")


@dataclass(frozen=True)
class Case:
    """A source with captions, its clean twin, and what both are."""

    name: str
    shown: Path
    clean: Path
    size: tuple[int, int]
    deep: bool


def stack(path: Path, size: tuple[int, int], *, deep: bool = False) -> Iterator[np.ndarray]:
    """Yield the luma of all frames as stored."""
    form = "gray10le" if deep else "gray"
    argv = [PROGRAM, "-v", "error", "-i", path, "-vf", f"setparams=range=tv,format={form}", "-f", "rawvideo", "-"]
    length = size[0] * size[1] * (2 if deep else 1)
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        while len(data := running.stdout.read(length)) == length:
            yield np.frombuffer(data, np.uint16 if deep else np.uint8).reshape(size[1], size[0])


def make(clip: Path, folder: Path, seconds: float, size: tuple[int, int], texts: list[Caption], *, deep: bool) -> Case:
    """Make a clean twin and, of the same pictures, the source with captions."""
    name = f"{clip.stem}-{size[1]}"
    clean, shown = folder / f"{name}.clean.mkv", folder / f"{name}.mp4"
    cover = f"scale={size[0]}:{size[1]}:force_original_aspect_ratio=increase:flags=lanczos,crop={size[0]}:{size[1]}"
    chain = f"{cover},setsar=1,fps={RATE},setpts=N/{RATE}/TB"
    start = ("-ss", "1") if seconds < 6 else ()
    if deep:
        chain += f",noise=alls=14:allf=t:all_seed=3,{HLG},format=yuv420p10le"
        output: tuple[str, ...] = HEVC
    else:
        chain += ",format=yuv420p"
        output = (*H264, "-an")
    length = ("-frames:v", round(seconds * RATE))
    clips.run(*start, "-stream_loop", "3", "-i", clip, "-map", "0:V:0", "-vf", chain, *length, *LOSSLESS, clean)
    captions.burn(clean, shown, texts, size=size, output=output)
    return Case(name, shown, clean, size, deep)


def text_mask(case: Case) -> list[np.ndarray]:
    """Return, for each frame, 1 outside the text and its surroundings."""
    reach = NEAR * case.size[1] // 1080
    unit = 4 if case.deep else 1
    masks = []
    for one, other in zip(
        stack(case.shown, case.size, deep=case.deep), stack(case.clean, case.size, deep=case.deep), strict=True
    ):
        apart = cv2.blur(cv2.absdiff(one, other), (5, 5)) >= VISIBLE * unit
        small = cv2.resize(apart.astype(np.uint8), None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
        kernel = np.ones((2 * reach // 8 + 1, 2 * reach // 8 + 1), np.uint8)
        grown = cv2.dilate(small, kernel)
        whole = cv2.resize(grown, case.size, interpolation=cv2.INTER_NEAREST)
        masks.append((whole == 0).astype(np.uint8))
    return masks


def vmaf(made: Path, case: Case, chain: str) -> tuple[float, float]:
    """Return mean and 1% low of VMAF of `made`, which `chain` brings to the clean twin's size, against that."""
    tone = f"{TONE_MAP}," if case.deep else ""
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "vmaf.json"
        graph = (
            f"[0:v]{chain}format=yuv420p,setpts=N/{RATE}/TB[a];[1:v]{tone}format=yuv420p,setpts=N/{RATE}/TB[b];"
            f"[a][b]libvmaf=n_subsample=3:n_threads=2:log_fmt=json:log_path={log}"
        )
        clips.run("-i", made, "-i", case.clean, "-lavfi", graph, "-f", "null", "-")
        found = json.loads(log.read_text())
    scores = [frame["metrics"]["vmaf"] for frame in found["frames"]]
    return statistics.fmean(scores), float(np.percentile(scores, 1))


def service(case: Case, folder: Path) -> None:
    """Run a source through the local service and print what is left of its own pictures."""
    out, state = folder / f"out-{case.name}", folder / f"state-{case.name}"
    before, began = cpu(), time.monotonic()
    os.environ["XDG_STATE_HOME"] = str(state)
    status = app.run(["run", str(case.shown), "-o", str(out), "--service", "local", "--language", "en"])
    spent, wall = cpu() - before, time.monotonic() - began
    assert status == 0, f"preflight run exited with {status}"
    record = json.loads(next(out.glob("*.json")).read_text())
    finished = next(path for path in out.iterdir() if path.suffix == case.shown.suffix)
    cleaned = Path(record["composite"]["recipe"]["cleaned"][0])
    report = record["composite"]
    found, equal, exact_groups = Fidelity(depth=10 if case.deep else 8), 0, defaultdict(list)
    given = stack(case.shown, case.size, deep=case.deep)
    for number, (one, other, outside) in enumerate(
        zip(given, stack(finished, case.size, deep=case.deep), text_mask(case), strict=True)
    ):
        same = bool(np.array_equal(one, other))
        equal += same
        exact_groups[number // 25].append((same, bool(outside.all())))
        if not same:
            found.add(number, one, other, outside)
    calm = [group for group, frames in exact_groups.items() if all(clear for _, clear in frames)]
    exact = [group for group in calm if all(same for same, _ in exact_groups[group])]
    print(f"{case.name}: {spent:.0f} s CPU, {wall:.0f} s wall; {equal} of {number + 1} frames bit-exact; "
          f"groups without text {len(calm)}, bit-exact of these {len(exact)}")  # fmt: skip
    print(f"  encoded, outside the text: worst frame {found.worst_frame:.1f} dB (goal 46), mean {found.mean:.1f}, "
          f"worst tile {found.worst_tile:.1f} dB at {found.worst_tile_place}; record {short(report)}")  # fmt: skip
    size = f"{case.size[0]}:{case.size[1]}"
    ours = vmaf(finished, case, f"{TONE_MAP}," if case.deep else "")
    theirs = vmaf(cleaned, case, f"scale={size}:flags=bicubic,")
    print(f"  VMAF (mean, 1% low): finished {ours[0]:.1f}, {ours[1]:.1f}; service's scaled up {theirs[0]:.1f}, "
          f"{theirs[1]:.1f}; gain {ours[0] - theirs[0]:+.1f} (goal +10)", flush=True)  # fmt: skip


def short(report: dict[str, Any]) -> dict[str, Any]:
    report = report.get("report", report)
    return {key: report[key] for key in ("copied", "encoded", "changed", "crf", "worst_frame") if key in report}


def recorded(places: dict[int, list[Written]]) -> type[Blender]:
    """Return a blender that tells where it wrote."""

    class Recorder(Blender):
        def blend(self, picture: Any, region: Any, seed: int) -> Written | None:
            done = Blender.blend(self, picture, region, seed)
            if done is not None:
                places[seed].append(done)
            return done

    return Recorder


def poor(case: Case, folder: Path, dropped: tuple[int, ...]) -> None:
    """Print what a composite makes of a poor service's file."""
    cleaned, finished = folder / "poor.mp4", folder / "poor-finished.mp4"
    left_out = "+".join(f"eq(n,{number})" for number in dropped)
    width, height = case.size
    half = f"format=yuv444p,scale={2 * width}:{2 * height}:flags=bicubic,pad=iw+2:ih+2:1:1,crop=iw-2:ih-2:0:0"
    chain = f"{half},scale={width}:{height}:flags=area,format=yuv420p,lutyuv=y=clip((val-16)*1.02+16\\,16\\,235),"
    chain += f"select='not({left_out})'"
    rate = ("-b:v", "2M", "-maxrate", "3M", "-bufsize", "4M", "-preset", "veryfast", "-c:v", "libx264", "-an")
    clips.run("-i", case.clean, "-vf", chain, *rate, "-fps_mode", "passthrough", cleaned)
    places: dict[int, list[Written]] = defaultdict(list)
    usual, composing.Blender = composing.Blender, recorded(places)
    try:
        report = composition.composite(case.shown, cleaned, finished)
    finally:
        composing.Blender = usual
    ours = theirs = own = 0.0
    worst: list[float] = []
    streams = (stack(path, case.size) for path in (finished, case.clean, case.shown))
    covered = []
    for number, (made, clean, shown) in enumerate(zip(*streams, strict=True)):
        if not places[number]:
            continue
        outside = np.ones(made.shape, np.uint8)
        for place in places[number]:
            place.clear(outside)
        covered.append(1 - float(outside.mean()))
        kernel = np.ones((3, 3), np.uint8)
        border = (cv2.dilate(outside, kernel) - cv2.erode(outside, kernel)) > 0
        found = [float(gradient(picture)[border].mean()) for picture in (made, clean, shown)]
        ours, theirs, own = ours + found[0], theirs + found[1], own + found[2]
        worst.append(found[0] / max(found[1], 0.5))
    found_all = set(dropped) <= set(report.shared)
    print(f"poor service, {case.name}: dropped {dropped}, found {report.shared} {'all' if found_all else 'NOT ALL'}; "
          f"shift {report.shift}, gain {report.gain}; "
          f"regions cover {100 * statistics.fmean(covered or [0]):.1f}%")  # fmt: skip
    print(f"  gradient along the border: {ours / max(theirs, 1e-9):.3f} times the clean source's, "
          f"{ours / max(own, 1e-9):.3f} times the source's with text (goal 1.1), worst frame "
          f"{max(worst, default=0):.2f}; outside: worst frame {report.worst_frame} dB, worst tile "
          f"{report.worst_tile} dB", flush=True)  # fmt: skip


def gradient(picture: np.ndarray) -> np.ndarray:
    values = picture.astype(np.float32)
    return cv2.magnitude(cv2.Sobel(values, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(values, cv2.CV_32F, 0, 1, ksize=3)) / 4


def cpu() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return the processor time and the wall time of some work, and what it returns."""
    before, began = cpu(), time.monotonic()
    result = work()
    return cpu() - before, time.monotonic() - began, result


def speed(case: Case, folder: Path, *, share: str) -> None:
    """Print a composite's time beside that of decoding and encoding."""
    cleaned, finished = folder / "speed-cleaned.mp4", folder / "speed-finished.mp4"
    clips.run("-i", case.clean, *H264, "-crf", "21", cleaned)
    ratios: list[tuple[float, float]] = []
    for _ in range(2):
        spent, wall, report = timed(lambda: composition.composite(case.shown, cleaned, finished))
        encode = ("-c:v", "libx264", "-preset", "fast", "-crf", report.crf, "-an")
        peer, peer_wall, _ = timed(lambda: clips.run("-i", case.shown, *encode, folder / "peer.mp4"))  # noqa: B023
        ratios.append((peer / spent, peer_wall / wall))
    best = max(ratios)
    print(f"{case.name}, text in {share}: {report.encoded} of {report.frames} frames encoded at crf {report.crf}; "
          f"CPU of decode + encode of all / composite {best[0]:.2f}, wall {max(r[1] for r in ratios):.2f}; "
          f"composite costs {1 / best[0]:.2f} of a whole encode by CPU; {spent:.1f} s CPU", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--parts", default="service,poor,speed")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--no-4k", action="store_true")
    given = parser.parse_args()
    parts = given.parts.split(",")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        some = [Caption(start=0.2, end=1.1, text=TEXT[0]), Caption(start=1.2, end=1.9, text=TEXT[1], style="shadow")]
        if "service" in parts:
            if not given.no_4k:
                service(make(given.clips[0], folder, given.seconds, (3840, 2160), some, deep=True), folder)
            for clip in given.clips:
                service(make(clip, folder, given.seconds, (1920, 1080), some, deep=False), folder)
        if "poor" in parts:
            texts = [Caption(start=at, end=at + 0.9, text=TEXT[at % 2], style="yellow") for at in range(1, 9)]
            for clip in given.clips:
                poor(make(clip, folder, 10, (1280, 720), texts, deep=False), folder, (57, 140, 231))
        if "speed" in parts:
            whole = [Caption(start=0, end=10, text=TEXT[0])]
            clip = given.clips[0]
            speed(make(clip, folder, 4, (1920, 1080), whole, deep=False), folder, share="all groups")
            one = [replace(whole[0], start=4.1, end=4.9)]
            speed(make(clip, folder, 10, (1920, 1080), one, deep=False), folder, share="1 of 10 groups")


if __name__ == "__main__":
    main()
