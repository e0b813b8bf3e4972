from pathlib import Path

import pytest

from fixtures import captions, clips
from fixtures.captions import Caption
from preflight import engine
from preflight.engine import RemovalReport
from preflight.model.job import RemovalOptions
from preflight.tools import ffmpeg

SIZE = (640, 360)
CAPTIONS = (
    Caption(start=0.4, end=1.2, text="Never give up today"),
    Caption(start=1.2, end=2.0, text="Swipe up to see more", style="yellow"),
)


@pytest.fixture(scope="module")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2.4 s of moving picture and sound with two captions, one right after the other."""
    folder = tmp_path_factory.mktemp("captioned")
    scene = clips.gradients(640, 360, 2.4)
    sound = "sine=frequency=440:duration=2.4"
    clean = folder / "clean.mp4"
    clips.run("-f", "lavfi", "-i", scene, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-crf", "18", clean)
    return captions.burn(clean, folder / "captioned.mp4", CAPTIONS, size=SIZE)


@pytest.fixture(scope="module")
def cleaned(captioned: Path) -> tuple[Path, RemovalReport, list[float]]:
    """The captioned clip after the engine, its report, and the progress that was told."""
    heard: list[float] = []
    out = captioned.with_name("cleaned.mp4")
    report = engine.remove_text(captioned, out, RemovalOptions(), ffmpeg=ffmpeg.find(), on_progress=heard.append)
    return out, report, heard


def test_text_is_there_before(captioned: Path) -> None:
    seen = engine.preview_text(captioned, ffmpeg=ffmpeg.find(), samples=4)
    assert seen.present
    assert seen.language == "en"
    assert any("give" in spot.text for spot in seen.spots)


def test_text_is_gone_after(cleaned: tuple[Path, RemovalReport, list[float]]) -> None:
    assert not engine.preview_text(cleaned[0], ffmpeg=ffmpeg.find(), samples=6).present


def test_captions_have_exact_frames(cleaned: tuple[Path, RemovalReport, list[float]]) -> None:
    tracks = [item.track for item in cleaned[1].removed]
    assert [(track.first_frame, track.last_frame) for track in tracks] == [(10, 29), (30, 49)]


def test_progress_rises_to_one(cleaned: tuple[Path, RemovalReport, list[float]]) -> None:
    heard = cleaned[2]
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_sound_is_copied_bit_by_bit(captioned: Path, cleaned: tuple[Path, RemovalReport, list[float]]) -> None:
    assert packets(captioned, "0:a") == packets(cleaned[0], "0:a")


def packets(path: Path, stream: str) -> str:
    """Return the times and checksums of a stream's packets."""
    from preflight.tools import process

    argv = [
        ffmpeg.find(),
        "-v",
        "error",
        "-copyts",
        "-i",
        str(path),
        "-map",
        stream,
        "-c",
        "copy",
        "-f",
        "framecrc",
        "-",
    ]
    listing = process.run(argv).stdout.decode()
    return "\n".join(line for line in listing.splitlines() if not line.startswith("#"))
