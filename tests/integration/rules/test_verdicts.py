"""Real files through the probe and the rules: each row is what the service would say."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures import cases, clips
from preflight.model.media import Media, Unreadable
from preflight.model.report import Report
from preflight.probe import probe
from preflight.rules import evaluate

CONTAINERS = ("mp4", "mov", "webm", "avi", "mkv")


def verdict(path: Path) -> Report:
    return evaluate(probe(path))


@pytest.mark.parametrize("extension", CONTAINERS)
def test_valid_clip_passes(tmp_path: Path, extension: str) -> None:
    report = verdict(cases.one_second(tmp_path, extension))
    assert report.failures == ()
    assert report.media is not None
    assert report.media.container == extension


@pytest.mark.parametrize("extension", CONTAINERS)
def test_each_limit_gives_its_own_code(tmp_path: Path, extension: str) -> None:
    big = clips.clip(tmp_path / f"big.{extension}", size=(2048, 1080), seconds=0.2, audio=False)
    assert verdict(big).codes == (703,)
    named = big.with_suffix(".mp4" if extension not in {"mp4", "mov"} else ".mkv")
    big.rename(named)
    assert verdict(named).codes == (702, 703)


def test_forty_milliseconds_too_long(tmp_path: Path) -> None:
    report = verdict(cases.long_clip(tmp_path / "long.mp4", video="360.04"))
    assert report.codes == (700,)
    assert report.findings[0].measured == "6:00.04"


def test_six_minutes_pass(tmp_path: Path) -> None:
    assert verdict(cases.long_clip(tmp_path / "six.mp4", video="360")).failures == ()


def test_longer_sound_counts(tmp_path: Path) -> None:
    report = verdict(cases.long_clip(tmp_path / "sound.mp4", video="359.88", audio="365"))
    assert report.codes == (700,)
    assert "sound" in str(report.findings[0].fix)


def test_size_counts_from_the_file_system(small_mp4: Path, tmp_path: Path) -> None:
    file = tmp_path / "full.mp4"
    file.write_bytes(small_mp4.read_bytes())
    assert verdict(cases.grow(file, 200_000_000)).failures == ()
    file.write_bytes(small_mp4.read_bytes())
    assert verdict(cases.grow(file, 200_000_001)).codes == (701,)


@pytest.mark.parametrize("degrees", [90, 270])
def test_rotation_swaps_the_sides(small_mp4: Path, tmp_path: Path, degrees: int) -> None:
    media = probe(cases.turned(small_mp4, tmp_path / "turned.mp4", degrees))
    assert isinstance(media, Media)
    assert media.video is not None
    assert media.video.display_size == (180, 320)


def test_wide_pixels_are_exact(tmp_path: Path) -> None:
    wide = clips.clip(tmp_path / "wide.mp4", size=(1440, 1080), seconds=0.2, output=("-vf", "setsar=4/3"))
    report = verdict(wide)
    assert report.failures == ()
    assert report.media is not None
    assert report.media.video is not None
    assert report.media.video.display_size == (1920, 1080)


def test_coded_height_does_not_count(tmp_path: Path) -> None:
    assert verdict(clips.clip(tmp_path / "hd.mp4", size=(1920, 1080), seconds=0.2)).failures == ()


@pytest.mark.parametrize("extension", ["ts", "flv", "3gp", "wmv", "ogv", "gif", "mpg"])
def test_other_containers_are_refused_under_any_name(tmp_path: Path, extension: str) -> None:
    made = clips.clip(
        tmp_path / f"other.{extension}",
        audio=False,
        output=("-c:v", {"gif": "gif", "ogv": "libtheora", "wmv": "wmv2", "mpg": "mpeg1video"}.get(extension, "mpeg4"))
        if extension not in {"ts", "flv"}
        else (),
    )
    lying = made.rename(made.with_suffix(".mp4"))
    report = verdict(lying)
    assert report.codes == (702,)
    assert report.failures[0].rule == "container"
    assert report.failures[0].fix is not None


@pytest.mark.parametrize("kind", cases.PLAYLISTS)
def test_playlists_are_refused(tmp_path: Path, kind: str) -> None:
    subject = probe(cases.playlist(tmp_path / "movie.mp4", kind, "http://127.0.0.1:9/x.ts"))
    assert isinstance(subject, Unreadable)
    assert subject.reason == "playlist"


def test_cover_does_not_count_as_picture(small_mp4: Path, tmp_path: Path) -> None:
    assert verdict(cases.with_cover(small_mp4, tmp_path / "covered.mp4")).failures == ()
    report = verdict(cases.covered_sound(tmp_path / "sound.mp4"))
    assert [f.rule for f in report.failures] == ["no-video"]
    assert report.failures[0].fix is None


def test_unfinished_recording_says_so(small_mp4: Path, tmp_path: Path) -> None:
    report = verdict(cases.without_moov(small_mp4, tmp_path / "unfinished.mp4"))
    assert report.codes == (702,)
    assert "never finished" in report.findings[0].message
    assert report.findings[0].fix is None


def test_cut_file_is_found(small_mp4: Path, tmp_path: Path) -> None:
    fast = cases.remux(small_mp4, tmp_path / "fast.mp4", "-movflags", "+faststart")
    assert [f.rule for f in verdict(cases.cut(fast, tmp_path / "cut.mp4", keep=0.6)).failures] == ["truncated"]


def test_fragments_pass(small_mp4: Path, tmp_path: Path) -> None:
    fragmented = cases.remux(small_mp4, tmp_path / "f.mp4", "-movflags", "frag_keyframe+empty_moov")
    report = verdict(fragmented)
    assert report.failures == ()
    assert report.media is not None
    assert report.media.fragmented
    assert report.media.duration is not None


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (str, "missing"),
        (Path.mkdir, "directory"),
        (Path.touch, "empty"),
        (make_fifo, "special-file"),
        (make_socket, "special-file"),
        (lambda path: path.symlink_to("nowhere"), "dangling-link"),
        (lambda path: path.write_text("hello"), "not-video"),
    ],
)
def test_what_is_no_video_is_told_at_once(tmp_path: Path, make: Callable[[Path], object], reason: str) -> None:
    path = tmp_path / "x.mp4"
    make(path)
    report = verdict(path)
    assert report.codes == (702,)
    assert report.findings[0].rule == reason


def test_path_with_nul_is_told() -> None:
    assert [f.rule for f in verdict(Path("a\0b.mp4")).findings] == ["bad-path"]


@pytest.mark.parametrize(
    "name",
    [
        "-x.mp4",
        "a:b.mp4",
        "http:x.mp4",
        "%03d.mp4",
        " a b .mp4",
        "new\nline.mp4",
        "\udcff\udcfe.mp4",
        "x" * 251 + ".mp4",
    ],
)
def test_any_name_works(small_mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(small_mp4.read_bytes())
    assert verdict(Path(name)).ok
    (tmp_path / "link.mp4").symlink_to(name)
    assert verdict(tmp_path / "link.mp4").ok


def test_unknown_duration_is_measured(tmp_path: Path) -> None:
    live = clips.clip(tmp_path / "recorded.webm", seconds=2, output=("-live", "1", "-f", "webm"))
    subject = probe(live)
    assert isinstance(subject, Media)
    assert subject.duration is not None
    assert 2 <= subject.duration < 2.1
    assert evaluate(subject).ok
