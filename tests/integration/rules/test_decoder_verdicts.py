"""Files whose header and content differ: the verdict is what a decoder shows."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from fixtures import cases, clips, odd_media
from preflight.checking import Terms, check
from preflight.model.media import Media
from preflight.model.report import Report
from preflight.probe import probe
from preflight.probe.sandbox import parameter_sets


def rules(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings}


@pytest.mark.parametrize("encoder", [("libx264", "avc1"), ("libx265", "hvc1")])
@pytest.mark.parametrize("extension", ["mp4", "mov"])
def test_sequence_header_outweighs_the_container(tmp_path: Path, encoder: tuple[str, str], extension: str) -> None:
    options = ("-c:v", encoder[0], "-tag:v", encoder[1], "-preset", "ultrafast", "-v", "quiet")
    large = clips.clip(tmp_path / f"large.{extension}", size=(2560, 1440), seconds=0.2, audio=False, output=options)
    report = check(odd_media.stating(large, tmp_path / f"lie.{extension}", 640, 360))
    assert report.codes == (703,)
    assert report.media is not None
    assert report.media.video is not None
    assert report.media.video.display_size == (2560, 1440)


def test_smaller_stream_than_stated_passes(tmp_path: Path) -> None:
    small = clips.clip(tmp_path / "small.mp4", seconds=0.2, audio=False)
    assert check(odd_media.stating(small, tmp_path / "lie.mp4", 3840, 2160)).ok


@pytest.mark.parametrize("mode", ["left_right", "top_bottom", "right_left", "bottom_top", "row_interleaved_lr", "mono"])
def test_stereo_matroska_is_not_doubled(tmp_path: Path, mode: str) -> None:
    report = check(odd_media.stereo(tmp_path / "stereo.mkv", mode=mode, size=(1920, 1080)))
    assert report.ok
    assert report.media is not None
    assert report.media.video is not None
    assert report.media.video.display_size == (1920, 1080)


def test_encrypted_mp4_is_refused(tmp_path: Path) -> None:
    report = check(odd_media.encrypted(tmp_path / "drm.mp4"))
    assert (report.codes, report.findings[0].rule) == ((702,), "encrypted")


def test_encrypted_matroska_is_refused(tmp_path: Path) -> None:
    plain = clips.clip(tmp_path / "plain.mkv", audio=False)
    report = check(odd_media.encrypted_matroska(plain, tmp_path / "drm.mkv"))
    assert (report.codes, report.findings[0].rule) == ((702,), "encrypted")


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: odd_media.init_segment(folder / "init.mp4"),
        lambda folder: odd_media.without_frames(cases.one_second(folder, "mkv"), folder / "none.mkv"),
    ],
    ids=["mp4", "mkv"],
)
def test_track_without_frames_is_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    report = check(make(tmp_path))
    assert report.codes == (702,)
    assert "no-frames" in rules(report)


@pytest.mark.parametrize(("element", "value"), [(b"\x42\xf7", 2), (b"\x42\xf2", 5), (b"\x42\xf3", 9), (b"\x42\x85", 4)])
def test_header_version_that_no_decoder_reads_is_refused(tmp_path: Path, element: bytes, value: int) -> None:
    plain = cases.one_second(tmp_path, "mkv")
    assert check(odd_media.with_header_byte(plain, tmp_path / "new.mkv", element, value)).codes == (702,)
    assert check(odd_media.with_header_byte(plain, tmp_path / "old.mkv", element, value - 1)).ok


def test_torn_matroska_header_is_refused(tmp_path: Path) -> None:
    report = check(odd_media.with_torn_header(cases.one_second(tmp_path, "mkv"), tmp_path / "torn.mkv"))
    assert (report.codes, report.findings[0].rule) == ((702,), "damaged")


def test_fragments_hours_late_last_what_they_hold(tmp_path: Path) -> None:
    report = check(odd_media.late_fragments(tmp_path / "late.mp4", hours=5, seconds=2))
    assert report.ok
    assert report.media is not None
    assert report.media.duration == Fraction(2)


def test_subtitle_that_outlasts_the_video_is_named(tmp_path: Path) -> None:
    late = odd_media.with_late_line(cases.one_second(tmp_path, "mp4"), tmp_path / "late.mkv", minutes=10)
    (finding,) = check(late).failures
    assert "subtitle" in finding.message
    assert "sound" not in str(finding.fix)


def test_size_that_changes_inside_is_an_advisory(tmp_path: Path) -> None:
    report = check(odd_media.changing_size(tmp_path / "a.mp4", (320, 180), (640, 360)), terms=Terms(deep="decode"))
    assert report.ok
    assert "size-change" in rules(report)


def test_record_of_two_sequence_headers_states_both_sizes(tmp_path: Path) -> None:
    sets = b""
    for size in ((320, 180), (640, 360)):
        record = odd_media.configuration(clips.clip(tmp_path / "a.mp4", size=size, audio=False), b"avcC")
        sets += record[6 : 8 + int.from_bytes(record[6:8])]
    assert parameter_sets.avc_sizes(record[:5] + b"\xe2" + sets) == [(320, 180), (640, 360)]


@pytest.mark.parametrize("length", [0, 3, 8, 12])
def test_record_that_is_cut_short_states_no_size(tmp_path: Path, length: int) -> None:
    record = odd_media.configuration(clips.clip(tmp_path / "a.mp4", audio=False), b"avcC")
    assert parameter_sets.avc_sizes(record) == [(320, 180)]
    assert parameter_sets.avc_sizes(record[:length]) == []
    assert parameter_sets.hevc_sizes(record[:length]) == []


@pytest.mark.parametrize(
    ("pixels", "size"),
    [("yuv444p", (322, 182)), ("yuv422p10le", (318, 182)), ("yuv420p", (1920, 1080)), ("gray", (98, 34))],
)
def test_sequence_header_gives_the_cropped_size(tmp_path: Path, pixels: str, size: tuple[int, int]) -> None:
    made = clips.clip(tmp_path / "a.mp4", size=size, seconds=0.1, audio=False, output=("-pix_fmt", pixels))
    assert parameter_sets.avc_sizes(odd_media.configuration(made, b"avcC")) == [size]


@pytest.mark.parametrize(("matrix", "seen"), odd_media.MATRICES.items())
def test_all_eight_display_matrices(tmp_path: Path, matrix: tuple[int, ...], seen: tuple[int, bool]) -> None:
    media = probe(odd_media.with_matrix(clips.clip(tmp_path / "a.mp4", seconds=0.2), tmp_path / "b.mp4", matrix))
    assert isinstance(media, Media)
    assert media.video is not None
    assert (media.video.rotation, media.video.mirrored) == seen
    assert media.video.display_size == ((180, 320) if seen[0] % 180 else (320, 180))


def test_avi_without_a_packet_is_refused(tmp_path: Path) -> None:
    whole = clips.clip(tmp_path / "whole.avi", audio=False).read_bytes()
    empty = tmp_path / "empty.avi"
    start = whole.index(b"movi")
    empty.write_bytes(whole[: start - 4] + (4).to_bytes(4, "little") + b"movi")
    report = check(empty)
    assert report.codes == (702,)
    assert {"no-frames", "truncated"} & rules(report)
