"""The before/after picture: the same frames of both videos side by side, where they differ most."""

from __future__ import annotations

import re
from pathlib import Path

from preflight.tools import ffmpeg as tool
from preflight.tools import files, process

ROWS = 3
_STEP = 0.5
"""Seconds between the frames that are compared at a small size to find where the videos differ."""
_APART = 2.5
"""Seconds between two rows, where there is a choice: captions seldom stay longer."""
_WIDTH = 640
_LINE = re.compile(r"pts_time:([\d.]+)|lavfi\.signalstats\.YAVG=([\d.]+)")


def draw(before: Path, after: Path, destination: Path, *, ffmpeg: str) -> Path:
    """Write the PNG: `before` on the left, `after` on the right, a row a moment. Raises ToolError, DiskFullError."""
    moments = choose(_differences(before, after, ffmpeg=ffmpeg))
    inputs: list[str] = []
    chain = ""
    for row, moment in enumerate(moments):
        for side, path in enumerate((before, after)):
            inputs += [*tool.INPUT_GUARD, "-ss", f"{moment:.3f}", "-i", tool.local(path)]
            # Both sides get the size of the left one, and square pixels, so that the rows line up.
            chain += f"[{2 * row + side}:v:0]scale={_WIDTH}:-2,setsar=1,trim=end_frame=1[s{row}{side}];"
        chain += f"[s{row}1][s{row}0]scale2ref[t{row}1][t{row}0];[t{row}0][t{row}1]hstack[r{row}];"
    rows = "".join(f"[r{row}]" for row in range(len(moments)))
    chain += f"{rows}vstack=inputs={len(moments)}[out]" if len(moments) > 1 else f"{rows}copy[out]"
    with files.scratch(destination.parent) as folder:
        made = folder / "picture.png"
        argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "error", "-y", *inputs, "-filter_complex", chain]
        tool.run([*argv, "-map", "[out]", "-frames:v", "1", "-update", "1", tool.local(made)], timeout=120)
        made.replace(destination)
    return destination


def choose(differences: dict[float, float]) -> tuple[float, ...]:
    """Return up to `ROWS` moments in order: the most different, and apart from each other where there is a choice."""
    ranked = sorted(differences, key=lambda moment: (-differences[moment], moment))
    chosen: list[float] = []
    for gap in (_APART, 0.0):
        for moment in ranked:
            if len(chosen) < ROWS and all(abs(moment - other) > gap for other in chosen):
                chosen.append(moment)
    return tuple(sorted(chosen)) or (0.0,)


def _differences(before: Path, after: Path, *, ffmpeg: str) -> dict[float, float]:
    """Return how much the two differ, by time in seconds."""
    # Frames are picked, not made, so that each keeps its own time.
    small = f"select='isnan(prev_selected_t)+gte(t-prev_selected_t,{_STEP})',scale=320:180,format=gray"
    graph = (
        f"[0:v:0]{small}[a];[1:v:0]{small}[b];[a][b]blend=all_mode=difference:shortest=1,lut=y='if(gt(val,24),255,0)',signalstats,"
        "metadata=mode=print:key=lavfi.signalstats.YAVG:file=-"
    )
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "error"]
    for path in (before, after):
        argv += [*tool.INPUT_GUARD, "-i", tool.local(path)]
    done = process.run([*argv, "-filter_complex", graph, "-f", "null", "-"], timeout=600)
    if done.status:
        raise tool.failure(done.stderr_tail)
    found: dict[float, float] = {}
    moment = 0.0
    for time, difference in _LINE.findall(done.stdout.decode("utf-8", "replace")):
        if time:
            moment = float(time)
        else:
            found[moment] = float(difference)
    return found
