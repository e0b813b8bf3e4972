from fractions import Fraction
from pathlib import Path

import pytest

from preflight.engine.media.probe import parse
from preflight.errors import InputError

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
