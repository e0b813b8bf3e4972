"""Frames are paired by time, and shifted by the motion of the scene alone."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from preflight.restore.acceptance.pairing import Pairing
from preflight.restore.composite.frames import Picture
from preflight.restore.composite.matching import SIGNATURE_HEIGHT, SIGNATURE_WIDTH, Timed

RATE = 25
_PLANE = np.zeros((2, 2), np.uint8)
_PICTURE = Picture(_PLANE, _PLANE, _PLANE)


def scene(frame: int, *, moves: bool) -> np.ndarray:
    """Return a signature: a grating that drifts, or stands."""
    across = np.arange(SIGNATURE_WIDTH, dtype=np.float32) / 9 + (0.4 * frame if moves else 0.0)
    return np.tile(20 * np.sin(across + np.sin(across / 3)), (SIGNATURE_HEIGHT, 1)).astype(np.float32)


def stream(shown: Sequence[np.ndarray]) -> Iterator[Timed[Picture]]:
    return (Timed(n, Fraction(n, RATE), _PICTURE, signature) for n, signature in enumerate(shown))


def partners(source: Sequence[np.ndarray], cleaned: Sequence[np.ndarray]) -> list[tuple[int, bool]]:
    times = [Fraction(n, RATE) for n in range(len(cleaned))]
    pairing = Pairing(stream(source), stream(cleaned), times)
    return [(match.cleaned.number, match.own) for match in pairing.matches()]


MOVING = [scene(n, moves=True) for n in range(60)]
STILL = [scene(0, moves=False) for _ in range(60)]


def test_equal_videos_are_paired_frame_by_frame() -> None:
    assert partners(MOVING, MOVING) == [(n, True) for n in range(60)]


def test_frame_that_shows_something_else_keeps_its_partner() -> None:
    for video in (MOVING, STILL):
        spoiled = [*video]
        for n in range(20, 35):
            spoiled[n] = video[n] + 30 * (np.arange(SIGNATURE_HEIGHT) % 9 < 3).astype(np.float32)[:, None]
        assert [number for number, _ in partners(video, spoiled)] == list(range(60))


def test_pairs_are_shifted_behind_a_dropped_frame() -> None:
    found = partners(MOVING, [*MOVING[:30], *MOVING[31:]])
    assert [number for number, _ in found[:28]] == list(range(28))
    assert [number for number, _ in found[32:]] == list(range(31, 59))
    assert sum(not own for _, own in found) == 1


def test_late_picture_is_paired_by_its_motion() -> None:
    found = partners(MOVING, [*[MOVING[0]] * 5, *MOVING[:-5]])
    assert [number for number, _ in found[10:50]] == list(range(15, 55))


def test_nothing_is_paired_with_an_empty_result() -> None:
    assert partners(MOVING, []) == []
