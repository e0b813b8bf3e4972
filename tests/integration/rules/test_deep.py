import threading
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import cases, clips
from preflight.errors import CancelledError
from preflight.events import Progress
from preflight.model.media import Media
from preflight.model.report import Finding
from preflight.probe import Depth, probe, read
from preflight.rules import evaluate


def findings(path: Path, depth: Depth = Depth.PACKETS) -> list[Finding]:
    media = probe(path)
    assert isinstance(media, Media)
    return list(
        evaluate(replace(media, reading=read(media, depth=depth)), ignore={"moov-at-end", "low-bit-rate"}).findings
    )


def rules(path: Path, depth: Depth = Depth.PACKETS) -> list[str]:
    return [f.rule for f in findings(path, depth)]


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("extension", ["mp4", "mov", "webm", "avi", "mkv"])
def test_whole_file_has_no_findings(tmp_path: Path, extension: str, depth: Depth) -> None:
    assert rules(clips.clip(tmp_path / f"a.{extension}"), depth) == []


def test_data_that_ends_too_soon_is_found_where_the_header_is_whole(tmp_path: Path) -> None:
    live = ("-live", "1", "-f", "matroska", "-cluster_time_limit", "500")
    whole = clips.clip(tmp_path / "a.mkv", seconds=4, output=live)
    told = cases.with_duration(whole, tmp_path / "told.mkv", seconds=9)
    (finding,) = [f for f in findings(told) if f.rule == "truncated"]
    assert finding.code == 702
    assert finding.fix is None


@pytest.mark.parametrize("extension", ["mp4", "webm", "avi", "mkv"])
def test_damage_is_found_by_decoding(tmp_path: Path, extension: str) -> None:
    whole = clips.clip(tmp_path / f"a.{extension}", audio=False)
    assert "damaged-packets" in rules(cases.damaged(whole, tmp_path / f"d.{extension}"), Depth.DECODE)


def test_black_and_frozen_video_is_told(tmp_path: Path) -> None:
    for name, picture, rule in (("b", "color=black", "black-video"), ("f", "testsrc2", "frozen-video")):
        made = tmp_path / f"{name}.mp4"
        source = (
            f"{picture}:size=320x180:rate=25:duration=4" if "=" in picture else f"{picture}=size=320x180:rate=25:d=4"
        )
        still = ("-vf", "select=eq(n\\,0),loop=100:1:0,trim=duration=4")
        clips.run("-f", "lavfi", "-i", source, *still, "-c:v", "libx264", "-preset", "ultrafast", made)
        assert rule in rules(made, Depth.DECODE)
        assert rule not in rules(made)


def test_progress_is_told_in_seconds_of_the_file(small_mp4: Path) -> None:
    media = probe(small_mp4)
    assert isinstance(media, Media)
    heard: list[Progress] = []
    read(media, listener=heard.append)
    assert heard[-1].unit == "s"
    assert heard[-1].fraction is not None
    assert heard[-1].fraction > 0.9


def test_reading_can_be_stopped(small_mp4: Path) -> None:
    media = probe(small_mp4)
    assert isinstance(media, Media)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        read(media, cancel=cancel)
