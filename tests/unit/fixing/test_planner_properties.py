"""Any file gets a plan that passes or a refusal with a reason, and no step of a plan can be left out."""

from fractions import Fraction
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fixtures import values
from fixtures.forecast import forecast
from preflight.fixing import plan
from preflight.model.limits import DEFAULT_LIMITS
from preflight.model.media import ColorTags, Container, Media, Stream, StreamKind
from preflight.model.plan import Action, Policy, Treatment
from preflight.rules import evaluate

SECONDS = st.fractions(min_value=Fraction(1, 100), max_value=4000, max_denominator=1000)
RATES = st.none() | st.integers(8_000, 8_000_000)


@st.composite
def streams(draw: st.DrawFn) -> tuple[Stream, ...]:
    made: list[Stream] = []
    if draw(st.integers(0, 9)):
        made.append(
            values.video(
                codec=draw(st.sampled_from(["h264", "hevc", "vp9", "theora", "gif", "prores", "mpeg4"])),
                width=draw(st.integers(0, 5000)),
                height=draw(st.integers(0, 5000)),
                sar=draw(st.sampled_from([Fraction(1), Fraction(4, 3), Fraction(8, 9)])),
                rotation=draw(st.sampled_from([0, 90, 180, 270])),
                bit_depth=draw(st.sampled_from([None, 8, 10])),
                interlaced=draw(st.booleans()),
                color=ColorTags(transfer=draw(st.sampled_from([None, "bt709", "smpte2084"]))),
                bit_rate=draw(RATES),
                duration=draw(st.none() | SECONDS),
            )
        )
    for codec in draw(st.lists(st.sampled_from(["aac", "pcm_s16le", "flac", "vorbis"]), max_size=2)):
        made.append(
            values.audio(index=len(made), codec=codec, bit_rate=draw(RATES), duration=draw(st.none() | SECONDS))
        )
    kinds = [StreamKind.DATA, StreamKind.COVER, StreamKind.SUBTITLE, StreamKind.ATTACHMENT]
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=2)):
        made.append(Stream(index=len(made), kind=kind, codec="subrip", bit_rate=draw(RATES)))
    return tuple(made)


@st.composite
def media(draw: st.DrawFn) -> Media:
    held = draw(streams())
    known = [s.duration for s in held if s.duration is not None]
    own = draw(st.none() | SECONDS)
    lengths = [*known, *([own] if own is not None else [])]
    return values.media(
        f"clip.{draw(st.sampled_from(['mp4', 'mov', 'mkv', 'webm', 'avi', 'ts', '']))}".rstrip("."),
        size=draw(st.integers(1, 3_000_000_000)),
        container=draw(st.sampled_from(list(Container))),
        streams=held,
        duration=max(lengths, default=None),
    )


POLICIES = st.sampled_from(list(Policy))


@given(media(), POLICIES)
def test_plan_passes_or_says_why_not(subject: Media, policy: Policy) -> None:
    made = plan(evaluate(subject), policy=policy)
    if made.refusal is not None:
        assert made.refusal
        assert not made.steps
        return
    for result in forecast(made):
        assert evaluate(result).ok, evaluate(result).failures


@given(media(), POLICIES)
def test_no_step_can_be_left_out(subject: Media, policy: Policy) -> None:
    made = plan(evaluate(subject), policy=policy)
    for left_out in made.steps:
        rest = [step for step in made.steps if step is not left_out]
        assert not all(evaluate(result).ok for result in forecast(made, rest)), left_out


@given(media())
def test_lossless_never_encodes_the_picture(subject: Media) -> None:
    assert plan(evaluate(subject), policy=Policy.LOSSLESS).video is None


@given(media())
def test_one_file_never_splits(subject: Media) -> None:
    assert plan(evaluate(subject), policy=Policy.ONE_FILE).cuts == ()


@given(media(), POLICIES)
def test_valid_file_is_left_alone(subject: Media, policy: Policy) -> None:
    report = evaluate(subject)
    if report.ok:
        assert plan(report, policy=policy).is_empty


@given(media(), st.fractions(0, 300), st.fractions(0, 300))
def test_trimmed_file_passes_or_is_refused(subject: Media, first: Fraction, second: Fraction) -> None:
    made = plan(evaluate(subject), trim=(first, second))
    if made.refusal is None:
        assert made.trim is not None
        assert all(evaluate(result).ok for result in forecast(made))


@given(media(), POLICIES)
def test_every_stream_has_one_fate(subject: Media, policy: Policy) -> None:
    made = plan(evaluate(subject), policy=policy)
    if made.steps:
        assert [s.index for s in made.streams] == [s.index for s in subject.streams]
        encoded = any(
            s.treatment is Treatment.ENCODE for s in made.streams if s.index == getattr(subject.video, "index", -1)
        )
        assert encoded == (made.video is not None)
        assert (made.audio is not None) >= (Action.ENCODE_AUDIO in made.actions)


@given(media())
def test_key_and_cost_never_fail(subject: Media) -> None:
    made = plan(evaluate(subject, DEFAULT_LIMITS))
    assert made.key
    assert made.cost.seconds >= 0
    assert made.source is None or made.source.path == Path(subject.path)
