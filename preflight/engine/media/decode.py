"""Decode a video to planes of 8-bit 4:2:0 samples, upright, one frame at a time, through a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from preflight.engine.core import malloc
from preflight.engine.core.box import Box
from preflight.engine.core.yuv import bgr_from_planes
from preflight.engine.media.probe import FORMAT_CODE, Source
from preflight.errors import InputError
from preflight.model.media import ColorTags
from preflight.tools import appearance, ffmpeg, process

Plane = NDArray[np.uint8]
_TIME_BASES = re.compile(r"^#tb \d+: (\d+)/(\d+)", re.MULTILINE)
_TURN_UPRIGHT = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}
_QUIET = ("-v", "error", "-nostdin", "-noautorotate")
SMALL = r"crop=min(iw\,16):min(ih\,16):0:0"
"""Filter that leaves a corner of each frame, where its time alone is wanted."""
_TIDY = 128
"""Frames after which freed memory is given back, as it is before the first: what came before may have left a lot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One decoded picture: luma `y` and half-size chroma `u`, `v`, all upright; `index` counts from 0."""

    index: int
    y: Plane
    u: Plane
    v: Plane

    def color(self, box: Box) -> Plane:
        """Return the part inside `box` as blue, green, red of full size; what is off the picture repeats its edge."""
        height, width = self.y.shape
        inside = Box(max(0, box.x0), max(0, box.y0), min(width // 2 * 2, box.x1), min(height // 2 * 2, box.y1))
        even = inside.padded(0, width, height)
        color = self._even(even)[inside.moved(-even.x0, -even.y0).slices]
        if inside == box:
            return color
        gaps = inside.y0 - box.y0, box.y1 - inside.y1, inside.x0 - box.x0, box.x1 - inside.x1
        whole: Plane = cv2.copyMakeBorder(color, *gaps, cv2.BORDER_REPLICATE)
        return whole

    def _even(self, box: Box) -> Plane:
        x0, y0, x1, y1 = box.x0, box.y0, box.x1, box.y1
        return bgr_from_planes(
            self.y[y0:y1, x0:x1],
            self.u[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2],
            self.v[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2],
        )

    def shrunk(self, width: int, height: int) -> Plane:
        """Return the whole picture as blue, green, red at an even `width` x `height`."""
        half = (width // 2, height // 2)
        area = cv2.INTER_AREA
        return bgr_from_planes(
            cv2.resize(self.y, (width, height), interpolation=area),
            cv2.resize(self.u, half, interpolation=area),
            cv2.resize(self.v, half, interpolation=area),
        )


def decode(source: Source, program: str, *, stop: int | None = None, times: Path | None = None) -> Iterator[Frame]:
    """Yield the frames of `source` up to index `stop` (exclusive). Raises ToolError, InputError when none comes out.

    With `times`, ffmpeg writes there a listing of the frames' exact timestamps, for `parse_times`, in the same pass.
    Interlaced video is turned into whole frames at the same rate, since a fill would else tear the fields.
    """
    chain = ["bwdif=mode=send_frame:deint=interlaced"] if source.interlaced else []
    chain += [f"scale={source.width}:{source.height}:flags=area"] if source.shrunk else []
    # Small first: the conversion works in floating point.
    if source.shrunk and source.is_hdr:
        color = ColorTags(primaries=source.primaries, transfer=source.transfer, matrix=source.matrix)
        chain += [appearance.color_filter(color), appearance.TONE_MAP]
    filters = ["-vf", ",".join(chain)] if chain else []
    argv = [program, *_QUIET, "-copyts", *ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(source.path)]
    argv += ["-map", "0:V:0", *filters, *_planes(source)]
    argv += [] if stop is None else ["-frames:v", str(stop)]
    argv += ["-f", "rawvideo", "pipe:1"]
    if times is not None:
        base = f"{source.time_base.numerator}:{source.time_base.denominator}"
        # Times are all that is wanted, so the pictures that are summed up for the listing are small.
        argv += ["-map", "0:V:0", "-filter:v:0", SMALL, "-fps_mode:v:0", "passthrough"]
        # Only packets tell how long the last frame stays: decoders of ffmpeg 5 don't carry durations on.
        argv += ["-enc_time_base:v:0", base, "-map", "0:V:0", "-c:v:1", "copy"]
        argv += ["-y", "-f", "framecrc", ffmpeg.local(times)]
    count = 0
    for frame in _pictures(argv, source):
        yield frame
        count += 1
    if count == 0:
        raise InputError(f"{source.path.name} holds no frame that can be decoded.", code=FORMAT_CODE)


def decode_part(part: Path, source: Source, program: str) -> Iterator[Frame]:
    """Yield the frames of a bare H.264 stream `part`, which was taken out of `source`, numbered from 0."""
    marked = f"setparams=range={'pc' if source.full_range else 'tv'}"
    argv = [program, *_QUIET, "-f", "h264", "-i", ffmpeg.local(part), "-vf", marked, *_planes(source)]
    return _pictures([*argv, "-f", "rawvideo", "pipe:1"], source)


def _planes(source: Source) -> list[str]:
    return ["-fps_mode", "passthrough", "-pix_fmt", working_format(source)]


def _pictures(argv: Sequence[str], source: Source) -> Iterator[Frame]:
    """Yield what ffmpeg writes to its stdout as frames. Raises ToolError when it fails before the first."""
    malloc.release_freed_memory()
    with process.start(argv, stdout=process.PIPE) as running:
        index = 0
        while (data := _read(running, frame_bytes(source.width, source.height))) is not None:
            yield split(data, index, source)
            index += 1
            if index % _TIDY == 0:
                malloc.release_freed_memory()
        if running.wait() and index == 0:
            raise ffmpeg.failure(running.stderr_tail)


def at(source: Source, program: str, time: Fraction) -> Frame | None:
    """Return the frame shown at `time` (seconds from the file's start), None when there is none."""
    argv = [program, *_QUIET, "-ss", f"{float(time):.3f}", *ffmpeg.INPUT_GUARD]
    argv += ["-i", ffmpeg.local(source.path), "-map", "0:V:0", "-frames:v", "1", "-pix_fmt", working_format(source)]
    done = process.run([*argv, "-f", "rawvideo", "pipe:1"], timeout=60)
    size = frame_bytes(source.width, source.height)
    if len(done.stdout) < size:
        return None
    data = np.frombuffer(done.stdout, np.uint8, size)
    return split(data, 0, source)


def working_format(source: Source) -> str:
    """Return the pixel format that the engine works in: 8-bit 4:2:0 of the source's own range."""
    return "yuvj420p" if source.full_range else "yuv420p"


def frame_bytes(width: int, height: int) -> int:
    """Return the size in bytes of a 4:2:0 picture; odd sides round chroma up."""
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


def _read(running: process.Running, size: int) -> Plane | None:
    data: Plane = np.empty(size, np.uint8)
    view, filled = data.data, 0
    while filled < size:
        got = running.stdout.readinto(view[filled:])  # type: ignore[attr-defined]
        if not got:
            return None
        filled += got
    return data


def split(data: Plane, index: int, source: Source) -> Frame:
    """Return the planes of a packed 4:2:0 picture as they are shown."""
    width, height = source.width, source.height
    half_width, half_height = (width + 1) // 2, (height + 1) // 2
    luma, chroma = width * height, half_width * half_height
    planes = (
        data[:luma].reshape(height, width),
        data[luma : luma + chroma].reshape(half_height, half_width),
        data[luma + chroma :].reshape(half_height, half_width),
    )
    y, u, v = (to_shown(plane, source) for plane in planes)
    return Frame(index=index, y=y, u=u, v=v)


def to_shown(plane: Plane, source: Source) -> Plane:
    """Return a stored plane as players show it: turned counter-clockwise, then mirrored."""
    turned = cv2.rotate(plane, _TURN_UPRIGHT[source.turns % 4]) if source.turns % 4 else plane
    return cv2.flip(turned, 1) if source.mirrored else turned


def to_stored(plane: Plane, source: Source) -> Plane:
    """Return a shown plane as it is stored."""
    turned = cv2.flip(plane, 1) if source.mirrored else plane
    return cv2.rotate(turned, _TURN_UPRIGHT[-source.turns % 4]) if source.turns % 4 else turned


def parse_times(listing: str) -> tuple[int, ...]:
    """Return the presentation times of the first stream of a `framecrc` listing."""
    return tuple(pts for pts, _ in _listed(listing, 0))


def parse_last_duration(listing: str) -> int:
    """Return how long the picture that is shown last stays, in units of the first time base; 0 when that isn't known.

    The second stream of the `framecrc` listing has the packets.
    """
    bases = [Fraction(int(base[1]), int(base[2])) for base in _TIME_BASES.finditer(listing)]
    last = max(_listed(listing, 1), default=(0, 0))[1]
    return round(last * bases[1] / bases[0]) if last else 0


def _listed(listing: str, stream: int) -> list[tuple[int, int]]:
    rows = [line.split(",") for line in listing.splitlines() if line and not line.startswith("#")]
    return [(int(row[2]), int(row[3])) for row in rows if int(row[0]) == stream]
