"""Splits of real files: every picture once, in order; packets copied wherever a keyframe allows it."""

from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path

import pytest

from fixtures import cases, clips
from fixtures.checker import chapters, checker, hashes, measure, times
from preflight.errors import InputError
from preflight.fixing import apply, plan
from preflight.model.job import Fixed
from preflight.model.limits import Limits
from preflight.model.plan import Action, Policy
from preflight.tools import ffmpeg, manifest

FFMPEG = ffmpeg.find()
LIMITS = Limits(max_seconds=Fraction(5))
SIZE = (160, 90)


def split(clip: Path, into: Path, limits: Limits = LIMITS, policy: Policy = Policy.BALANCED) -> Fixed:
    made = plan(checker(limits)(clip), policy=policy)
    assert Action.SPLIT in made.actions
    return apply(made, into, recheck=checker(limits), ffmpeg=FFMPEG)


def shown(fixed: Fixed) -> list[str]:
    return list(chain.from_iterable(hashes(segment.media.path) for segment in fixed.segments))


def sound(fixed: Fixed) -> list[float]:
    """Return when each packet of sound is heard, in seconds from the first of all pictures, which are 0.04 s apart."""
    heard, number = list[float](), 0
    for path in (segment.media.path for segment in fixed.segments):
        pictures = times(path)
        heard += [time - pictures[0] + number * 0.04 for time in times(path, "0:a:0")]
        number += len(pictures)
    return heard


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv", "avi", "webm"])
def test_pictures_are_the_source_s_exactly(extension: str, tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / f"a.{extension}", size=SIZE, seconds=10, output=["-g", "25"])
    fixed = split(clip, tmp_path / "out")
    assert len(fixed.segments) == 3
    assert shown(fixed) == hashes(clip)
    assert all(segment.media.duration <= LIMITS.max_seconds for segment in fixed.segments if segment.media.duration)


@pytest.mark.parametrize("extension", ["mp4", "mkv", "webm"])
def test_sound_has_neither_gap_nor_overlap(extension: str, tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / f"a.{extension}", size=SIZE, seconds=10, output=["-g", "25"])
    fixed = split(clip, tmp_path / "out")
    # Half a packet.
    assert sound(fixed) == pytest.approx(times(clip, "0:a:0"), abs=0.01)


@pytest.mark.parametrize("options", [("-g", "25"), ("-g", "1000", "-preset", "veryfast")], ids=["copied", "mended"])
def test_each_segment_has_its_stretch_of_chapters(options: tuple[str, ...], tmp_path: Path) -> None:
    seed = clips.clip(tmp_path / "seed.mp4", size=SIZE, seconds=12, output=options)
    fixed = split(cases.with_chapters(seed, tmp_path / "a.mp4", seconds=3, count=4), tmp_path / "out")
    for segment in fixed.segments:
        start, end = segment.start, min(segment.end or 12, 12)
        whole = [(number * 3, number * 3 + 3) for number in range(4)]
        wanted = [(max(a, start) - start, min(b, end) - start) for a, b in whole if a < end and b > start]
        assert list(chain(*chapters(segment.media.path))) == pytest.approx(list(chain(*wanted)), abs=0.002)


def test_reordered_pictures_are_not_lost(tmp_path: Path) -> None:
    options = ["-preset", "veryfast", "-bf", "3", "-g", "25"]
    clip = clips.clip(tmp_path / "a.mp4", size=SIZE, seconds=10, output=options)
    assert shown(split(clip, tmp_path / "out")) == hashes(clip)


def test_transport_stream_is_remuxed_and_split(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.ts", size=SIZE, seconds=10, output=["-g", "25", "-c:a", "aac"])
    fixed = split(clip, tmp_path / "out")
    assert shown(fixed) == hashes(clip)
    assert fixed.segments[0].media.path.name == "a-fixed-1of3.mp4"


def test_one_long_group_is_cut_with_a_short_encode(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=SIZE, seconds=10, output=["-g", "1000", "-preset", "veryfast"])
    fixed = split(clip, tmp_path / "out")
    assert len(shown(fixed)) == 250
    assert shown(fixed)[:60] == hashes(clip)[:60]


def test_only_pictures_up_to_the_next_keyframe_are_encoded(tmp_path: Path) -> None:
    # Keyframes at 0, 2 and 9 s, parts of 4 s at most: the second cut lies inside the long group.
    options = ["-force_key_frames", "0,2,9", "-g", "1000", "-preset", "veryfast"]
    clip = clips.clip(tmp_path / "a.mp4", size=SIZE, seconds=10, output=options)
    fixed = split(clip, tmp_path / "out")
    before, after = hashes(clip), shown(fixed)
    assert len(after) == len(before)
    assert after[225:] == before[225:]


def test_open_groups_encode_the_few_pictures_in_front(tmp_path: Path) -> None:
    options = ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params"]
    options += ["keyint=50:min-keyint=50:bframes=3:b-adapt=0:open-gop=1:log-level=none:scenecut=0"]
    clip = clips.clip(tmp_path / "a.mp4", size=SIZE, seconds=10, output=options)
    fixed = split(clip, tmp_path / "out")
    before, after = hashes(clip), shown(fixed)
    assert len(after) == len(before)
    different = [number for number, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert len(different) <= 6 * (len(fixed.segments) - 1)


def test_lossless_policy_refuses_what_keyframes_do_not_allow(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=SIZE, seconds=10, output=["-g", "1000"])
    with pytest.raises(InputError, match="keyframes"):
        split(clip, tmp_path / "out", policy=Policy.LOSSLESS)


def test_large_file_is_split_by_bytes(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=(640, 360), seconds=4, output=["-g", "10", "-crf", "10"])
    limits = Limits(max_bytes=clip.stat().st_size * 2 // 3)
    fixed = split(clip, tmp_path / "out", limits)
    assert len(fixed.segments) == 2
    assert shown(fixed) == hashes(clip)
    assert all(segment.media.size <= limits.max_bytes for segment in fixed.segments)


def test_segments_are_even(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=SIZE, seconds=11, output=["-g", "12"])
    fixed = split(clip, tmp_path / "out")
    edges = [segment.start for segment in fixed.segments] + [11.0]
    assert [b - a for a, b in pairwise(edges)] == pytest.approx([11 / 3] * 3, abs=0.5)


def test_too_large_and_too_long_is_scaled_and_split(tmp_path: Path) -> None:
    limits = Limits(max_seconds=Fraction(3), max_long_side=160, max_short_side=90)
    clip = clips.clip(tmp_path / "a.mp4", size=(320, 180), seconds=5)
    fixed = split(clip, tmp_path / "out", limits)
    assert sum(len(hashes(segment.media.path)) for segment in fixed.segments) == 125
    assert {segment.media.video.display_size for segment in fixed.segments if segment.media.video} == {(160, 90)}


def test_manifest_says_how_to_join(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=SIZE, seconds=10, output=["-g", "25"])
    fixed = split(clip, tmp_path / "out")
    assert fixed.manifest is not None
    known = manifest.read(fixed.manifest)
    assert known.source == str(clip)
    assert [part.file for part in known.parts] == [s.media.path.name for s in fixed.segments]
    assert known.parts[-1].end == measure(clip).duration


def test_finished_split_is_used_again(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=SIZE, seconds=10, output=["-g", "25"])
    first = split(clip, tmp_path / "out")
    again = split(clip, tmp_path / "out")
    assert again.reused
    assert [s.media.path for s in again.segments] == [s.media.path for s in first.segments]
    first.segments[1].media.path.unlink()
    assert not split(clip, tmp_path / "out").reused


def test_encoded_segments_share_the_sound_out(tmp_path: Path) -> None:
    limits = Limits(max_seconds=Fraction(4), max_long_side=160, max_short_side=90)
    clip = clips.clip(tmp_path / "a.mkv", size=(320, 180), seconds=5, output=["-g", "1000"])
    fixed = split(clip, tmp_path / "out", limits)
    assert all(times(segment.media.path)[0] == pytest.approx(0, abs=0.04) for segment in fixed.segments)
    assert sound(fixed) == pytest.approx(times(clip, "0:a:0"), abs=0.01)


def test_codec_that_no_head_can_be_made_for_is_encoded_behind_the_cut(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.webm", size=SIZE, seconds=6, output=["-g", "1000"])
    fixed = split(clip, tmp_path / "out")
    assert len(shown(fixed)) == len(hashes(clip))
    assert {segment.media.container.value for segment in fixed.segments} == {"mkv"}


def test_segment_behind_the_end_of_the_sound_has_none(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "a.mp4", size=SIZE, seconds=10, output=["-g", "25", "-af", "atrim=duration=3"])
    fixed = split(clip, tmp_path / "out")
    assert [len(segment.media.audio) for segment in fixed.segments] == [1, 0, 0]
    assert shown(fixed) == hashes(clip)
