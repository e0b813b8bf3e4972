"""Nothing is lost of sources with jumping clocks, missing times, held frames, odd streams or any orientation."""

from fractions import Fraction
from itertools import chain
from pathlib import Path

import pytest

from fixtures import awkward, clips
from fixtures.checker import checker, hashes, measure, times
from preflight.fixing import apply, plan
from preflight.model.job import Fixed
from preflight.model.limits import DEFAULT_LIMITS, Limits
from preflight.model.plan import Action
from preflight.restore import finish
from preflight.tools import ffmpeg, mp4_tables, packets

FFMPEG = ffmpeg.find()
SHORT = Limits(max_seconds=Fraction(6))


def fixed(
    clip: Path, *, limits: Limits = DEFAULT_LIMITS, trim: tuple[Fraction, Fraction] | None = None, safe: bool = False
) -> Fixed:
    made = plan(checker(limits)(clip), trim=trim, safe=safe)
    assert made.refusal is None, made.refusal
    return apply(made, clip.parent / "out", recheck=checker(limits), ffmpeg=FFMPEG)


def frames(result: Fixed) -> list[str]:
    return list(chain.from_iterable(hashes(segment.media.path) for segment in result.segments))


@pytest.fixture(params=awkward.SOURCES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return awkward.SOURCES[request.param](tmp_path)


def test_split_and_join_keep_every_frame(source: Path, tmp_path: Path) -> None:
    result = fixed(source, limits=SHORT)
    assert len(result.segments) > 1
    assert len(frames(result)) == awkward.FRAMES
    joined = finish(
        [segment.media.path for segment in result.segments],
        result,
        tmp_path / f"joined{result.segments[0].media.path.suffix}",
        keep_audio=True,
        ffmpeg=FFMPEG,
    )
    assert len(hashes(joined)) == awkward.FRAMES
    assert measure(joined).audio


def test_trim_keeps_the_frames_of_its_range(source: Path) -> None:
    result = fixed(source, trim=(Fraction(3), Fraction("8.5")))
    first = times(result.segments[0].media.path)
    assert len(frames(result)) in {137, 138}
    assert first[-1] - first[0] == pytest.approx(5.45, abs=0.06)


@pytest.mark.parametrize("name", ["held.mp4", "held.gif"])
def test_last_frame_is_held_as_long_as_in_the_source(name: str, tmp_path: Path) -> None:
    clip = awkward.held_last_frame(tmp_path / name)
    limits = Limits(max_long_side=80, max_short_side=80)
    before = packets.scan(clip, ffmpeg=clips.FFMPEG).end(0)
    result = fixed(clip, limits=limits).segments[0].media.path
    assert packets.scan(result, ffmpeg=clips.FFMPEG).end(0) == pytest.approx(before, abs=0.05)
    assert before > 5


def test_last_frame_of_a_stream_without_durations_is_shown(tmp_path: Path) -> None:
    clip = awkward.stream(tmp_path / "a.ts", "-an", "-frames:v", "8")
    assert len(frames(fixed(clip))) == 8


def test_edit_list_keeps_what_it_shows(tmp_path: Path) -> None:
    clip = awkward.edited(tmp_path)
    result = fixed(clip, limits=Limits(max_seconds=Fraction(6)))
    assert sum(len(times(segment.media.path)) for segment in result.segments) == len(times(clip))


@pytest.mark.parametrize("extension", ["mp4", "mov"])
def test_audio_of_an_unknown_codec_costs_no_other_track(extension: str, tmp_path: Path) -> None:
    clip = awkward.unknown_audio(tmp_path / f"a.{extension}")
    result = fixed(clip, trim=(Fraction(3), Fraction(9)))
    media = result.segments[0].media
    assert len(frames(result)) == 150
    assert len(media.audio) == (1 if extension == "mp4" else 2)
    assert ("zzzz" in result.plan.cost.loss) == (extension == "mp4")


def test_channels_with_a_side_are_encoded(tmp_path: Path) -> None:
    clip = awkward.one_sided_channels(tmp_path / "a.mov")
    media = fixed(clip, safe=True).segments[0].media
    assert [(stream.codec, stream.channels) for stream in media.audio] == [("aac", 1), ("aac", 1)]


def test_subtitle_behind_the_end_is_cut_and_named(tmp_path: Path) -> None:
    result = fixed(awkward.long_subtitle(tmp_path / "a.mkv"))
    assert result.plan.actions == (Action.DROP,)
    assert "subtitles" in result.plan.cost.loss
    assert result.segments[0].media.duration == pytest.approx(12, abs=0.1)
    assert len(frames(result)) == awkward.FRAMES


@pytest.mark.parametrize("name", awkward.MATRICES)
def test_encoded_frames_are_upright_whatever_the_matrix(name: str, tmp_path: Path) -> None:
    seed = clips.clip(tmp_path / "seed.mp4", size=(128, 64), seconds=0.2, audio=False)
    clip = awkward.displayed(seed, tmp_path / "a.mp4", awkward.MATRICES[name])
    limits = Limits(max_long_side=64, max_short_side=64)
    result = fixed(clip, limits=limits).segments[0].media.path
    assert mp4_tables.video_matrices(result) == [(1 << 16, 0, 0, 1 << 16)]
    similarity = _similarity(clip, result)
    assert similarity > 0.9


@pytest.mark.parametrize("name", awkward.MATRICES)
def test_copied_frames_keep_their_matrix(name: str, tmp_path: Path) -> None:
    seed = clips.clip(tmp_path / "seed.mp4", size=(128, 64), seconds=8, audio=False, output=["-g", "25"])
    clip = awkward.displayed(seed, tmp_path / "a.mp4", awkward.MATRICES[name])
    wanted = mp4_tables.video_matrices(clip)
    result = fixed(clip, limits=SHORT)
    assert [mp4_tables.video_matrices(segment.media.path) for segment in result.segments] == [wanted] * 2
    cleaned = [segment.media.path for segment in result.segments]
    joined = finish(cleaned, result, tmp_path / "b.mp4", keep_audio=True, ffmpeg=FFMPEG)
    assert mp4_tables.video_matrices(joined) == wanted


def _similarity(clip: Path, result: Path) -> float:
    """Return how alike the first frames of two clips are, the first as ffmpeg displays it (SSIM, 1 for equal)."""
    import re
    import subprocess

    graph = "[0:v]scale=64:64,format=gray[a];[1:v]scale=64:64,format=gray[b];[a][b]ssim"
    argv = [
        clips.FFMPEG,
        "-hide_banner",
        "-i",
        clip,
        "-i",
        result,
        "-lavfi",
        graph,
        "-frames:v",
        "1",
        "-f",
        "null",
        "-",
    ]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stderr
    found = re.search(r"All:([\d.]+)", told)
    assert found is not None
    return float(found[1])
