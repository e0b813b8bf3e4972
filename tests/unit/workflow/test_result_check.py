from dataclasses import replace

import pytest

from preflight.workflow.result_check import DEFAULT_TOLERANCES, Measures, differences

SENT = Measures(video_seconds=10.0, audio_seconds=10.1, size=(640, 360), frames=250)
LIMITS = DEFAULT_TOLERANCES


@pytest.mark.parametrize(
    "result",
    [
        SENT,
        replace(SENT, audio_seconds=None),
        replace(SENT, video_seconds=10.0 + LIMITS.seconds, audio_seconds=10.6, frames=None),
        replace(SENT, size=(640 + LIMITS.pixels, 360 - LIMITS.pixels)),
        replace(SENT, frames=250 + LIMITS.frames),
        replace(SENT, audio_seconds=10.1 + LIMITS.sync_seconds - 0.001),
        Measures(),
    ],
)
def test_result_within_the_tolerances_is_the_same_video(result: Measures) -> None:
    assert differences(SENT, result) == ()


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (replace(SENT, video_seconds=10.01 + LIMITS.seconds, audio_seconds=None), "lasts"),
        (replace(SENT, video_seconds=9.99 - LIMITS.seconds, audio_seconds=None), "lasts"),
        (replace(SENT, size=(640 + LIMITS.pixels + 1, 360)), "shown at"),
        (replace(SENT, size=(360, 640)), "shown at"),
        (replace(SENT, frames=250 + LIMITS.frames + 1), "254 frames"),
        (replace(SENT, frames=250 - LIMITS.frames - 1), "246 frames"),
        (replace(SENT, audio_seconds=10.11 + LIMITS.sync_seconds), "sound"),
        (replace(SENT, frames=0), "empty"),
        (Measures(has_video=False), "no video"),
    ],
)
def test_result_beyond_a_tolerance_is_another_video(result: Measures, words: str) -> None:
    (problem,) = differences(SENT, result)
    assert words in problem


def test_tolerances_grow_with_the_length() -> None:
    sent = Measures(video_seconds=300.0, frames=7500)
    length, count = 300 * LIMITS.share_of_length, round(7500 * LIMITS.share_of_frames)
    assert differences(sent, replace(sent, video_seconds=300 - length, frames=7500 - count)) == ()
    assert len(differences(sent, replace(sent, video_seconds=299.9 - length, frames=7499 - count))) == 2


def test_sound_cut_to_the_picture_is_in_sync() -> None:
    sent = replace(SENT, audio_seconds=15.0)
    assert differences(sent, replace(sent, audio_seconds=10.0)) == ()
    assert len(differences(sent, replace(sent, audio_seconds=12.0))) == 1


def test_variable_frame_rate_may_become_a_constant_one() -> None:
    assert differences(replace(SENT, variable_frame_rate=True), replace(SENT, frames=500)) == ()


def test_video_submitted_by_url_has_only_to_be_a_video() -> None:
    assert differences(None, replace(SENT, video_seconds=1.0)) == ()
    assert len(differences(None, Measures(has_video=False))) == 1


def test_measures_survive_the_ledger() -> None:
    assert Measures.from_json(SENT.to_json()) == SENT
    for text in (None, "", "[]", "{}", '{"size": 3}', '{"size": null, "what": 1}'):
        assert Measures.from_json(text) is None
