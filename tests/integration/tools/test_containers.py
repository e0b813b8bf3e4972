"""The planner's table of what each muxer takes, tried for real with every codec that an encoder here makes."""

import subprocess
from pathlib import Path

import pytest

from fixtures import clips
from preflight.model.media import AudioStream, Container, Stream, StreamKind
from preflight.tools import containers, ffmpeg

FFMPEG = ffmpeg.find()
TARGETS = (Container.MP4, Container.MOV, Container.MKV, Container.WEBM)
PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=176x144:rate=25:duration=0.4")
TONE = ("-f", "lavfi", "-i", "sine=duration=0.5:sample_rate=48000")
VIDEO = {
    "h264": ("libx264",), "hevc": ("libx265", "-x265-params", "log-level=none"), "av1": ("libsvtav1", "-preset", "12"),
    "vp8": ("libvpx",), "vp9": ("libvpx-vp9",), "mpeg4": ("mpeg4",), "mpeg2video": ("mpeg2video",),
    "mpeg1video": ("mpeg1video",), "prores": ("prores_ks",), "mjpeg": ("mjpeg",), "theora": ("libtheora",),
    "wmv2": ("wmv2",), "ffv1": ("ffv1",), "flv1": ("flv",), "h263": ("h263",), "cinepak": ("cinepak",),
}  # fmt: skip
"""Encoders by ffmpeg's name of the codec."""
AUDIO = {
    "aac": ("aac",), "mp3": ("libmp3lame",), "mp2": ("mp2",), "ac3": ("ac3",), "eac3": ("eac3",), "opus": ("libopus",),
    "vorbis": ("libvorbis",), "flac": ("flac",), "alac": ("alac",), "dts": ("dca", "-strict", "-2"),
    "truehd": ("truehd", "-strict", "-2"), "wavpack": ("wavpack",), "tta": ("tta",),
    "pcm_s16le": ("pcm_s16le",), "pcm_s24le": ("pcm_s24le",), "pcm_f32le": ("pcm_f32le",),
}  # fmt: skip
CAUTIOUS = {
    (Container.MOV, "theora"), (Container.MOV, "wmv2"), (Container.MOV, "ffv1"), (Container.MOV, "flv1"),
    (Container.MOV, "h263"), (Container.MP4, "mjpeg"), (Container.MP4, "ffv1"), (Container.MOV, "av1"),
    (Container.MOV, "vorbis"), (Container.MP4, "vorbis"), (Container.MOV, "wavpack"), (Container.MP4, "pcm_s16le"),
    (Container.MP4, "pcm_s24le"), (Container.MP4, "pcm_f32le"), (Container.MP4, "truehd"), (Container.MOV, "flac"),
}  # fmt: skip
"""Pairs that few players read, or that only some versions of ffmpeg write, so that the table leaves them out."""


def seed(folder: Path, kind: StreamKind, codec: str) -> Path:
    made = folder / "seed.mkv"
    encoder, *options = (VIDEO if kind is StreamKind.VIDEO else AUDIO)[codec]
    if kind is StreamKind.VIDEO:
        clips.run(*PICTURE, "-c:v", encoder, *options, made)
    else:
        clips.run(*TONE, "-c:a", encoder, *options, made)
    return made


def copies(source: Path, target: Container, kind: StreamKind, *, experimental: bool = False) -> bool:
    """Whether the packets can be copied to the container, as a fix copies them, and decode from it as they did."""
    made = source.with_name(f"made.{target}")
    made.unlink(missing_ok=True)
    allowed = ["-strict", "-2"] if experimental else []
    argv = [FFMPEG, "-y", "-v", "error", "-nostdin", "-i", source, "-map", "0", "-c", "copy", *allowed, made]
    if subprocess.run(argv, capture_output=True, check=False).returncode:
        return False
    stream = "0:v" if kind is StreamKind.VIDEO else "0:a"
    argv = [clips.FFMPEG, "-v", "error", "-nostdin", "-i", made, "-map", stream, "-f", "framecrc", "-"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=False)
    return shown.returncode == 0 and any(not line.startswith("#") for line in shown.stdout.splitlines())


@pytest.mark.parametrize(
    ("kind", "codec"),
    [*((StreamKind.VIDEO, codec) for codec in VIDEO), *((StreamKind.AUDIO, codec) for codec in AUDIO)],
)
def test_table_agrees_with_the_muxers(kind: StreamKind, codec: str, tmp_path: Path) -> None:
    source = seed(tmp_path, kind, codec)
    stream: Stream = Stream(index=0, kind=kind, codec=codec)
    if kind is StreamKind.AUDIO:
        stream = AudioStream(index=0, kind=kind, codec=codec, sample_rate=48_000)
    experimental = codec in containers.EXPERIMENTAL
    for target in TARGETS:
        told = containers.can_hold(target, stream)
        if told:
            assert copies(source, target, kind, experimental=experimental), f"{target} does not take {codec}"
        elif (target, codec) not in CAUTIOUS:
            assert not copies(source, target, kind, experimental=experimental), f"{target} takes {codec}"


@pytest.mark.parametrize(("rate", "held"), [(16_000, True), (11_025, False)])
def test_low_rate_mp3_and_mp4(rate: int, held: bool, tmp_path: Path) -> None:
    clips.run(*TONE, "-ar", str(rate), "-c:a", "libmp3lame", tmp_path / "seed.mkv")
    stream = AudioStream(index=0, kind=StreamKind.AUDIO, codec="mp3", sample_rate=rate)
    assert containers.can_hold(Container.MP4, stream) is held
    assert copies(tmp_path / "seed.mkv", Container.MP4, StreamKind.AUDIO) is held
