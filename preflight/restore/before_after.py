"""The before/after picture: the same frames of both videos side by side, a row for each different text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageStat

from preflight.errors import ToolError
from preflight.tools import ffmpeg as tool
from preflight.tools import files, process

ROWS = 6
"""Most rows of a picture: more than fit on a screen are not looked at."""

ROWS_WITHOUT_TEXTS = 3
"""Rows when nothing is known of the texts, and the most different frames are shown."""

SIDE = (640, 480)
"""Width and height in pixels that each frame is fitted into."""

BAR = 24
"""Height of the bar above each row, in pixels: it holds the time and the words."""

DIVIDER = 4
"""Width of the line between before and after, in pixels."""

JPEG_QUALITY = 85
"""Quality of the JPEG: 0.1 MB a row at most, and residue of text stays visible (compared by eye)."""

LONGEST_LABEL = 90
"""Characters of a label that fit above a row."""

STEP = 0.5
"""Seconds between the frames that are compared at a small size to find where the videos differ."""

SHORT = 6.0
"""Seconds up to which all frames that are compared are read by the process that looks for the differences: twelve small
ones on each side cost less than a second process."""

APART = 2.5
"""Seconds between two rows, where there is a choice: captions seldom stay longer."""

ONE_FRAME = 0.1
"""Seconds between two moments up to which one frame shows both: the lines of a caption come and go together."""

_ONE_THREAD = ("-threads", "1")
"""A single frame is decoded of each input: starting a thread a core for each takes longer than that."""

_LINE = re.compile(r"pts_time:([\d.]+)|lavfi\.signalstats\.YAVG=([\d.]+)")

_COMPARED = (320, 180)
"""Width and height in pixels at which frames are compared."""

_VISIBLE = 24
"""Gray levels above which two pixels count as different: less is what encoders do."""

_EVERY_STEP = f"select='isnan(prev_selected_t)+gte(t-prev_selected_t,{STEP})'"
"""Filter that picks frames, and makes none, so that each keeps its own time."""

_FITTED = f"scale=iw*sar:ih,scale={SIDE[0]}:{SIDE[1]}:force_original_aspect_ratio=decrease,setsar=1"
"""Filter that fits frames into `SIDE`."""

_DARK, _LIGHT = (24, 26, 30), (236, 238, 242)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameChoice:
    """A frame worth showing: its `time` in seconds of the result, and the words on it; worse `severity` goes first."""

    time: float
    words: str = ""
    severity: float = 0.0


Row = tuple[FrameChoice, Image.Image, Image.Image]
"""A moment with the frame before and the frame after."""


def draw(
    before: Path,
    after: Path,
    destination: Path,
    *,
    ffmpeg: str,
    moments: Sequence[FrameChoice] = (),
    offset: float = 0.0,
    seconds: float | None = None,
) -> Path:
    """Write the picture, a JPEG: `before` on the left, `after` on the right.

    Args:
        before: The source.
        after: The result.
        destination: The picture, which is replaced.
        ffmpeg: The ffmpeg program.
        moments: Frames of which to choose; by default those that differ most.
        offset: Where the result begins in the source, in seconds.
        seconds: Length of the result, where it is known: a short one is read once.

    Raises:
        ToolError: A video shows no frame, or can't be decoded.
        DiskFullError: The picture can't be written.
    """
    chosen = choose(moments)
    with files.scratch(destination.parent) as folder:
        shown: list[Row] = []
        if not chosen and seconds is not None and seconds <= SHORT:
            shown = _sampled(before, after, offset, folder, ffmpeg)
        if not shown:
            chosen = chosen or most_different(_differences(before, after, offset, ffmpeg=ffmpeg))
            shown = _frames(before, after, chosen, offset, folder, ffmpeg)
        shown = shown or _frames(before, after, (FrameChoice(time=0.0),), offset, folder, ffmpeg)
        if not shown:
            raise ToolError(f"{after.name} shows no frame.", hint="Check it with `preflight check --deep`.")
        made = folder / "picture.jpg"
        _composed(shown).save(made, quality=JPEG_QUALITY, optimize=True)
        made.replace(destination)
    return destination


def choose(moments: Iterable[FrameChoice]) -> tuple[FrameChoice, ...]:
    """Return up to `ROWS` moments in order of time: one for each different text, the worst ones among them.

    Lines that one frame shows share its row.
    """
    worst: dict[str, FrameChoice] = {}
    for moment in sorted(moments, key=lambda moment: (-moment.severity, moment.time)):
        worst.setdefault(moment.words.casefold().strip() or f"{moment.time:.1f}", moment)
    ranked = sorted(_united(worst.values()), key=lambda moment: (-moment.severity, moment.time))
    weak = [moment for moment in ranked if moment.severity > 0][:ROWS]
    rest = [moment for moment in ranked if moment.severity <= 0]
    # Those without a weakness are spread over the whole video.
    left = ROWS - len(weak)
    spread = [rest[number * len(rest) // left] for number in range(left)] if len(rest) > left > 0 else rest[:left]
    return tuple(sorted((*weak, *spread), key=lambda moment: moment.time))


def _united(moments: Iterable[FrameChoice]) -> list[FrameChoice]:
    """Return the moments with those of one frame made one, their words joined."""
    united: list[FrameChoice] = []
    for moment in sorted(moments, key=lambda moment: moment.time):
        if united and moment.time - united[-1].time <= ONE_FRAME:
            words = " / ".join(filter(None, (united[-1].words, moment.words)))
            united[-1] = replace(united[-1], words=words, severity=max(united[-1].severity, moment.severity))
        else:
            united.append(moment)
    return united


def moments_of(reports: Sequence[Mapping[str, Any]], starts: Sequence[float] = (0.0,)) -> tuple[FrameChoice, ...]:
    """Return the middles of the removed texts in the removal reports of the segments.

    Args:
        reports: Of each segment, as JSON.
        starts: Where each segment begins in the result, in seconds.
    """
    found = []
    for report, start in zip(reports, starts, strict=False):
        for removed in report.get("removed") or ():
            text, quality = removed["track"], removed.get("quality") or {}
            found.append(
                FrameChoice(
                    time=start + (float(text["start"]) + float(text["end"])) / 2,
                    words=str(text.get("text") or ""),
                    severity=float(quality.get("residual_text") or 0),
                )
            )
    return tuple(found)


def most_different(differences: Mapping[float, float]) -> tuple[FrameChoice, ...]:
    """Return the moments of the largest differences in order of time, apart from each other where there is a choice."""
    ranked = sorted(differences, key=lambda moment: (-differences[moment], moment))
    chosen: list[float] = []
    for gap in (APART, 0.0):
        for moment in ranked:
            if len(chosen) < ROWS_WITHOUT_TEXTS and all(abs(moment - other) > gap for other in chosen):
                chosen.append(moment)
    return tuple(FrameChoice(time=moment) for moment in sorted(chosen)) or (FrameChoice(time=0.0),)


def _sampled(before: Path, after: Path, offset: float, folder: Path, ffmpeg: str) -> list[Row]:
    """Return the most different of the frames that are `STEP` apart, in order of time; one process reads them all."""
    inputs, outputs = list[str](), list[str]()
    for side, (path, start) in enumerate(((before, offset), (after, 0.0))):
        seek = ["-ss", f"{start:.3f}"] if start else []
        inputs += [*_ONE_THREAD, *seek, *tool.INPUT_GUARD, "-i", tool.local(path)]
        # The file's name tells the time in milliseconds.
        outputs += ["-map", f"{side}:v:0", "-vf", f"{_EVERY_STEP},{_FITTED}", "-pix_fmt", "rgb24"]
        outputs += ["-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-frame_pts", "1"]
        outputs += [tool.local(folder / f"s{side}-%d.bmp")]
    process.run([ffmpeg, *tool.QUIET, *inputs, *outputs], timeout=300)
    pairs: dict[float, tuple[Image.Image, Image.Image]] = {}
    for path in folder.glob("s1-*.bmp"):
        other = folder / path.name.replace("s1-", "s0-", 1)
        if other.exists():
            pairs[int(path.stem.partition("-")[2]) / 1000] = _opened(other), _opened(path)
    chosen = most_different({time: _difference(*pair) for time, pair in pairs.items()}) if pairs else ()
    return [(moment, *pairs[moment.time]) for moment in chosen]


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean over the picture of 255 where the two differ visibly, and of 0 elsewhere."""
    small = [image.convert("L").resize(_COMPARED) for image in (one, other)]
    apart = ImageChops.difference(*small).point(lambda level: 255 if level > _VISIBLE else 0)
    return float(ImageStat.Stat(apart).mean[0])


def _frames(
    before: Path, after: Path, moments: Sequence[FrameChoice], offset: float, folder: Path, ffmpeg: str
) -> list[Row]:
    """Return the moments of which both videos have a frame, with the frames; one process reads them all."""
    wanted = [(n, side, m) for n, m in enumerate(moments) for side in (0, 1)]
    for fast in (True, False):
        missing = [item for item in wanted if not _named(folder, item[0], item[1]).exists()]
        inputs, outputs = list[str](), list[str]()
        for place, (number, side, moment) in enumerate(missing):
            seek = ["-ss", f"{moment.time + (0.0 if side else offset):.3f}"]
            path = after if side else before
            # A fast seek behind the last keyframe of a transport stream yields nothing; reading up to there does.
            inputs += [*_ONE_THREAD, *(seek if fast else ()), *tool.INPUT_GUARD, "-i", tool.local(path)]
            outputs += ["-map", f"{place}:v:0", *(() if fast else seek), "-vf", _FITTED, "-frames:v", "1"]
            outputs += ["-pix_fmt", "rgb24", "-update", "1", tool.local(_named(folder, number, side))]
        if missing:
            process.run([ffmpeg, *tool.QUIET, *inputs, *outputs], timeout=300)
    found = []
    for number, moment in enumerate(moments):
        pair = [_named(folder, number, side) for side in (0, 1)]
        if all(path.exists() and path.stat().st_size for path in pair):
            one, other = (Image.open(path).convert("RGB") for path in pair)
            found.append((moment, one, other))
    return found


def _named(folder: Path, number: int, side: int) -> Path:
    return folder / f"{number}-{side}.bmp"


def _composed(rows: Sequence[Row]) -> Image.Image:
    """Return the picture of all rows, each under a bar with its time and words."""
    width = max(one.width for _, one, _ in rows)
    heights = [BAR + one.height for _, one, _ in rows]
    picture = Image.new("RGB", (2 * width + DIVIDER, sum(heights)), _DARK)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    top = 0
    for (moment, one, other), height in zip(rows, heights, strict=True):
        label = f"before   {moment.time:.2f} s   {_printable(moment.words)}"
        pen.text((6, top + 4), label[:LONGEST_LABEL], font=font, fill=_LIGHT)
        pen.text((width + DIVIDER + 6, top + 4), "after", font=font, fill=_LIGHT)
        picture.paste(one, (0, top + BAR))
        # Both sides get the size of the left one, so that they line up.
        picture.paste(other.resize(one.size) if other.size != one.size else other, (width + DIVIDER, top + BAR))
        pen.rectangle((width, top, width + DIVIDER - 1, top + height), fill=_LIGHT)
        top += height
    return picture


def _printable(words: str) -> str:
    """Return the words in the letters that the font has glyphs for: plain Latin ones."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", words) if " " <= letter <= "~").strip()


def _differences(before: Path, after: Path, offset: float, *, ffmpeg: str) -> dict[float, float]:
    """Return how much the two differ, by time in seconds of the result."""
    small = f"{_EVERY_STEP},scale={_COMPARED[0]}:{_COMPARED[1]},format=gray"
    graph = (
        f"[0:v:0]{small}[a];[1:v:0]{small}[b];[a][b]blend=all_mode=difference:shortest=1,lut=y='if(gt(val,{_VISIBLE}),255,0)',signalstats,"
        "metadata=mode=print:key=lavfi.signalstats.YAVG:file=-"
    )
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-v", "error"]
    for path, start in ((before, offset), (after, 0.0)):
        argv += [*(("-ss", f"{start:.3f}") if start else ()), *tool.INPUT_GUARD, "-i", tool.local(path)]
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
