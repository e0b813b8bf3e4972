from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import ToolError
from preflight.tools import packets

LISTING = """\
#extradata 0:       43, 0x1f2e0d30
#software: Lavf63.1.102
#tb 0: 1/12288
#media_type 0: video
#codec_id 0: h264
#dimensions 0: 854x480
#sar 0: 4/3
#tb 1: 1/48000
#media_type 1: audio
#codec_id 1: aac
#sample_rate 1: 48000
#channel_layout_name 1: stereo
0,      -1024,          0,      512,      816, 0x4495053d
1,      -1024,      -1024,     1024,       44, 0xf69b0a5f, F=0x5, S=1, Skip Samples,       10, 0x00240004
0,       -512,       2048,      512,      484, 0x5b2febea, F=0x0
0, -9223372036854775808, 512, 512, 71, 0x53512110, F=0x0
"""


def test_heads_and_packets() -> None:
    listing = packets.parse(LISTING.splitlines())
    assert listing.heads[0].codec == "h264"
    assert listing.heads[0].size == (854, 480)
    assert listing.heads[0].sar == Fraction(4, 3)
    assert listing.heads[1].sample_rate == 48000
    assert [packet.key for packet in listing.of(0)] == [True, False, False]
    assert listing.of(1)[0].key


def test_absent_time_is_the_other_one() -> None:
    assert packets.parse(LISTING.splitlines()).of(0)[2].dts == 512


def test_end_is_the_latest_picture() -> None:
    assert packets.parse(LISTING.splitlines()).end(0) == Fraction(2048 + 512, 12288)


@given(st.text())
def test_no_text_crashes_the_reader(text: str) -> None:
    with suppress(ToolError):
        packets.parse(text.splitlines())


def test_other_text_is_refused() -> None:
    with pytest.raises(ToolError, match="packet list"):
        packets.parse(["0, one, two"])
