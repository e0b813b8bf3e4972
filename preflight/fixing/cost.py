"""What a plan costs: seconds, bytes and loss, as estimates for people. Pure."""

from __future__ import annotations

from preflight.model.plan import Cost, Plan

_COPIED_BYTES_PER_SECOND = 300_000_000
"""Reading, writing and moving the index to the front, on a common SSD."""
_ENCODED_PIXELS_PER_SECOND = 80_000_000
"""x264 veryfast with decoding and scaling on two cores (about 40 frames/s of 1080p)."""
_UNCAPPED_BITS_PER_PIXEL = 0.08
"""What CRF 20 takes of common footage."""


def estimate(plan: Plan, copied_bytes: int) -> Cost:
    """Return the cost of `plan`, whose result takes `copied_bytes` unless its picture is encoded."""
    if plan.source is None or plan.is_empty:
        return Cost()
    told = [*(step.loss for step in plan.steps), *(stream.loss for stream in plan.streams)]
    loss = "; ".join(dict.fromkeys(text for text in told if text)) or "nothing"
    size = copied_bytes if plan.video is None else _encoded_bytes(plan)
    copying = (plan.source.size + 2 * size) / _COPIED_BYTES_PER_SECOND
    return Cost(seconds=copying + _encoding_seconds(plan), bytes=size, loss=loss)


def _duration(plan: Plan) -> float:
    if plan.trim:
        return float(plan.trim[1] - plan.trim[0])
    return float(plan.source.duration or 0) if plan.source else 0.0


def _frames(plan: Plan) -> float:
    video = plan.source.video if plan.source else None
    return _duration(plan) * float((video and video.frame_rate) or 30)


def _encoding_seconds(plan: Plan) -> float:
    video = plan.source.video if plan.source else None
    if plan.video is None or video is None:
        return 0.0
    return _frames(plan) * video.width * video.height / _ENCODED_PIXELS_PER_SECOND


def _encoded_bytes(plan: Plan) -> int:
    source, encode = plan.source, plan.video
    if source is None or source.video is None or encode is None:
        return 0
    shown = encode.size or encode.crop or source.video.display_size
    free = _frames(plan) * shown[0] * shown[1] * _UNCAPPED_BITS_PER_PIXEL / 8
    capped = (encode.max_rate or 10**12) * _duration(plan) / 8
    return int(min(free, capped))
