"""How many bits a picture may take so that the file keeps a size limit. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from preflight.model.plan import VideoEncode
from preflight.tools.packets import Packet

FILL = Fraction(98, 100)
"""Share of the limit that is aimed at: rate control is not exact, and the limit is never to be passed."""
ENOUGH = Fraction(93, 100)
"""Share of the limit with which a try is good enough."""
SPENT = Fraction(6, 10)
"""Share of the rate buffer that is spent over a clip: x264 starts with 0.9 and keeps 0.2 (noise) to 0.45 in hand."""
_RAISED_FILL = Fraction(955, 1000)
"""Share of the limit that a raised cap aims at: it is surer to stay below than the first guess has to be."""
_AT_THE_CAP = Fraction(95, 100)
"""Share of the cap at or above which a stretch of seconds counts as short of bits."""
_STRETCH = 3
"""Seconds of such a stretch."""
_RESERVE = Fraction(1, 10)
"""Share of the buffer that is spent before the first picture: x264 starts with it nine tenths full."""
_HELD_DOWN = Fraction(55, 100)
"""Share of the buffer below which encoders take bits from a picture: x264 steers towards one half."""
_OFTEN = Fraction(1, 4)
"""Share of such seconds at or above which another try is worth its time."""
SAMPLE = 3
"""Seconds that are encoded to learn what calm ones take."""
_UNEVEN = Fraction(1, 5)
"""Share of calm seconds at or above which a sample pays: they leave that much more to the others."""
_AVERAGED = frozenset({"libx264", "libx265"})
"""Encoders whose average rate, reached in one pass, keeps to its aim within half a percent over a minute."""
_EVEN = Fraction(30)
"""Seconds of a clip at or above which an average rate is kept so well; shorter ones miss it by up to 8%."""
_PEAK = Fraction(3, 2)
"""Times the average that the rate may be for as long as the buffer lasts."""
_LOOKED_AT = (Fraction(1, 20), Fraction(1, 4))
"""Shares of a clip between which the pace of its bytes tells whether the quality or the cap decides."""
MAX_VIDEO_RATE = 100_000_000
"""Bits/s above which a cap is left out: no picture within the box takes so much, and encoders refuse huge numbers."""
MIN_VIDEO_RATE = 50_000
"""Bits/s under which a picture is not worth sending."""
_MUX_BYTES_PER_VIDEO_FRAME = 16
_MUX_BYTES_PER_AUDIO_FRAME = 8
_MUX_BYTES = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCap:
    """A cap for the encoder: bits/s, and the bits of the buffer behind it."""

    max_rate: int
    buffer: int


def buffer_seconds(seconds: Fraction) -> Fraction:
    """Return the rate buffer's length by the clip's: a tenth of it, up to half a minute.

    A long buffer lets hard scenes have what calm ones leave. More of it may be spent than was reckoned with, which is
    much of a short clip's budget and little of a long one's, so its length goes by the clip's.
    """
    return min(Fraction(30), max(Fraction(1), seconds / 10))


def mux_bytes(seconds: Fraction, frame_rate: Fraction | None, audio_streams: int) -> int:
    """Return what the container itself takes: sample tables and headers."""
    frames = seconds * (frame_rate or 30)
    sound = audio_streams * seconds * 50
    return int(frames * _MUX_BYTES_PER_VIDEO_FRAME + sound * _MUX_BYTES_PER_AUDIO_FRAME) + _MUX_BYTES


def rate_for(target_bytes: int, seconds: Fraction, *, other_bytes: int) -> RateCap | None:
    """Return the cap with which `seconds` of picture and `other_bytes` stay within `target_bytes`, or None if too low.

    A capped stream takes about rate x time plus what of the buffer is spent.
    """
    bits = (Fraction(target_bytes) * FILL - other_bytes) * 8
    if seconds <= 0 or bits <= 0:
        return None
    length = buffer_seconds(seconds)
    rate = int(bits / (seconds + SPENT * length))
    return RateCap(max_rate=rate, buffer=int(rate * length)) if rate >= MIN_VIDEO_RATE else None


def calm_seconds(seconds: Sequence[int]) -> list[bool]:
    """Return for each second of a source whether it takes less than half of what seconds take in the mean."""
    return [2 * taken * len(seconds) < sum(seconds) for taken in seconds]


def sample_start(seconds: Sequence[int]) -> int | None:
    """Return where `SAMPLE` calm seconds begin that are like most calm ones; None where a sample would tell little."""
    quiet = calm_seconds(seconds)
    if sum(quiet) < len(seconds) * _UNEVEN:
        return None
    middle = statistics.median(taken for taken, is_calm in zip(seconds, quiet, strict=True) if is_calm)
    starts = [n for n in range(len(seconds) - SAMPLE + 1) if all(quiet[n : n + SAMPLE])]
    return min(starts, key=lambda n: abs(seconds[n + 1] - middle), default=None)


def demand_per_second(seconds: Sequence[int], sampled: Sequence[int]) -> list[int]:
    """Return the bits that each second of an uneven source takes without a cap, by those of an encoded sample.

    Hard seconds count as wanting more than any cap gives, so that the file can only become smaller than reckoned.
    """
    quiet = calm_seconds(seconds)
    # The sample begins with a keyframe, of which encoders make one in about ten seconds.
    one = (sampled[1] + max(0, sampled[0] - sampled[1]) / 10) * 8
    middle = statistics.median(taken for taken, is_calm in zip(seconds, quiet, strict=True) if is_calm)
    return [
        int(one * taken / max(1, middle)) if is_calm else MAX_VIDEO_RATE
        for taken, is_calm in zip(seconds, quiet, strict=True)
    ]


def level_rate(flat: int, seconds: Fraction, demand: Sequence[int]) -> int:
    """Return the cap that spends as much on `demand` (bits of each second) as `flat` would on seconds that want all."""
    length = buffer_seconds(seconds)
    bits = flat * (seconds + SPENT * length)
    low, high = flat, MAX_VIDEO_RATE
    while high - low > flat // 500:
        rate = (low + high) // 2
        low, high = (rate, high) if _spent(rate, length, demand) <= bits else (low, rate)
    return low


def _spent(rate: int, length: Fraction, demand: Sequence[int]) -> Fraction:
    """Return the bits that an encoder spends under `rate` with a buffer of `length` seconds, which calm ones refill."""
    room = SPENT * rate * length
    total = Fraction(0)
    left = room
    for bits in demand:
        taken = min(Fraction(bits), left + rate)
        total += taken
        left = min(room, left + rate - taken)
    return total


def is_overspent(size: int, limit: int, done: Fraction, length: Fraction) -> bool:
    """Return whether `size` bytes after `done` of `length` seconds go about as fast as a cap for `limit` bytes allows.

    Only early seconds are judged: later ones are not worth to begin anew for.
    """
    pace = limit * FILL / (length + SPENT * buffer_seconds(length))
    begun, late = (length * share for share in _LOOKED_AT)
    return begun <= done <= late and size >= _AT_THE_CAP * pace * done


def as_average_rate(encode: VideoEncode, length: Fraction) -> VideoEncode | None:
    """Return `encode` with an average rate in place of its cap on a quality, or None where that is not sure enough.

    Where the cap decides all along, x264 spends the same bits better by an average: 0.1 to 1.2 VMAF on six clips.
    """
    if encode.max_rate is None or encode.encoder not in _AVERAGED or length < _EVEN:
        return None
    return with_average(encode, int(encode.max_rate * (1 + SPENT * buffer_seconds(length) / length)), length)


def with_average(encode: VideoEncode, rate: int, length: Fraction) -> VideoEncode:
    """Return `encode` with `rate` as its average over `length` seconds, in bits/s."""
    peak = int(rate * _PEAK)
    return replace(encode, average=rate, max_rate=peak, buffer=int(peak * buffer_seconds(length)))


def correct_rate(rate: int, size: int, limit: int, *, picture: int, attempt: int) -> int:
    """Return the cap for the try after `attempt` (from 1), whose file of `size` bytes passed the `limit`.

    Only the `picture`, in bytes, can give way. What is too much is taken off once after the first try and three times
    after the second, since an encoder that kept its cap so loosely twice needs a clear margin to keep the limit.
    """
    excess = (size - FILL * limit) * (1 if attempt == 1 else 3)
    share = max(Fraction(1, 10), 1 - excess / max(1, picture))
    return max(MIN_VIDEO_RATE // 2, int(rate * share))


def has_drained(rate: RateCap, seconds: Sequence[int]) -> bool:
    """Return whether the bytes that each second of picture took emptied the buffer so far that quality gave way."""
    left = least = 1 - _RESERVE
    for taken in seconds:
        left = min(Fraction(1), left + Fraction(rate.max_rate - taken * 8, rate.buffer))
        least = min(least, left)
    return least < _HELD_DOWN


def raise_rate(capped: RateCap, size: int, limit: int, seconds: Sequence[int]) -> int | None:
    """Return the cap for another try when the last one left much of the limit unused though it was short of bits.

    `seconds` are the bytes that each second of picture took. None when the quality asked for, not the cap, decided.
    """
    if size >= ENOUGH * limit or not has_drained(capped, seconds):
        return None
    rate = capped.max_rate
    # Single seconds go up and down by themselves; only a stretch of them tells what held them down.
    segments = [seconds[start : start + _STRETCH] for start in range(0, len(seconds), _STRETCH)]
    starved = sum(len(taken) for taken in segments if sum(taken) * 8 >= rate * _AT_THE_CAP * len(taken))
    if not starved or starved < len(seconds) * _OFTEN:
        return None
    # Where a stretch lies half in a hard scene, more seconds take from what is left than were counted.
    return int(rate + (_RAISED_FILL * limit - size) * 8 / (starved + _STRETCH))


def scale_rate(average: int, size: int, limit: int) -> int:
    """Return the average for another try when one that was aimed at left much of the limit unused."""
    return int(average * _RAISED_FILL * limit / size)


def by_second(packets: Iterable[Packet], base: Fraction) -> list[int]:
    """Return the bytes of the packets shown in each second."""
    taken: dict[int, int] = {}
    for packet in packets:
        second = max(0, int(packet.pts * base))
        taken[second] = taken.get(second, 0) + packet.size
    return [taken.get(second, 0) for second in range(max(taken, default=-1) + 1)]
