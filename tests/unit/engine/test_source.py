from fractions import Fraction
from pathlib import Path

import pytest

from preflight.engine.media.probe import parse
from preflight.errors import InputError
from preflight.model.media import Container

PHONE = """  Duration: 00:00:02.00, start: 0.000000
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709, progressive), 1920x1080 \
[SAR 1:1 DAR 16:9], q=2-31, 8 kb/s, 29.97 fps, 90k tbr, 90k tbn (default)
      Side data:
        displaymatrix: rotation of -90.00 degrees"""
BROADCAST = (
    "  Stream #0:0: Video: mpeg2video (Main) (hdv3 / 0x33766468), yuv420p(tv, bt709, top coded first (swapped)), "
    "1440x1080 [SAR 4:3 DAR 16:9], 25 fps, 25 tbr"
)


def test_rotation_and_rate_are_read() -> None:
    facts = parse(Path("a.mp4"), log=PHONE, packets="#tb 0: 1/90000\n")
    assert facts.upright == (1080, 1920)
    assert facts.turns == 3
    assert facts.rate == Fraction("29.97")
    assert facts.time_base == Fraction(1, 90000)
    assert (facts.matrix, facts.interlaced, facts.duration) == ("bt709", False, 2)


def test_interlace_and_sample_shape_are_read() -> None:
    facts = parse(Path("a.mov"), log=BROADCAST, packets="#tb 0: 1/25\n")
    assert facts.interlaced
    assert facts.sar == Fraction(4, 3)
    assert facts.displayed == (1920, 1080)


def test_mixed_color_tags_are_read() -> None:
    line = "Stream #0:0: Video: h264, yuv420p(pc, smpte170m/unknown/bt709), 720x480, 30 fps"
    facts = parse(Path("a.mp4"), log=line, packets="#tb 0: 1/30\n")
    assert (facts.matrix, facts.primaries, facts.transfer, facts.full_range) == ("smpte170m", None, "bt709", True)


def test_no_video_is_refused_with_the_service_code() -> None:
    with pytest.raises(InputError) as caught:
        parse(Path("a.mp4"), log="Stream #0:0: Audio: aac", packets="")
    assert caught.value.code == 702


def test_hidden_borders_container_streams_and_begin_are_read() -> None:
    log = """Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'a.mov':
  Duration: 00:00:01.00, start: -9.708333, bitrate: 15263 kb/s
  Stream #0:0[0x1](eng): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 96 kb/s (default)
  Stream #0:1[0x2](eng): Video: mpeg2video (Main) (hdv1 / 0x31766468), yuv420p(progressive), 1280x720, 25 fps, 25 tbr
    Side data:
      Frame Cropping: 16/15/9/8
  Stream #0:2[0x3](und): Data: none (mebx / 0x7862656D), 19 kb/s (default)
Output #0, framecrc, to 'pipe:1':
  Stream #0:0: Video: mpeg2video (Main) (hdv1 / 0x31766468), yuv420p(tv, progressive), 1280x720, 25 fps, 25 tbr, 25 tbn
    Side data:
      Frame Cropping: 16/15/9/8
"""
    facts = parse(Path("a.mov"), log=log, packets="#tb 0: 1/25\n")
    assert (facts.width, facts.height, facts.cropped) == (1249, 703, True)
    assert (facts.others, facts.container) == (("audio", "data"), Container.MP4)
    assert facts.start == Fraction("-9.708333")
