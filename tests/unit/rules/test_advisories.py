from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from preflight.model.media import ColorTags, Container, Media, StreamKind
from preflight.rules import ADVISORIES, evaluate
from tests.unit.rules.test_rules import GOOD, SOUND, VIDEO


def having(**facts: object) -> Media:
    return replace(GOOD, streams=(replace(VIDEO, **facts), SOUND))  # type: ignore[arg-type]


CASES = {
    "codec": having(codec="prores"),
    "hdr": having(color=ColorTags(transfer="smpte2084")),
    "bit-depth": having(bit_depth=10),
    "chroma": having(chroma="4:2:2"),
    "audio-codec": replace(GOOD, streams=(VIDEO, replace(SOUND, codec="pcm_s16le"))),
    "variable-frame-rate": having(variable_frame_rate=True),
    "interlaced": having(interlaced=True),
    "low-bit-rate": having(bit_rate=100_000),
    "quicktime-brand": replace(GOOD, container=Container.MOV, brand="qt  "),
    "moov-at-end": replace(GOOD, faststart=False),
    "no-index": replace(GOOD, path=Path("a.avi"), container=Container.AVI, indexed=False, faststart=None),
    "no-audio": replace(GOOD, streams=(VIDEO,)),
    "many-streams": replace(GOOD, streams=(VIDEO, *(replace(SOUND, index=n) for n in range(1, 6)))),
}


@pytest.mark.parametrize("rule", CASES)
def test_advisory_stands_alone_and_passes(rule: str) -> None:
    report = evaluate(CASES[rule])
    assert [f.rule for f in report.findings] == [rule]
    assert report.ok
    assert rule in ADVISORIES


@pytest.mark.parametrize("rule", CASES)
def test_strict_makes_a_failure_without_a_code(rule: str) -> None:
    report = evaluate(CASES[rule], strict={rule})
    assert not report.ok
    assert report.codes == ()
    assert not evaluate(CASES[rule], strict={"all"}).ok


@pytest.mark.parametrize("rule", CASES)
def test_ignored_advisory_is_not_told(rule: str) -> None:
    assert evaluate(CASES[rule], ignore={rule}).findings == ()
    assert evaluate(CASES[rule], ignore={"all"}).findings == ()


def test_failures_cannot_be_ignored() -> None:
    assert evaluate(replace(GOOD, duration=Fraction(400)), ignore={"all", "duration"}).codes == (700,)


def test_cover_is_no_stream_too_many() -> None:
    covers = tuple(replace(SOUND, index=n, kind=StreamKind.COVER) for n in range(1, 9))
    assert "many-streams" not in [f.rule for f in evaluate(replace(GOOD, streams=(VIDEO, SOUND, *covers))).findings]


def test_reference_movie_is_refused() -> None:
    (finding,) = evaluate(replace(GOOD, external=True)).failures
    assert (finding.rule, finding.code, finding.fix) == ("external-data", 702, None)
