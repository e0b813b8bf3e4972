"""What the probe tells of real streams, against what went into them."""

from fractions import Fraction
from pathlib import Path

import pytest

from fixtures import cases, clips
from preflight.model.media import Media, StreamKind, VideoStream
from preflight.probe import probe, sandbox_process
from preflight.probe.prober import interpret
from preflight.probe.sandbox import bmff, child
from preflight.probe.sandbox.library import MediaInfo


def media(path: Path) -> Media:
    subject = probe(path)
    assert isinstance(subject, Media), subject
    return subject


def video(path: Path) -> VideoStream:
    stream = media(path).video
    assert stream is not None
    return stream


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_in_every_container_that_has_one(
    small_mp4: Path, tmp_path: Path, extension: str, degrees: int
) -> None:
    turned = video(cases.turned(small_mp4, tmp_path / f"turned.{extension}", degrees))
    assert turned.display_size == ((320, 180) if degrees == 180 else (180, 320))


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv", "webm", "avi"])
def test_pixel_shape_is_exact(tmp_path: Path, extension: str) -> None:
    wide = clips.clip(
        tmp_path / f"a.{extension}", size=(720, 576), seconds=0.2, audio=False, output=("-vf", "setsar=16/15")
    )
    assert video(wide).sar == Fraction(16, 15)
    assert video(wide).display_size == (768, 576)


@pytest.mark.parametrize("extension", ["mp4", "mkv", "avi"])
def test_frame_rate_is_exact(tmp_path: Path, extension: str) -> None:
    ntsc = video(clips.clip(tmp_path / f"a.{extension}", rate="30000/1001", audio=False))
    assert ntsc.frame_rate == Fraction(30000, 1001)


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_interlaced_is_told(tmp_path: Path, extension: str) -> None:
    options = ("-vf", "interlace", "-flags", "+ilme+ildct", "-x264-params", "tff=1")
    assert video(clips.clip(tmp_path / f"a.{extension}", audio=False, output=options)).interlaced


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
@pytest.mark.parametrize(("encoder", "depth"), [("libsvtav1", 10), ("libx265", 10), ("libx264", 8)])
def test_bit_depth(tmp_path: Path, extension: str, encoder: str, depth: int) -> None:
    pixels = "yuv420p10le" if depth == 10 else "yuv420p"
    quick = ("-preset", "12") if encoder == "libsvtav1" else ("-preset", "ultrafast")
    made = clips.clip(
        tmp_path / f"a.{extension}",
        seconds=0.2,
        audio=False,
        output=("-c:v", encoder, *quick, "-pix_fmt", pixels, "-v", "quiet"),
    )
    assert (video(made).bit_depth, video(made).chroma) == (depth, "4:2:0")


def test_hdr_is_told(tmp_path: Path) -> None:
    color = "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    options = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", color, "-pix_fmt", "yuv420p10le")
    stream = video(clips.clip(tmp_path / "a.mp4", seconds=0.2, audio=False, output=options))
    assert stream.color.is_hdr
    assert (stream.color.primaries, stream.color.matrix) == ("bt2020", "bt2020nc")


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv", "webm"])
def test_variable_frame_rate_is_told(tmp_path: Path, extension: str) -> None:
    stretched = ("-vf", "setpts='PTS+if(gt(N,10),0.2/TB,0)'", "-fps_mode", "vfr")
    assert video(clips.clip(tmp_path / f"a.{extension}", output=stretched)).variable_frame_rate


@pytest.mark.parametrize("rate", ["24000/1001", "25", "120"])
@pytest.mark.parametrize("extension", ["mp4", "mkv", "webm"])
def test_constant_frame_rate_is_told(tmp_path: Path, extension: str, rate: str) -> None:
    assert not video(clips.clip(tmp_path / f"a.{extension}", rate=rate)).variable_frame_rate


def test_variable_frame_rate_of_a_live_recording_is_told(tmp_path: Path) -> None:
    stretched = ("-vf", "setpts='PTS+if(gt(N,5),0.2/TB,0)'", "-fps_mode", "vfr", "-live", "1")
    assert video(clips.clip(tmp_path / "a.webm", output=stretched)).variable_frame_rate


def test_first_picture_that_waits_for_the_sound_makes_no_varying_rate(tmp_path: Path) -> None:
    """Without an edit list the sound's priming is made up for by the length of the first picture."""
    options = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")
    stream = video(clips.clip(tmp_path / "f.mp4", seconds=2, output=options))
    assert (stream.frame_rate, stream.variable_frame_rate) == (25, False)


def test_variable_frame_rate_in_fragments_is_told(tmp_path: Path) -> None:
    stretched = (
        "-vf",
        "setpts='PTS+if(gt(N,10),0.2/TB,0)'",
        "-fps_mode",
        "vfr",
        "-movflags",
        "frag_keyframe+empty_moov",
    )
    assert video(clips.clip(tmp_path / "a.mp4", output=stretched)).variable_frame_rate


def test_layout_is_told(small_mp4: Path, tmp_path: Path) -> None:
    assert media(small_mp4).faststart is False
    assert media(cases.remux(small_mp4, tmp_path / "f.mp4", "-movflags", "+faststart")).faststart is True
    assert media(cases.remux(small_mp4, tmp_path / "q.mov")).brand == "qt  "
    assert media(cases.remux(small_mp4, tmp_path / "i.mkv")).indexed is True


@pytest.mark.parametrize("extension", ["mp4", "mkv", "mov"])
def test_chapters_are_counted(small_mp4: Path, tmp_path: Path, extension: str) -> None:
    assert media(cases.with_chapters(small_mp4, tmp_path / f"c.{extension}")).chapters == 2


def test_every_stream_keeps_the_index_ffmpeg_gives_it(small_mp4: Path, tmp_path: Path) -> None:
    made = tmp_path / "many.mkv"
    subtitle = tmp_path / "s.srt"
    subtitle.write_text("1\n00:00:00,000 --> 00:00:00,800\nHello\n")
    order = ("-map", "0:a", "-map", "1:s", "-map", "0:v", "-map", "0:a")
    clips.run("-i", small_mp4, "-i", subtitle, *order, "-c", "copy", "-c:s", "srt", made)
    kinds = [(s.index, s.kind) for s in media(made).streams]
    assert kinds == [
        (0, StreamKind.AUDIO), (1, StreamKind.SUBTITLE), (2, StreamKind.VIDEO), (3, StreamKind.AUDIO),
    ]  # fmt: skip


def test_fragments_are_added_up(tmp_path: Path) -> None:
    options = ("-movflags", "frag_keyframe+empty_moov", "-g", "5")
    made = media(clips.clip(tmp_path / "f.mp4", seconds=3, audio=False, output=options))
    assert made.fragmented
    assert made.duration is not None
    assert abs(made.duration - 3) < Fraction(1, 100)


@pytest.mark.parametrize("layout", [(), ("-movflags", "+faststart")])
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-flags", "+ilme+ildct", "-x264-params", "tff=1"),
        ("-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le"),
        ("-c:v", "libsvtav1", "-preset", "12"),
        ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
        ("-vf", "setsar=4/3", "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"),
    ],
)
def test_headers_alone_tell_the_same_as_the_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], layout: tuple[str, ...]
) -> None:
    file = clips.clip(tmp_path / "a.mp4", seconds=0.4, output=(*options, *layout, "-v", "quiet"))
    parser = MediaInfo(sandbox_process.library())
    told = []
    with file.open("rb") as opened:
        assert bmff.skippable_ranges(bmff.read(opened.fileno(), file.stat().st_size))
        for skippable in (bmff.skippable_ranges, lambda _: []):
            monkeypatch.setattr(bmff, "skippable_ranges", skippable)
            told.append(interpret(file, child.read_facts(parser, opened.fileno())))
    assert told[0] == told[1]


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv", "avi", "webm", "ts", "flv"])
def test_library_tells_the_same_without_its_sentences_for_people(tmp_path: Path, extension: str) -> None:
    odd = ("-vf", "setsar=4/3,setfield=tff") if extension in {"mp4", "mkv"} else ()
    file = clips.clip(tmp_path / f"a.{extension}", output=(*odd, "-metadata", "title=a"))
    parser = MediaInfo(sandbox_process.library())
    told = []
    with file.open("rb") as opened:
        for people in ("0", "1", "0"):
            parser.set_option("ReadByHuman", people)
            told.append(child.read_facts(parser, opened.fileno())["mediainfo"])
    assert told[0] == told[1] == told[2]
    assert "Video" in [track["@type"] for track in told[0]]


def test_file_before_leaves_no_trace(tmp_path: Path) -> None:
    file = clips.clip(tmp_path / "a.ts")
    parser = MediaInfo(sandbox_process.library())
    with file.open("rb") as opened:
        told = [child.read_facts(parser, opened.fileno())["mediainfo"] for _ in range(2)]
    assert told[0] == told[1]


def test_stale_statistics_do_not_count(small_mp4: Path, tmp_path: Path) -> None:
    tags = ("-metadata:s:v", "NUMBER_OF_FRAMES=21312", "-metadata:s:v", "BPS=1746111")
    stream = video(cases.remux(small_mp4, tmp_path / "stale.mkv", *tags))
    assert stream.frame_rate == 25


@pytest.mark.parametrize("extension", ["mp4", "mkv", "avi", "webm", "mov"])
def test_cut_file_is_told(tmp_path: Path, extension: str) -> None:
    fast = ("-movflags", "+faststart") if extension in {"mp4", "mov"} else ()
    whole = clips.clip(tmp_path / f"a.{extension}", output=fast)
    assert media(whole).missing_bytes == 0
    cut = media(cases.cut(whole, tmp_path / f"cut.{extension}", keep=0.7))
    assert cut.missing_bytes == whole.stat().st_size - cut.size


def test_avi_without_index_is_measured_by_its_packets(tmp_path: Path) -> None:
    whole = clips.clip(tmp_path / "a.avi", seconds=2, audio=False)
    bare = media(cases.without_index(whole, tmp_path / "bare.avi"))
    assert bare.indexed is False
    assert bare.duration == media(whole).duration


def test_avi_with_wrong_index_is_measured_by_its_packets(tmp_path: Path) -> None:
    whole = clips.clip(tmp_path / "a.avi", seconds=2, audio=False)
    wrong = media(cases.with_wrong_index(whole, tmp_path / "wrong.avi"))
    assert wrong.indexed is False
    assert wrong.duration == media(whole).duration
