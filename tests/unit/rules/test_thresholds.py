"""Each threshold of the rules, just inside and just outside of its bound."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from preflight.model.media import (
    AudioStream,
    Container,
    FileIdentity,
    Media,
    Stream,
    StreamKind,
    VideoStream,
)
from preflight.model.scan import ScanResult
from preflight.rules import evaluate

VIDEO = VideoStream(index=0, kind=StreamKind.VIDEO, codec="h264", width=100, height=100, frame_rate=Fraction(100))
SOUND = AudioStream(index=1, kind=StreamKind.AUDIO, codec="aac")
MEDIA = Media(
    path=Path("a.mp4"),
    identity=FileIdentity(size=10**6, mtime_ns=0, inode=1),
    container=Container.MP4,
    streams=(replace(VIDEO, bit_rate=10**6), SOUND),
    duration=Fraction(100),
)


def rules(media: Media) -> set[str]:
    return {finding.rule for finding in evaluate(media).findings}


def read(**facts: object) -> Media:
    return replace(MEDIA, reading=ScanResult(**facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("missing", "told"), [(Fraction("1.02"), False), (Fraction("1.04"), True), (Fraction("0.6"), False)]
)
def test_data_may_end_a_second_and_three_frames_early(missing: Fraction, *, told: bool) -> None:
    assert ("truncated" in rules(read(reached=100 - missing))) is told


@pytest.mark.parametrize(("seconds", "told"), [(94, False), (95, True), (60, False)])
@pytest.mark.parametrize(("kind", "rule"), [("black", "black-video"), ("frozen", "frozen-video")])
def test_video_is_black_or_frozen_from_95_percent(kind: str, rule: str, seconds: int, *, told: bool) -> None:
    media = read(decoded=True, reached=Fraction(100), **{kind: Fraction(seconds)})
    assert (rule in rules(media)) is told


@pytest.mark.parametrize(("count", "told"), [(4, False), (5, True), (3, False)])
def test_five_streams_are_many(count: int, *, told: bool) -> None:
    more = tuple(Stream(index=2 + n, kind=StreamKind.DATA, codec="bin_data") for n in range(count - 2))
    assert ("many-streams" in rules(replace(MEDIA, streams=(*MEDIA.streams, *more)))) is told


@pytest.mark.parametrize(("rate", "told"), [(10_000, False), (9_999, True), (15_000, False), (6_000, True)])
def test_bit_rate_is_low_below_a_hundredth_bit_a_pixel(rate: int, *, told: bool) -> None:
    # 100 x 100 pixels 100 times a second are a million pixels a second.
    media = replace(MEDIA, streams=(replace(VIDEO, bit_rate=rate), SOUND))
    assert ("low-bit-rate" in rules(media)) is told


@pytest.mark.parametrize(("height", "word"), [(1095, "Crop"), (1096, "Scale"), (1088, "Crop"), (1105, "Scale")])
def test_up_to_15_rows_are_cropped(height: int, word: str) -> None:
    media = replace(MEDIA, streams=(replace(VIDEO, width=1920, height=height), SOUND))
    (finding,) = evaluate(media).failures
    assert str(finding.fix).startswith(word)
