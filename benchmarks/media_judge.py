"""Judge media files with ffprobe and ffmpeg alone: what a file shows, and what a file made from it lost or added.

Nothing here uses preflight's own probe. Times are seconds as exact fractions of the stream's time base.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

TIMEOUT = 150
"""Seconds that one process of the judge may take; files are up to 4 MB."""
MAX_SIDE_ERROR = 2
"""Pixels by which an encoded side may differ: an encoder needs even ones, and MediaInfo rounds a GIF's SAR."""
TICK = Fraction(2, 1000)
"""Seconds by which the times of a frame may differ between containers: Matroska and FLV round to 1 ms at both ends."""
MAX_SYNC = Fraction(45, 1000)
"""Seconds by which the distance of sound and picture may change where the frame rate is unknown."""
MAX_SYNC_ENCODED = Fraction(8, 100)
"""Seconds by which encoded sound may begin later or earlier by its packets."""
GLITCH = 40
"""Frames around two of the same time whose times may be a frame wrong in the source."""
MAX_FRAMES = 60_000
"""Decoded frames that are kept of one file."""

DEMUX_SINCE = 7
"""Major version of ffmpeg from which `-enc_time_base` takes `demux`; before, it was -1."""

MAX_DIFFERENCE = 10
"""Mean difference of gray levels of 8x8 pixels up to which an encoded frame is the source's."""

FAMILIES = {
    "mov,mp4,m4a,3gp,3g2,mj2": "mp4", "matroska,webm": "mkv", "avi": "avi", "mpegts": "mpeg-ts", "mpeg": "mpeg-ps",
    "flv": "flv", "asf": "asf", "ogg": "ogg", "gif": "gif",
}  # fmt: skip
"""ffprobe's demuxers as preflight's containers; `mp4` stands for the whole family of ISO files, `mkv` for WebM too."""
NAMES = {"mp4": {"mp4", "mov"}, "mkv": {"mkv", "webm"}, "avi": {"avi"}}
"""Extensions under which the service takes a family."""


class JudgeError(Exception):
    """The judge itself could not finish: a time-out, or output that is not to be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A stream: its packets as (time, size, digest), without those that an edit list hides."""

    kind: str
    codec: str
    tag: str
    cover: bool
    rotation: int
    mirrored: bool
    sar: Fraction
    color: tuple[str, ...]
    duration: Fraction | None
    packets: tuple[tuple[Fraction, int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a file shows: `frames` are (time, digest) of the first real video, `size` is that of its first frame."""

    family: str
    duration: Fraction | None
    tracks: tuple[Track, ...] = ()
    frames: tuple[tuple[Fraction, str], ...] = ()
    size: tuple[int, int] | None = None
    complaints: tuple[str, ...] = ()
    path: Path = Path()
    ffmpeg: str = ""

    @property
    def video(self) -> Track | None:
        """The first video that is no cover picture."""
        return next((t for t in self.tracks if t.kind == "video" and not t.cover), None)

    @property
    def extent(self) -> Fraction | None:
        """Seconds from the first packet to the end of the last; sound and frames last as long as the others."""
        tracks = [t for t in self.tracks if t.kind in {"video", "audio", "subtitle"} and not t.cover and t.packets]
        times = [sorted(time for time, _, _ in track.packets) for track in tracks]
        lasts = [
            row[-1] + (0 if track.kind == "subtitle" else (row[-1] - row[0]) / max(1, len(row) - 1))
            for track, row in zip(tracks, times, strict=True)
        ]
        return max(lasts) - min(row[0] for row in times) if times else None

    @property
    def start(self) -> Fraction:
        """The first shown moment of picture and sound."""
        tracks = [t for t in self.tracks if t.kind in {"video", "audio"} and not t.cover and t.packets]
        times = [min(time for time, _, _ in t.packets) for t in tracks if t.kind == "audio"]
        return min([*times, *(time for time, _ in self.frames[:1])], default=Fraction(0))

    @property
    def sound(self) -> tuple[Track, ...]:
        """Every track of sound."""
        return tuple(t for t in self.tracks if t.kind == "audio")

    @property
    def readable(self) -> bool:
        """Whether a decoder shows frames."""
        return bool(self.frames)


def output(*argv: str | Path) -> tuple[int, str, str]:
    """Return exit code, output and errors. Raises JudgeError after `TIMEOUT`."""
    try:
        done = subprocess.run([*map(str, argv)], capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise JudgeError(f"time-out of {Path(argv[0]).name}") from error
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def facts(path: Path, *, ffmpeg: str, ffprobe: str = "ffprobe") -> Facts:
    """Return what `path` shows by these tools. Raises JudgeError."""
    shown = ("-show_format", "-show_streams", "-show_packets", "-show_data_hash", "CRC32")
    _, text, errors = output(ffprobe, "-v", "error", *shown, "-of", "json", f"file:{path}")
    try:
        data = json.loads(text or "{}")
    except ValueError as error:
        raise JudgeError("ffprobe's JSON") from error
    tracks = _tracks(data)
    family = data.get("format", {}).get("format_name", "")
    result = Facts(
        family=FAMILIES.get(family, family),
        duration=_fraction(data.get("format", {}).get("duration")),
        tracks=tuple(tracks.values()),
        complaints=tuple(errors.splitlines()[:5]),
        path=path,
        ffmpeg=ffmpeg,
    )
    number = next((n for n, t in tracks.items() if t is result.video), None)
    if number is None:
        return result
    frames, size, said = decoded(path, ffmpeg, number)
    return replace(result, frames=frames, size=size, complaints=(*result.complaints, *said[:5]))


@functools.cache
def major(ffmpeg: str) -> int:
    """Return the major version of an ffmpeg. Raises JudgeError where it states none."""
    match = re.search(r"version n?(\d+)", output(ffmpeg, "-version")[1])
    if match is None:
        raise JudgeError(f"version of {ffmpeg}")
    return int(match[1])


def decoded(
    path: Path, ffmpeg: str, index: int
) -> tuple[tuple[tuple[Fraction, str], ...], tuple[int, int] | None, list[str]]:
    """Return times and digests of the decoded frames of stream `index`, the size of the first, and complaints."""
    # The stream's own time base: by default times are rounded to those of a constant frame rate.
    exact = ("-fps_mode", "passthrough", "-enc_time_base", "demux" if major(ffmpeg) >= DEMUX_SINCE else "-1")
    wanted = ("-map", f"0:{index}", *exact, "-copyts", "-frames:v", str(MAX_FRAMES), "-f", "framemd5", "-")
    _, text, errors = output(ffmpeg, "-v", "error", "-nostdin", "-noautorotate", "-i", f"file:{path}", *wanted)
    base, size, frames = Fraction(1), None, []
    for line in text.splitlines():
        if line.startswith("#tb 0:"):
            base = Fraction(line.split(":")[1].strip())
        elif line.startswith("#dimensions 0:"):
            width, height = line.split(":")[1].strip().split("x")
            size = int(width), int(height)
        elif line[:1].isdigit():
            fields = line.split(",")
            frames.append((int(fields[2]) * base, fields[5].strip()))
    return tuple(frames), size, errors.splitlines()


def _tracks(data: dict[str, Any]) -> dict[int, Track]:
    packets: dict[int, list[tuple[Fraction, int, str]]] = {}
    for packet in data.get("packets", ()):
        time = _fraction(packet.get("pts_time", packet.get("dts_time")))
        if "D" not in packet.get("flags", ""):
            row = (time or Fraction(0), int(packet.get("size", 0)), packet.get("data_hash", ""))
            packets.setdefault(packet["stream_index"], []).append(row)
    return {s["index"]: _track(s, packets.get(s["index"], [])) for s in data.get("streams", ())}


def _track(stream: dict[str, Any], packets: list[tuple[Fraction, int, str]]) -> Track:
    side = stream.get("side_data_list", ())
    matrix = next((s.get("displaymatrix", "") for s in side if "displaymatrix" in s), "")
    numbers = [int(word) for line in matrix.splitlines() for word in line.split(":")[-1].split()]
    turned = next((round(float(s["rotation"])) for s in side if "rotation" in s), 0)
    shape = stream.get("sample_aspect_ratio", "1:1").replace(":", "/")
    top, _, bottom = shape.partition("/")
    return Track(
        kind=stream.get("codec_type", "data"),
        codec=stream.get("codec_name", "unknown"),
        tag=stream.get("codec_tag_string", ""),
        cover=bool(stream.get("disposition", {}).get("attached_pic")),
        rotation=turned % 360,
        mirrored=len(numbers) == 9 and numbers[0] * numbers[4] - numbers[1] * numbers[3] < 0,
        sar=Fraction(int(top), int(bottom)) if int(top or 0) and int(bottom or 0) else Fraction(1),
        color=tuple(stream.get(name, "") for name in ("color_space", "color_transfer", "color_primaries")),
        duration=_fraction(stream.get("duration")),
        packets=tuple(packets),
    )


def _fraction(text: Any) -> Fraction | None:
    try:
        return Fraction(str(text))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a plan says of its files: which kinds of streams are left out, and what is copied, trimmed or split."""

    copied: bool
    """The picture is copied, so that each frame decodes to the same samples."""
    sound_copied: bool = True
    dropped: Counter[str] = field(default_factory=Counter)
    """Streams left out, by kind; cover pictures come back later and never count."""
    trim: tuple[Fraction, Fraction] | None = None
    """Seconds after the first shown moment of the source."""
    sound_end: Fraction | None = None
    resized: bool = False
    repainted: bool = False
    """The content of frames changes, as it does where text is removed."""
    rates_may_change: bool = False


def losses(source: Facts, parts: list[Facts], promise: Promise) -> list[str]:
    """Return the classes of difference between `source` and the files made from it, together and in order."""
    codecs = {part.video.codec for part in parts if part.video}
    if source.video is None or codecs != {source.video.codec}:
        # A trim that begins between keyframes encodes the picture, which its plan tells only when it is carried out.
        promise = replace(promise, copied=False)
    found = _frames(source, parts, promise)
    for number in range(len(source.sound)):
        found += _sound(source, parts, promise, number)
    kinds = Counter(t.kind for t in source.tracks if not t.cover and t.packets) - promise.dropped
    for part in parts:
        held = Counter(t.kind for t in part.tracks if not t.cover)
        missing = kinds - held
        if _is_silent(source, parts, promise):
            missing.pop("audio", None)
        found += [f"fix: {kind} track missing" for kind in missing if kind in {"video", "audio"}]
        if len(parts) == 1 and promise.trim is None:
            found += [f"fix: {kind} track missing" for kind in kinds - held if kind == "subtitle"]
        found += _look(source, part, promise)
    return sorted(set(found))


def _is_silent(source: Facts, parts: list[Facts], promise: Promise) -> bool:
    """Return whether a part may have no sound: all packets are in the others, or end before the range of a trim."""
    if promise.trim is not None:
        start = source.start + promise.trim[0]
        return all(time < start for track in source.sound for time, _, _ in track.packets)
    there = sum(len(track.packets) for part in parts for track in part.sound)
    return len(parts) > 1 and there >= sum(len(track.packets) for track in source.sound)


def _frames(source: Facts, parts: list[Facts], promise: Promise) -> list[str]:
    before = list(source.frames)
    if promise.trim is not None:
        # Versions of ffmpeg differ in whether sound that a decoder drops at its start counts for the start of a file.
        starts = {source.start, before[0][0] if before else source.start}
        return (
            [] if any(_trimmed(source, parts, promise.trim, start) for start in starts) else ["fix: frames of a trim"]
        )
    after = [frame for part in parts for frame in part.frames]
    if len(after) != len(before):
        return [f"fix: frames {'missing' if len(after) < len(before) else 'added'}"]
    same = promise.repainted or [digest for _, digest in after] == [digest for _, digest in before]
    if not same and not _alike(source, parts):
        return ["fix: content of frames"]
    if promise.rates_may_change:
        return []
    first = 0
    for part in parts:
        count = len(part.frames)
        old, new = _shown(tuple(before[first : first + count])), _shown(part.frames)
        first += count
        if not _same_times([time for time, _ in old], [time for time, _ in new]):
            return ["fix: times of frames"]
    return []


def _same_times(old: list[Fraction], new: list[Fraction]) -> bool:
    """Return whether frames have the same times.

    Where the source has two frames at one time, which nobody can show, those around may be up to a frame elsewhere.
    """
    steps = sorted(b - a for a, b in pairwise(old))
    usual = steps[len(steps) // 2] if steps else Fraction(0)
    twins = {number for number, (a, b) in enumerate(pairwise(old)) if a == b}
    loose = {number for twin in twins for number in range(twin - GLITCH, twin + GLITCH)}
    allowed = (usual + TICK if number in loose else TICK for number in range(len(old)))
    rising = not twins or all(a < b for a, b in pairwise(new))
    return rising and all(abs(a - b) <= limit for a, b, limit in zip(old, new, allowed, strict=True))


def _trimmed(source: Facts, parts: list[Facts], trim: tuple[Fraction, Fraction], zero: Fraction) -> bool:
    """Return whether the parts show the frames of the range `trim`, which counts from `zero`, at their times."""
    start, end = (zero + time for time in trim)
    # A frame at the very edge may fall on either side of it: the clocks of containers round.
    edges = [frame for frame in source.frames if min(abs(frame[0] - start), abs(frame[0] - end)) <= TICK]
    inside = [frame for frame in source.frames if start <= frame[0] < end and frame not in edges]
    after = [time for part in parts for time, _ in part.frames]
    if not len(inside) <= len(after) <= len(inside) + len(edges):
        return False
    wanted = sorted([*inside, *edges])
    for skipped in range(len(wanted) - len(after) + 1):
        times = [time - wanted[skipped][0] for time, _ in wanted[skipped : skipped + len(after)]]
        if _same_times(times, [time - after[0] for time in after]):
            return True
    return not after


def thumbnails(shown: Facts) -> list[bytes]:
    """Return each frame as a player shows it, turned and flipped, in 8x8 gray pixels."""
    argv = (
        shown.ffmpeg,
        "-v",
        "error",
        "-nostdin",
        "-i",
        f"file:{shown.path}",
        "-map",
        "0:V:0",
        "-frames:v",
        str(MAX_FRAMES),
    )
    wanted = (
        "-fps_mode",
        "passthrough",
        "-vf",
        "scale=64:64:flags=area,scale=8:8:flags=area,format=gray",
        "-f",
        "rawvideo",
        "-",
    )
    try:
        done = subprocess.run([*argv, *wanted], capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise JudgeError("time-out of thumbnails") from error
    return [done.stdout[at : at + 64] for at in range(0, len(done.stdout), 64)]


def _alike(source: Facts, parts: list[Facts]) -> bool:
    """Return whether each frame of the parts looks like the source's, as one does that was encoded."""
    before = thumbnails(source)
    after = [frame for part in parts for frame in thumbnails(part)]
    return len(before) == len(after) and all(
        sum(abs(x - y) for x, y in zip(a, b, strict=True)) <= MAX_DIFFERENCE * 64
        for a, b in zip(before, after, strict=True)
    )


def _shown(frames: tuple[tuple[Fraction, str], ...]) -> list[tuple[Fraction, str]]:
    """Return the frames with times from the first one on."""
    start = frames[0][0] if frames else Fraction(0)
    return [(time - start, digest) for time, digest in frames]


def _sound(source: Facts, parts: list[Facts], promise: Promise, number: int) -> list[str]:
    old = source.sound[number]
    new = [part.sound[number] for part in parts if number < len(part.sound)]
    if len(new) < len(parts) or not old.packets:
        return []  # A missing track is told by its kind.
    found = []
    cut = promise.trim is not None or promise.sound_end is not None
    if promise.sound_copied and not cut and sum(len(t.packets) for t in new) < len(old.packets):
        found.append("fix: sound packets missing")
    if promise.sound_copied and not cut and sum(len(t.packets) for t in new) > len(old.packets) + 2 * (len(parts) - 1):
        found.append("fix: sound packets added")
    first = parts[0]
    if promise.trim is None and source.frames and first.frames and new[0].packets:
        drift = (new[0].packets[0][0] - first.frames[0][0]) - (old.packets[0][0] - source.frames[0][0])
        # A decoder's delay that a container does not state (wmav2: 2,048 samples), and a packet of AAC.
        allowed = _frame_time(source) if promise.sound_copied else max(_frame_time(source), MAX_SYNC_ENCODED)
        if abs(drift) > allowed:
            found.append("fix: sync of sound and picture")
    if not promise.sound_copied and not cut and abs(sum(map(_span, new)) - _span(old)) > len(parts) * Fraction(1, 10):
        found.append("fix: length of encoded sound")
    return found


def _span(track: Track) -> Fraction:
    times = [time for time, _, _ in track.packets]
    return max(times) - min(times) if times else Fraction(0)


def _frame_time(source: Facts) -> Fraction:
    steps = sorted(b - a for (a, _), (b, _) in zip(source.frames, source.frames[1:], strict=False))
    return max(MAX_SYNC, steps[len(steps) // 2]) if steps else MAX_SYNC


def _look(source: Facts, part: Facts, promise: Promise) -> list[str]:
    old, new = source.video, part.video
    if old is None or new is None:
        return []
    found = []
    # A part may be encoded though the plan copies, where its codec can't be cut: it is then upright.
    upright = (new.rotation, new.mirrored) == (0, False) and _same_display(source, part)
    if promise.copied and (old.rotation, old.mirrored) != (new.rotation, new.mirrored) and not upright:
        found.append("fix: orientation")
    if promise.copied and old.sar != new.sar and not upright:
        found.append("fix: SAR")
    if promise.copied and any(
        a not in {"", "unknown", "reserved", b} for a, b in zip(old.color, new.color, strict=True)
    ):
        found.append("fix: color tags")
    if not promise.resized and not promise.copied and not _same_display(source, part):
        found.append("fix: display size")
    return found


def _display(shown: Facts) -> tuple[int, int]:
    """Return the display size."""
    width, height = shown.size or (0, 0)
    track = shown.video
    if track is not None:
        width = round(width * track.sar) if track.sar > 1 else width
        height = round(height / track.sar) if track.sar < 1 else height
        if track.rotation % 180:
            width, height = height, width
    return width, height


def _same_display(one: Facts, other: Facts) -> bool:
    """Return whether both are shown at the same size, up to even sides and a rounded SAR."""
    return all(abs(a - b) <= MAX_SIDE_ERROR for a, b in zip(_display(one), _display(other), strict=True))
