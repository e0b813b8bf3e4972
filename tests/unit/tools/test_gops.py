"""Which groups are copied, when packets are decoded, and what H.264 and MP4 bytes say."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from preflight.model.media import ColorTags
from preflight.tools import fmp4, gop_plan, h264
from preflight.tools.fmp4 import MuxedTrack, Sample

SPS = bytes.fromhex("6764001facd9405005bb011000000300100000030320f1831960")
PPS = bytes.fromhex("68ebe3cb22c0")
OTHER_SPS = bytes.fromhex("674d401e") + bytes((0b01011111, 0x80))
OTHER_PPS = bytes((0x68, 0b01001111, 0x80))


def spans(entries: set[int], frames: int, touched: set[int]) -> list[tuple[int, int, bool]]:
    return [(s.first, s.last, s.copied) for s in gop_plan.plan(entries, frames, touched)]


def test_only_groups_with_touched_frames_are_encoded() -> None:
    assert spans({0, 10, 20, 30}, 40, {12, 25}) == [(0, 9, True), (10, 29, False), (30, 39, True)]
    assert spans({0, 10, 20}, 30, {0, 29}) == [(0, 9, False), (10, 19, True), (20, 29, False)]
    assert spans({0}, 30, set()) == [(0, 29, True)]


def test_what_comes_before_the_first_entry_is_encoded() -> None:
    assert spans({4, 10}, 20, set()) == [(0, 3, False), (4, 19, True)]
    assert spans(set(), 20, set()) == [(0, 19, False)]


def test_an_entry_with_pictures_shown_before_it_is_not_closed() -> None:
    # I B B, then an I whose two leading pictures come behind it, then a closed one.
    shown = [0, 2, 1, 5, 3, 4, 6, 7]
    assert gop_plan.closed_gop_starts([0, 3, 6], shown) == {0, 3, 6}
    assert gop_plan.closed_gop_starts([0, 4, 5, 7], shown) == {0, 7}


@given(st.lists(st.integers(1, 500), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_decoding_times_rise_and_are_never_late(steps: list[int], chance: object) -> None:
    shown = [sum(steps[:n]) for n in range(len(steps))]
    # Pictures change places with their neighbours only, as reordering does.
    for at in range(0, len(shown) - 2, 3):
        shown[at : at + 3] = chance.sample(shown[at : at + 3], 3)  # type: ignore[attr-defined]
    times = gop_plan.decoding_times(shown)
    assert all(a < b for a, b in pairwise(times))
    assert all(time <= picture for time, picture in zip(times, shown, strict=True))


def test_pictures_in_order_are_decoded_when_they_are_shown() -> None:
    assert gop_plan.decoding_times([0, 40, 90, 120]) == [0, 40, 90, 120]


def test_units_are_found_behind_long_and_short_start_codes() -> None:
    data = b"\0\0\0\1" + SPS + b"\0\0\1" + PPS + b"\0\0\0\1\x65\x88\x80\0\0\0"
    assert list(h264.units(data)) == [SPS, PPS, b"\x65\x88\x80"]
    assert h264.is_clean_entry(data)
    assert not h264.is_clean_entry(b"\0\0\1\x41\x9a")
    assert h264.length_prefixed(data) == b"\0\0\0\3\x65\x88\x80"


def test_parameter_sets_are_known_by_their_numbers() -> None:
    data = b"".join(b"\0\0\1" + unit for unit in (SPS, PPS, OTHER_SPS, OTHER_PPS))
    assert h264.parameter_sets(data) == {(7, 0): SPS, (8, 0): PPS, (7, 1): OTHER_SPS, (8, 1): OTHER_PPS}
    assert h264.free_number(h264.parameter_sets(data)) == 2
    assert h264.free_number({(8, number): PPS for number in range(32)}) is None


def test_header_holds_all_sets_under_the_highest_profile_and_level() -> None:
    record = h264.header_record({(7, 0): SPS, (8, 0): PPS, (7, 1): OTHER_SPS, (8, 1): OTHER_PPS})
    assert record[:6] == bytes((1, 0x64, 0x00, 0x1F, 0xFF, 0xE2))
    assert record[6:8] == len(SPS).to_bytes(2, "big")
    assert OTHER_SPS in record
    assert record.endswith(OTHER_PPS + bytes((0xFD, 0xF8, 0xF8, 0)))


def test_boxes_are_as_long_as_they_say() -> None:
    color = ColorTags(primaries="bt709", matrix="bt709", full_range=True)
    track = MuxedTrack(
        width=320, height=240, sar=Fraction(4, 3), ticks=12800, color=color, record=("avcC", b"record")
    )  # fmt: skip
    header = fmp4.header(track)
    assert boxes(header) == ["ftyp", "moov"]
    assert b"colrnclx\0\1\0\2\0\1\x80" in header
    assert boxes(fmp4.fragment(1, [Sample(b"picture", 512, 512, 0, key=True)])) == ["moof", "mdat"]


def boxes(data: bytes) -> list[str]:
    """Return the kinds of the boxes that `data` is made of."""
    kinds, at = [], 0
    while at < len(data):
        kinds.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    assert at == len(data)
    return kinds
