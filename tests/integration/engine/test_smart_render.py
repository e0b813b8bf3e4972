"""Groups of pictures without text are copied, to the bit; all the others are encoded, to the frame."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures import clips
from preflight import engine
from preflight.engine import RemovalReport
from preflight.engine.media import decode
from preflight.engine.media.probe import inspect
from preflight.model.job import InpaintingBox, RemovalOptions
from preflight.tools import ffmpeg, packets, process

PROGRAM = ffmpeg.find()
GROUP, FRAMES = 10, 60
DELAY = Fraction(1, 50)
"""Seconds by which a file may be longer where all streams were moved behind the delay of the sound."""
SCENE = ("-f", "lavfi", "-i", f"{clips.gradients(320, 240, 2.4)},noise=alls=6:allf=t")
SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:duration=2.4")
X264 = ("-c:v", "libx264", "-preset", "fast", "-crf", "20", "-pix_fmt", "yuv420p", "-sc_threshold", "0")
CLOSED = (*X264, "-g", str(GROUP), "-bf", "3", "-x264-params", "b-pyramid=normal:b-adapt=0")
MIDDLE = (21, 27)
FIRST, LAST = (0, 2), (57, 60)


def source(path: Path, *options: str, inputs: Sequence[str] = SCENE) -> Path:
    """A moving scene with sound at `path`."""
    clips.run(*inputs, *SOUND, *(options or CLOSED), path)
    return path


def cleaned(path: Path, destination: Path, *spans: tuple[int, int], **wishes: Any) -> RemovalReport:
    """Fill a region on frames `spans` (first and the one behind the last) and return the report."""
    shown = times(path)
    ends = [*shown, shown[-1] + Fraction(1, 25)]
    place = {"x1": 0.2, "y1": 0.2, "x2": 0.4, "y2": 0.4}
    boxes = tuple(
        InpaintingBox(start=float(ends[a] - ends[0]), end=float(ends[b] - ends[0]) - 0.001, **place) for a, b in spans
    )
    options = RemovalOptions(inpainting_boxes=boxes)
    return engine.remove_text(path, destination, options, ffmpeg=PROGRAM, smart_encode=True, **wishes)


def times(path: Path) -> list[Fraction]:
    """Return the times at which a decoder shows the frames, which it must do without any complaint."""
    argv = [clips.FFMPEG, "-v", "warning", "-xerror", "-copyts", "-i", str(path)]
    argv += ["-map", "0:V:0", "-enc_time_base", "demux"]
    done = process.run([*argv, "-fps_mode", "passthrough", "-f", "framecrc", "-"])
    assert (done.status, done.stderr_tail) == (0, "")
    listing = packets.parse(done.stdout.decode().splitlines())
    return [packet.pts * listing.heads[0].time_base for packet in listing.packets]


def same(path: Path, other: Path) -> list[bool]:
    """Return for each frame whether all of its samples are equal in both files."""
    both = (decode.decode(inspect(each, PROGRAM), PROGRAM) for each in (path, other))
    return [
        all(np.array_equal(getattr(a, name), getattr(b, name)) for name in "yuv") for a, b in zip(*both, strict=True)
    ]


def groups(*numbers: int) -> set[int]:
    """Return the frames of the groups `numbers`."""
    return {frame for number in numbers for frame in range(number * GROUP, (number + 1) * GROUP)}


def sound(path: Path) -> list[tuple[Fraction, str, str]]:
    """Return time since the first picture, size and checksum of each packet of the sound; Matroska tells no lengths."""
    argv = [clips.FFMPEG, "-v", "error", "-copyts", "-i", str(path), "-map", "0:a", "-c", "copy", "-f", "framecrc", "-"]
    lines = process.run(argv).stdout.decode().splitlines()
    tick, first = packets.parse(lines).heads[0].time_base, times(path)[0]
    rows = [[word.strip() for word in line.split(",")] for line in lines if line[0] != "#"]
    return [(int(row[2]) * tick - first, row[4], row[5]) for row in rows]


def paced(path: Path) -> list[Fraction]:
    """Return the times of the frames since the first: ffmpeg 5 moves a Matroska file behind the delay of its sound."""
    shown = times(path)
    return [time - shown[0] for time in shown]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_groups_without_text_are_copied_to_the_bit(tmp_path: Path, name: str) -> None:
    given, out = source(tmp_path / name), tmp_path / f"out-{name}"
    report = cleaned(given, out, MIDDLE, LAST)
    assert (report.frames_copied, report.copied, report.notes) == (40, False, ())
    assert {number for number, equal in enumerate(same(given, out)) if equal} >= groups(0, 1, 3, 4)
    assert not any(same(given, out)[21:27])
    assert paced(out) == paced(given)
    assert sound(out) == sound(given)
    before, after = inspect(given, PROGRAM), inspect(out, PROGRAM)
    assert (after.time_base, after.rate) == (before.time_base, before.rate)
    assert before.duration is not None
    assert after.duration is not None
    assert abs(after.duration - before.duration) <= DELAY


def test_text_on_the_first_frame_and_between(tmp_path: Path) -> None:
    given, out = source(tmp_path / "a.mp4"), tmp_path / "out.mp4"
    assert cleaned(given, out, FIRST, MIDDLE, (41, 42)).frames_copied == 30
    assert {number for number, equal in enumerate(same(given, out)) if equal} >= groups(1, 3, 5)
    assert times(out) == times(given)


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    uneven = "select='not(eq(mod(n,5),3))',setpts=PTS+if(gt(N\\,20)\\,3/TB/50\\,0)"
    given, out = source(tmp_path / "a.mp4", "-vf", uneven, "-fps_mode", "passthrough", *CLOSED), tmp_path / "out.mp4"
    assert cleaned(given, out, MIDDLE).frames_copied == 38
    assert times(out) == times(given)
    assert len({b - a for a, b in pairwise(times(given))}) > 1


def test_a_file_trimmed_without_encoding_shows_no_more_than_before(tmp_path: Path) -> None:
    given, out = tmp_path / "a.mp4", tmp_path / "out.mp4"
    # Frames 10-13 are still in the file, since what follows leans on them.
    clips.run("-ss", "0.56", "-i", source(tmp_path / "whole.mp4"), "-c", "copy", given)
    assert len(times(given)) == FRAMES - 14
    assert cleaned(given, out, (17, 20)).frames_copied == 30
    assert times(out) == times(given)
    assert sum(same(given, out)) == 30


def test_tags_shape_rotation_and_parameter_sets_of_any_number_are_kept(tmp_path: Path) -> None:
    tags = "setsar=4/3,setparams=range=pc:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    stored = source(tmp_path / "stored.mp4", "-vf", tags, *CLOSED[:-1], f"{CLOSED[-1]}:sps-id=1")
    given, out = tmp_path / "a.mp4", tmp_path / "out.mp4"
    clips.run("-display_rotation", "90", "-i", stored, "-c", "copy", given)
    assert cleaned(given, out, MIDDLE).frames_copied == 50
    before, after = inspect(given, PROGRAM), inspect(out, PROGRAM)
    for name in ("width", "height", "sar", "turns", "time_base", "matrix", "primaries", "transfer", "full_range"):
        assert getattr(after, name) == getattr(before, name), name
    assert {number for number, equal in enumerate(same(given, out)) if equal} >= groups(0, 1, 3, 4, 5)


def test_open_groups_are_no_place_to_cut(tmp_path: Path) -> None:
    # Every third keyframe is one that pictures before it lean on.
    opened = (*X264, "-g", str(GROUP), "-bf", "3", "-x264-params", "open-gop=1:b-adapt=0", "-force_key_frames", "1.2")
    given, out = source(tmp_path / "a.mp4", *opened, "-forced-idr", "1"), tmp_path / "out.mp4"
    assert cleaned(given, out, MIDDLE).frames_copied == 30
    assert all(same(given, out)[30:])
    assert times(out) == times(given)


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("one-group.mp4", (*X264, "-g", "250"), "no group of pictures is without text"),
        ("another.mp4", ("-c:v", "mpeg4", "-q:v", "3", "-g", "10"), "not mpeg4"),
        ("deep.mp4", (*CLOSED, "-pix_fmt", "yuv420p10le"), "8-bit"),
        ("a.avi", (*X264, "-g", "10", "-bf", "0"), "avi"),
    ],
)
def test_what_cannot_be_copied_in_part_is_encoded_whole_and_said(
    tmp_path: Path, name: str, options: tuple[str, ...], reason: str
) -> None:
    given, out = source(tmp_path / name, *options), tmp_path / f"out-{name}"
    sheet = tmp_path / "sheet.png"
    report = cleaned(given, out, MIDDLE, sheet=sheet)
    assert report.frames_copied == 0
    assert any(reason in note for note in report.notes)
    assert times(out) == times(given)
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_nothing_is_left_beside_the_result(tmp_path: Path) -> None:
    given = source(tmp_path / "a.mp4")
    cleaned(given, tmp_path / "out.mp4", MIDDLE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "out.mp4"]
