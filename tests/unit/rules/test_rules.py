from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.model.limits import MB, MIB, Limits
from preflight.model.media import (
    AudioStream,
    Container,
    FileIdentity,
    Media,
    Stream,
    StreamKind,
    Unreadable,
    VideoStream,
)
from preflight.model.report import Code, Severity
from preflight.rules import evaluate, wording

VIDEO = VideoStream(
    index=0,
    kind=StreamKind.VIDEO,
    codec="h264",
    width=1920,
    height=1080,
    duration=Fraction(10),
    frame_rate=Fraction(25),
    bit_rate=5_000_000,
)
SOUND = AudioStream(index=1, kind=StreamKind.AUDIO, codec="aac", duration=Fraction(10))
GOOD = Media(
    path=Path("a.mp4"),
    identity=FileIdentity(size=1000, mtime_ns=0, inode=1),
    container=Container.MP4,
    brand="isom",
    streams=(VIDEO, SOUND),
    duration=Fraction(10),
    faststart=True,
)


def sized(width: int, height: int) -> Media:
    return replace(GOOD, streams=(replace(VIDEO, width=width, height=height), SOUND))


def weighing(size: int) -> Media:
    return replace(GOOD, identity=replace(GOOD.identity, size=size))


def test_good_file_has_no_findings() -> None:
    assert evaluate(GOOD).ok


def test_all_findings_are_told_in_the_order_of_the_codes() -> None:
    bad = replace(
        weighing(200 * MB + 1),
        container=Container.FLV,
        duration=Fraction(361),
        streams=(replace(VIDEO, width=3840, height=2160),),
    )
    assert [f.code for f in evaluate(bad).failures] == [700, 701, 702, 703]


@pytest.mark.parametrize(
    ("seconds", "codes"),
    [(Fraction(360), ()), (Fraction(360) + Fraction(1, 90_000), (700,)), (Fraction("360.04"), (700,)), (None, (700,))],
)
def test_duration_is_never_rounded(seconds: Fraction | None, codes: tuple[int, ...]) -> None:
    assert evaluate(replace(GOOD, duration=seconds)).codes == codes


def test_long_sound_is_trimmed_alone() -> None:
    streams = (replace(VIDEO, duration=Fraction("359.9")), replace(SOUND, duration=Fraction(365)))
    (finding,) = evaluate(replace(GOOD, duration=Fraction(365), streams=streams)).failures
    assert finding.fix is not None
    assert "sound" in finding.fix
    assert "5:59.9" in finding.message


@pytest.mark.parametrize(("size", "codes"), [(200 * MB, ()), (200 * MB + 1, (701,)), (200 * MIB, (701,))])
def test_size_limit_is_inclusive(size: int, codes: tuple[int, ...]) -> None:
    assert evaluate(weighing(size)).codes == codes


@pytest.mark.parametrize("size", [200 * MB + 1, 200 * MIB])
def test_size_between_the_units_names_both_and_the_setting(size: int) -> None:
    (finding,) = evaluate(weighing(size)).failures
    for word in ("MB", "MiB", "--max-size 200MiB"):
        assert word in finding.message


def test_size_above_both_units_names_no_way_out() -> None:
    (finding,) = evaluate(weighing(200 * MIB + 1)).failures
    assert "--max-size" not in finding.message


@pytest.mark.parametrize(
    ("width", "height", "codes"),
    [
        (1920, 1080, ()), (1080, 1920, ()), (1, 1, ()), (1080, 1080, ()), (1920, 1088, (703,)), (2048, 1080, (703,)),
        (2560, 1080, (703,)), (1081, 1081, (703,)), (7680, 4320, (703,)), (0, 0, (703,)),
    ],
)  # fmt: skip
def test_box_holds_in_either_orientation(width: int, height: int, codes: tuple[int, ...]) -> None:
    assert evaluate(sized(width, height)).codes == codes


@pytest.mark.parametrize(
    ("width", "height", "fix"),
    [
        (1920, 1088, "Crop it to 1920x1080"),
        (1088, 1920, "Crop it to 1080x1920"),
        (2048, 1080, "Scale it down to 1920x1012"),
    ],
)
def test_few_rows_are_cropped_and_more_is_scaled(width: int, height: int, fix: str) -> None:
    (finding,) = evaluate(sized(width, height)).failures
    assert finding.fix is not None
    assert finding.fix.startswith(fix)


@pytest.mark.parametrize(
    ("container", "name", "rules"),
    [
        (Container.MP4, "a.MP4", []), (Container.MP4, "a.mkv", ["container-name"]),
        (Container.MP4, "a", ["container-name"]),
        (Container.MKV, "a.mp4", ["container-name"]), (Container.MKV, "a.webm", ["container-name"]),
        (Container.WEBM, "a.mkv", []), (Container.MP4, "a.m4v", ["container-name"]),
        (Container.FLV, "a.mp4", ["container"]),
        (Container.THREEGP, "a.mp4", ["container"]), (Container.OTHER, "a.xyz", ["container"]),
    ],
)  # fmt: skip
def test_content_and_name_are_two_facts(container: Container, name: str, rules: list[str]) -> None:
    report = evaluate(replace(GOOD, container=container, path=Path(name)))
    assert [f.rule for f in report.failures] == rules
    assert all(f.code is Code.FORMAT and f.fix for f in report.failures)


def test_cover_is_not_the_video() -> None:
    cover = Stream(index=1, kind=StreamKind.COVER, codec="png")
    (finding,) = evaluate(replace(GOOD, streams=(SOUND, cover))).failures
    assert (finding.rule, finding.code, finding.fix) == ("no-video", 702, None)
    assert "cover" in finding.message


def test_truncated_file_cannot_be_mended() -> None:
    (finding,) = evaluate(replace(GOOD, missing_bytes=7)).failures
    assert (finding.rule, finding.fix) == ("truncated", None)


def test_unreadable_is_one_failure() -> None:
    report = evaluate(Unreadable(path=Path("x"), reason="missing", detail="There is no such file.", hint="Look."))
    assert report.codes == (702,)
    assert [f.message for f in report.findings] == ["There is no such file. Look."]


def test_other_limits_are_kept_and_named() -> None:
    limits = Limits(max_seconds=Fraction(5), max_bytes=999, containers=(Container.MOV,), source="my settings")
    report = evaluate(GOOD, limits)
    assert report.codes == (700, 701, 702)
    assert all("my settings" in f.message for f in report.failures if f.rule != "container-name")


@given(st.fractions(min_value=0, max_value=10**6))
def test_seconds_are_never_written_shorter_than_they_are(value: Fraction) -> None:
    parts = [Fraction(part) for part in wording.seconds(value).split(":")]
    shown = sum(part * 60**n for n, part in enumerate(reversed(parts)))
    assert 0 <= shown - value < Fraction(1, 10**9)


@given(st.integers(1, 8000), st.integers(1, 8000), st.integers(0, 400 * MB), st.fractions(min_value=0, max_value=1000))
def test_verdict_is_the_limits_and_nothing_else(width: int, height: int, size: int, seconds: Fraction) -> None:
    media = replace(weighing(size), duration=seconds, streams=(replace(VIDEO, width=width, height=height), SOUND))
    expected = {
        700: seconds > 360,
        701: size > 200_000_000,
        703: max(width, height) > 1920 or min(width, height) > 1080,
    }
    report = evaluate(media)
    assert report.codes == tuple(code for code, broken in expected.items() if broken)
    assert all(f.severity is Severity.FAILURE for f in report.failures)


def test_limit_of_ones_own_says_so() -> None:
    (finding,) = evaluate(GOOD, Limits(max_seconds=Fraction(9))).failures
    assert "(your setting)" in finding.message
    (finding,) = evaluate(GOOD, Limits(max_seconds=Fraction(9), source="their page")).failures
    assert "(their page)" in finding.message
