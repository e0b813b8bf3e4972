"""The benchmarks' judge, on made-up facts, and the recipes of random clips."""

from dataclasses import replace
from fractions import Fraction

import pytest

from benchmarks.media_judge import Facts, Promise, Track, losses
from fixtures import random_media

VIDEO = Track(
    kind="video",
    codec="h264",
    tag="avc1",
    cover=False,
    rotation=0,
    mirrored=False,
    sar=Fraction(1),
    color=("", "", ""),
    duration=None,
    packets=((Fraction(0), 1, "a"),),
)
SOUND = replace(VIDEO, kind="audio", codec="aac", packets=tuple((Fraction(n, 10), 1, "s") for n in range(10)))
FRAMES = tuple((Fraction(n, 25), str(n)) for n in range(25))
SOURCE = Facts(family="mp4", duration=Fraction(1), tracks=(VIDEO, SOUND), frames=FRAMES, size=(320, 180))
COPIED = Promise(copied=True)


def test_equal_file_has_no_loss() -> None:
    assert losses(SOURCE, [SOURCE], COPIED) == []


def test_parts_together_are_the_source() -> None:
    sound = (replace(SOUND, packets=SOUND.packets[:5]), replace(SOUND, packets=SOUND.packets[5:]))
    parts = [
        replace(SOURCE, frames=FRAMES[:10], tracks=(VIDEO, replace(sound[0]))),
        replace(SOURCE, frames=FRAMES[10:], tracks=(VIDEO, sound[1])),
    ]
    assert losses(SOURCE, parts, COPIED) == []
    assert losses(SOURCE, parts[:1], COPIED) == ["fix: frames missing", "fix: sound packets missing"]


@pytest.mark.parametrize(
    ("change", "loss"),
    [
        ({"frames": FRAMES[:-1]}, "fix: frames missing"),
        ({"frames": (*FRAMES, (Fraction(1), "x"))}, "fix: frames added"),
        ({"frames": (*FRAMES[:-1], (Fraction(2), "24"))}, "fix: times of frames"),
        ({"tracks": (VIDEO,)}, "fix: audio track missing"),
        ({"tracks": (replace(VIDEO, rotation=90), SOUND)}, "fix: orientation"),
        ({"tracks": (replace(VIDEO, mirrored=True), SOUND)}, "fix: orientation"),
        ({"tracks": (replace(VIDEO, sar=Fraction(4, 3)), SOUND)}, "fix: SAR"),
    ],
)
def test_each_loss_is_a_class(change: dict[str, object], loss: str) -> None:
    assert losses(SOURCE, [replace(SOURCE, **change)], COPIED) == [loss]  # type: ignore[arg-type]


def test_late_sound_is_out_of_sync() -> None:
    late = replace(SOUND, packets=tuple((time + Fraction(1, 5), 1, "s") for time, _, _ in SOUND.packets))
    assert losses(SOURCE, [replace(SOURCE, tracks=(VIDEO, late))], COPIED) == ["fix: sync of sound and picture"]


def test_seed_gives_the_same_recipe() -> None:
    assert random_media.recipe(7) == random_media.recipe(7)
    assert len({random_media.recipe(seed).container for seed in range(60)}) == len(random_media.VIDEO)
