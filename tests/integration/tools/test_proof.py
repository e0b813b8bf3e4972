"""The proof notices every kind of difference between what was planned and what was made."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures import awkward, clips
from preflight.errors import ToolError
from preflight.model.media import Container, StreamKind
from preflight.tools import ffmpeg, mp4_tables, proof
from preflight.tools.proof import KeptStream

FFMPEG = ffmpeg.find()


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return awkward.stream(tmp_path_factory.mktemp("proof") / "seed.mp4")


def promised(source: Path, *, copied: bool = True, kind: Container = Container.MP4) -> list[KeptStream]:
    listing = proof.reference(source, kind, ["V:0", "a:0"], ffmpeg=FFMPEG)
    kinds = (("the video", StreamKind.VIDEO), ("the sound", StreamKind.AUDIO))
    return [
        KeptStream(
            name=name,
            kind=stream,
            head=listing.heads[number],
            expected=listing.of(number),
            copied=copied or stream is StreamKind.AUDIO,
            matrix=proof.display_matrix(source, kind) if stream is StreamKind.VIDEO else None,
        )
        for number, (name, stream) in enumerate(kinds)
    ]


def remux(*options: str) -> Callable[[Path, Path], None]:
    return lambda source, made: clips.run("-i", source, "-map", "0", "-c", "copy", *options, made)


def fewer_sounds(source: Path, made: Path) -> None:
    clips.run("-i", source, "-t", "11.9", "-i", source, "-map", "0:v", "-map", "1:a", "-c", "copy", made)


def moved_sound(source: Path, made: Path) -> None:
    clips.run("-i", source, "-itsoffset", "0.1", "-i", source, "-map", "0:v", "-map", "1:a", "-c", "copy", made)


def other_data(source: Path, made: Path) -> None:
    clips.run("-i", source, "-map", "0", "-c", "copy", made)
    tables = mp4_tables.read(made)
    assert tables is not None
    data = bytearray(made.read_bytes())
    data[tables.offsets[0]()[100] + 10] ^= 1
    made.write_bytes(data)


def mirrored(source: Path, made: Path) -> None:
    awkward.displayed(source, made, awkward.MATRICES["mirrored"])


DIFFERENT: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "frames-fewer": (remux("-frames:v", "299"), "1 of 300 packets of the video are missing"),
    "sounds-fewer": (fewer_sounds, "of the sound are missing"),
    "sound-moved": (moved_sound, "the sound is .* away from the video"),
    "frame-moved": (remux("-bsf:v", "setts=pts=PTS+if(eq(N\\,50)\\,900\\,0):dts=DTS"), "shifted by"),
    "mirrored": (mirrored, "turned or mirrored"),
    "no-sound": (remux("-an"), "the sound is missing"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_difference_is_an_error(name: str, seed: Path, tmp_path: Path) -> None:
    make, message = DIFFERENT[name]
    make(seed, tmp_path / "made.mp4")
    with pytest.raises(ToolError, match=message):
        proof.prove(tmp_path / "made.mp4", promised(seed), container=Container.MP4, ffmpeg=FFMPEG)


def test_frames_more_than_planned_are_an_error(seed: Path, tmp_path: Path) -> None:
    remux("-frames:v", "299")(seed, tmp_path / "short.mp4")
    with pytest.raises(ToolError, match="the video has 1 packets more than the 299 planned"):
        proof.prove(seed, promised(tmp_path / "short.mp4"), container=Container.MP4, ffmpeg=FFMPEG)


def test_other_data_is_an_error(seed: Path, tmp_path: Path) -> None:
    other_data(seed, tmp_path / "made.mp4")
    matroska = tmp_path / "seed.mkv"
    remux()(seed, matroska)
    with pytest.raises(ToolError, match="packet 100 of the video has other data"):
        # A listing by ffmpeg has checksums, which sample tables have not.
        proof.prove(
            tmp_path / "made.mp4", promised(matroska, kind=Container.MKV), container=Container.MP4, ffmpeg=FFMPEG
        )


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv"])
def test_same_streams_pass_in_any_container(extension: str, seed: Path, tmp_path: Path) -> None:
    made = tmp_path / f"made.{extension}"
    remux()(seed, made)
    proof.prove(made, promised(seed), container=Container(extension), ffmpeg=FFMPEG)


def test_encoded_video_is_compared_by_its_frames(seed: Path, tmp_path: Path) -> None:
    clips.run("-i", seed, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "copy", tmp_path / "made.mp4")
    proof.prove(tmp_path / "made.mp4", promised(seed, copied=False), container=Container.MP4, ffmpeg=FFMPEG)
    clips.run("-i", seed, "-c:v", "libx264", "-r", "24", "-c:a", "copy", tmp_path / "slow.mp4")
    with pytest.raises(ToolError, match="frames of the video are missing"):
        proof.prove(tmp_path / "slow.mp4", promised(seed, copied=False), container=Container.MP4, ffmpeg=FFMPEG)


def test_sample_tables_and_ffmpeg_list_the_same(seed: Path) -> None:
    from preflight.tools import packets

    tables = mp4_tables.read(seed)
    assert tables is not None
    listing = packets.scan(seed, ffmpeg=FFMPEG, maps=("0:V:0", "0:a:0"))
    for number in range(2):
        ours, theirs = tables.listing.of(number), listing.of(number)
        assert [packet[1:6] for packet in ours] == [packet[1:6] for packet in theirs]
        assert [packet.shown for packet in ours] == [packet.shown for packet in theirs]


@pytest.mark.parametrize("box", [b"moov", b"stsz", b"stts"])
def test_damaged_tables_are_left_to_ffmpeg(box: bytes, seed: Path, tmp_path: Path) -> None:
    data = bytearray(seed.read_bytes())
    place = data.index(box)
    data[place + 8 : place + 16] = b"\xff" * 8
    (tmp_path / "damaged.mp4").write_bytes(data)
    assert mp4_tables.read(tmp_path / "damaged.mp4") is None
