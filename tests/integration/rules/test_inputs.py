"""Inputs that other tools judge differently: the verdict, the rules told and whether anything can be mended."""

import threading
import time
from pathlib import Path

import pytest

from fixtures import cases, clips
from preflight.model.media import Media, Unreadable
from preflight.model.report import Report
from preflight.probe import probe
from preflight.rules import evaluate

QUIET = {"moov-at-end", "low-bit-rate", "no-audio"}


def verdict(path: Path) -> Report:
    return evaluate(probe(path), ignore=QUIET)


def told(path: Path) -> list[str]:
    return [f.rule for f in verdict(path).findings]


@pytest.mark.parametrize(
    ("size", "codes"),
    [
        ((1080, 1920), ()), ((1920, 1080), ()), ((1920, 1088), (703,)), ((2560, 1080), (703,)), ((2048, 1080), (703,)),
        ((16, 16), ()), ((7680, 4320), (703,)),
    ],
)  # fmt: skip
def test_picture_size(tmp_path: Path, size: tuple[int, int], codes: tuple[int, ...]) -> None:
    made = clips.clip(tmp_path / "a.mp4", size=size, seconds=0.1, audio=False, output=("-frames:v", "1"))
    assert verdict(made).codes == codes


def test_few_rows_too_many_are_cropped(tmp_path: Path) -> None:
    (finding,) = verdict(clips.clip(tmp_path / "a.mp4", size=(1920, 1088), seconds=0.1, audio=False)).failures
    assert "Crop it to 1920x1080" in str(finding.fix)


def test_one_pixel(tmp_path: Path) -> None:
    made = tmp_path / "dot.mov"
    clips.run("-f", "lavfi", "-i", "color=size=1x1:rate=25:duration=1", "-c:v", "qtrle", made)
    assert verdict(made).codes == ()


@pytest.mark.parametrize("rate", ["240", "1", "1/10"])
def test_odd_frame_rates_pass(tmp_path: Path, rate: str) -> None:
    assert verdict(clips.clip(tmp_path / "a.mp4", rate=rate, seconds=1 if rate != "1/10" else 20)).codes == ()


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv", "webm", "avi"])
def test_one_frame_passes(tmp_path: Path, extension: str) -> None:
    made = clips.clip(tmp_path / f"a.{extension}", seconds=0.04, audio=False, output=("-frames:v", "1"))
    assert verdict(made).codes == ()


def test_still_picture_with_sound_passes(tmp_path: Path) -> None:
    made = tmp_path / "still.mp4"
    still = ("-f", "lavfi", "-i", "color=size=64x64:rate=1:duration=3", "-f", "lavfi", "-i", "sine=duration=3")
    clips.run(*still, "-c:v", "libx264", "-c:a", "aac", made)
    assert verdict(made).codes == ()


@pytest.mark.parametrize(
    ("extension", "options", "rules"),
    [
        ("mp4", ("-c:v", "libx265", "-x265-params", "log-level=none"), ["codec"]),
        ("mp4", ("-c:v", "libsvtav1", "-preset", "12"), ["codec"]),
        ("mp4", ("-pix_fmt", "yuv420p10le"), ["bit-depth"]),
        ("mkv", ("-pix_fmt", "yuv422p"), ["chroma"]),
        ("mov", ("-c:v", "prores_ks", "-c:a", "pcm_s16le"), ["codec", "bit-depth", "chroma", "audio-codec"]),
    ],
)
def test_odd_codecs_pass_with_advisories(
    tmp_path: Path, extension: str, options: tuple[str, ...], rules: list[str]
) -> None:
    made = clips.clip(tmp_path / f"a.{extension}", seconds=0.2, output=(*options, "-v", "quiet"))
    assert verdict(made).ok
    assert told(made) == rules


def test_quicktime_named_mp4_passes_with_an_advisory(small_mp4: Path, tmp_path: Path) -> None:
    named = cases.remux(small_mp4, tmp_path / "a.mov").rename(tmp_path / "a.mp4")
    assert told(named) == ["quicktime-brand"]
    assert verdict(named).ok


@pytest.mark.parametrize(
    ("content", "name", "codes"),
    [
        ("mkv", "a.mp4", (702,)), ("mp4", "a.mkv", (702,)), ("mp4", "a", (702,)), ("webm", "a.mkv", ()),
        ("mkv", "a.webm", (702,)), ("avi", "a.mp4", (702,)), ("mp4", "A.MP4", ()), ("mp4", "a.mov", ()),
    ],
)  # fmt: skip
def test_name_and_content(tmp_path: Path, content: str, name: str, codes: tuple[int, ...]) -> None:
    made = clips.clip(tmp_path / "made" / f"x.{content}", seconds=0.2)
    report = verdict(made.rename(tmp_path / name))
    assert report.codes == codes
    assert all("Rename it" in str(f.fix) for f in report.failures)


def test_several_streams_and_chapters_pass(small_mp4: Path, tmp_path: Path) -> None:
    chapters = cases.with_chapters(small_mp4, tmp_path / "c.mkv")
    many = tmp_path / "many.mkv"
    clips.run("-i", chapters, "-map", "0:v", *("-map", "0:a") * 4, "-c", "copy", many)
    assert told(many) == ["many-streams"]
    assert verdict(many).ok


def test_timecode_stream_passes(small_mp4: Path, tmp_path: Path) -> None:
    assert verdict(cases.remux(small_mp4, tmp_path / "t.mov", "-timecode", "01:00:00:00")).ok


def test_two_hours_are_told_exactly(tmp_path: Path) -> None:
    made = tmp_path / "long.mp4"
    clips.run("-f", "lavfi", "-i", "color=size=16x16:rate=1:duration=7200.04", "-c:v", "mpeg4", made)
    report = verdict(made)
    assert report.codes == (700,)
    assert report.findings[0].measured.startswith("2:00:0")


@pytest.mark.parametrize(("ticks", "codes"), [(360 * 90_000, ()), (360 * 90_000 + 1, (700,))])
def test_one_tick_too_long_is_too_long(tmp_path: Path, ticks: int, codes: tuple[int, ...]) -> None:
    """MediaInfo alone calls both 360.000 s."""
    made = clips.clip(tmp_path / "a.mp4", audio=False, output=("-video_track_timescale", "90000"))
    assert verdict(cases.lasting(made, tmp_path / "b.mp4", ticks=ticks)).codes == codes


def test_avi_of_several_parts_is_measured_whole(tmp_path: Path) -> None:
    whole = clips.clip(tmp_path / "a.avi", seconds=8, audio=False)
    made = cases.open_dml(whole, tmp_path / "parts.avi")
    media = probe(made)
    assert isinstance(media, Media)
    assert media.duration == 8
    assert verdict(made).codes == ()


def test_file_that_grows_while_it_is_read_is_told(small_mp4: Path, tmp_path: Path) -> None:
    growing = tmp_path / "growing.mp4"
    growing.write_bytes(cases.remux(small_mp4, tmp_path / "f.mp4", "-movflags", "+faststart").read_bytes())
    done = threading.Event()

    def grow() -> None:
        with growing.open("ab", buffering=0) as file:
            while not done.is_set():
                file.write(bytes(8))

    writer = threading.Thread(target=grow)
    writer.start()
    # A probe takes 2 ms: on a busy machine the writer may sleep through many, so the first that meets it counts.
    end = time.monotonic() + 60
    try:
        subject = probe(growing)
        while not isinstance(subject, Unreadable) and time.monotonic() < end:
            subject = probe(growing)
    finally:
        done.set()
        writer.join()
    assert isinstance(subject, Unreadable)
    assert subject.reason == "changing"


def test_link_to_itself_is_told(tmp_path: Path) -> None:
    loop = tmp_path / "loop.mp4"
    loop.symlink_to(loop)
    assert told(loop) == ["dangling-link"]


def test_random_bytes_are_no_video(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(bytes(range(1, 256)) * 100)
    assert told(tmp_path / "x.mp4") == ["not-video"]


@pytest.mark.parametrize("name", ["sound.mp3", "sound.wav", "sound.mp4", "sound.mkv"])
def test_sound_alone_is_refused_and_cannot_be_mended(tmp_path: Path, name: str) -> None:
    made = tmp_path / name
    clips.run("-f", "lavfi", "-t", "1", "-i", "sine", made)
    report = verdict(made.rename(tmp_path / "x.mp4"))
    assert "no-video" in [f.rule for f in report.failures]
    assert report.codes == (702,)
    assert all(f.fix is None for f in report.failures if f.rule == "no-video")


def test_still_images_are_no_videos(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        clips.run("-f", "lavfi", "-i", "color=size=64x64", "-frames:v", "1", tmp_path / name)
        assert verdict((tmp_path / name).rename(tmp_path / "x.mp4")).codes == (702,)


def test_cut_between_two_boxes_is_found(small_mp4: Path, tmp_path: Path) -> None:
    whole = cases.remux(small_mp4, tmp_path / "whole.mp4", "-movflags", "+faststart")
    assert told(cases.without_data(whole, tmp_path / "cut.mp4")) == ["truncated"]


def test_cut_movie_header_is_told_alone(small_mp4: Path, tmp_path: Path) -> None:
    made = cases.cut(small_mp4, tmp_path / "cut.mp4", keep=0.999)
    (finding,) = verdict(made).findings
    assert (finding.rule, finding.code, finding.fix) == ("truncated", 702, None)


def test_notes_behind_the_data_are_no_loss(small_mp4: Path, tmp_path: Path) -> None:
    noted = tmp_path / "noted.mp4"
    noted.write_bytes(small_mp4.read_bytes() + b"SEFH no box, but what a camera puts behind its file SEFT")
    assert verdict(noted).findings == ()


def test_rest_of_a_torn_movie_header_is_a_loss(small_mp4: Path, tmp_path: Path) -> None:
    """A header that is said to be shorter than it is leaves its own rest behind it, which looks like notes."""
    data = bytearray(small_mp4.read_bytes())
    start, end = next((start, end) for kind, start, end in cases.boxes(bytes(data)) if kind == b"moov")
    data[start : start + 4] = (end - start - 900).to_bytes(4)
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(data)
    assert "truncated" in told(torn)


def test_picture_made_of_boxes_is_a_picture(tmp_path: Path) -> None:
    still = tmp_path / "still.mp4"
    still.write_bytes(b"\0\0\0\x14ftypavif\0\0\0\0mif1\0\0\0\x08meta\0\0\0\x08mdat")
    (finding,) = verdict(still).findings
    assert "still picture" in finding.message


def test_sound_under_a_sounds_name_is_not_to_be_renamed(tmp_path: Path) -> None:
    clips.run("-f", "lavfi", "-t", "1", "-i", "sine", "-c:a", "aac", tmp_path / "a.m4a")
    assert [finding.fix for finding in verdict(tmp_path / "a.m4a").failures] == [None, None]


@pytest.mark.parametrize("handler", [b"meta", b"pict"])
def test_what_no_player_shows_is_no_video(small_mp4: Path, tmp_path: Path, handler: bytes) -> None:
    assert "no-video" in told(cases.handled(small_mp4, tmp_path / "h.mp4", handler))


def test_low_bit_rate_leaves_open_whether_the_picture_moves(tmp_path: Path) -> None:
    still = tmp_path / "still.avi"
    picture = ("-f", "lavfi", "-i", "color=size=320x180:rate=25:duration=4", "-f", "lavfi", "-i", "sine=duration=4")
    clips.run(*picture, "-c:v", "libx264", still)
    (finding,) = evaluate(probe(still)).findings
    assert (finding.rule, "unless its picture hardly moves" in finding.message) == ("low-bit-rate", True)
