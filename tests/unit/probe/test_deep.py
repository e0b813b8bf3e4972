from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from preflight.model.scan import ScanResult
from preflight.probe.packet_scan import Depth, interpret


def reading(*log: str, printed: tuple[str, ...] = (), failed: bool = False) -> ScanResult:
    return interpret(log, printed, reached=Fraction(10), depth=Depth.DECODE, failed=failed)


def test_quiet_log_is_a_whole_file() -> None:
    assert reading("[mov @ 0x1] [warning] odd but fine") == ScanResult(decoded=True, reached=Fraction(10))


def test_end_of_data_is_told_apart_from_damage() -> None:
    found = reading(
        "[in#0/mov @ 0x5a] [error] stream 1, offset 0xa25a: partial file", "[h264 @ 0x5a] [error] missing picture"
    )
    assert found.cut == "stream 1, offset 0xa25a: partial file"
    assert found.damage == ("missing picture",)


def test_errors_that_differ_in_numbers_are_one_kind() -> None:
    assert len(reading("[h264 @ 0x1] [error] bad MB 1 2", "[h264 @ 0x1] [error] bad MB 3 4").damage) == 1


def test_steps_back_are_counted() -> None:
    line = "[null @ 0x1] [error] Application provided non monotonically increasing dts to muxer in stream 1: 4 >= 3"
    assert (reading(line, line).disorder, reading(line).damage) == (2, ())


def test_stretches_are_added_and_the_open_one_ends_with_the_file() -> None:
    lines = ("lavfi.black_start=1", "lavfi.black_end=2.5", "lavfi.black_start=8", "lavfi.freezedetect.freeze_start=9")
    found = reading(printed=lines)
    assert (found.black, found.frozen) == (Fraction("3.5"), 1)


def test_failure_without_a_word_is_damage() -> None:
    assert reading(failed=True).damage


@given(st.lists(st.text(max_size=60)), st.lists(st.text(max_size=60)))
def test_any_words_give_a_reading(log: list[str], printed: list[str]) -> None:
    assert isinstance(reading(*log, printed=tuple(printed)), ScanResult)
