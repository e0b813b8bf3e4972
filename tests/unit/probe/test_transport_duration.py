from fractions import Fraction

from preflight.probe.transport_duration import parse

HEAD = ["#tb 0: 1/90000", "#tb 1: 1/48000"]


def extent(*lines: str) -> Fraction | None:
    found = parse([*HEAD, *lines])
    return None if found is None else found.duration


def test_extent_goes_from_the_first_to_the_end_of_the_last_packet() -> None:
    assert extent("0, 0, 90000, 3600, 9, 0x1", "1, 0, 24000, 96000, 9, 0x1") == Fraction(2)


def test_last_frame_without_a_time_follows_the_one_before() -> None:
    lines = ("0, 0, 3600, 3600, 9, 0x1", "0, 3600, 7200, 3600, 9, 0x1", "0, 7200, -9223372036854775808, 3600, 9, 0x1")
    assert extent(*lines) == Fraction(3 * 3600, 90_000)


def test_listing_without_packets_has_no_extent() -> None:
    assert extent() is None
    assert extent("5, 0, 0, 1, 9, 0x1", "nonsense") is None
