"""Is the service's result the same video as was sent, but for the text? Pure: measures in, differences out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from preflight.model.media import Media, VideoStream


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """How much a result may differ from what was sent before it counts as another video.

    An encoder that drops or repeats a frame at an end, pads to macroblocks or adds AAC priming stays within them.
    """

    seconds: float = 0.5
    """Difference in length, in seconds. Twelve frames at 25 fps."""

    share_of_length: float = 0.01
    """Difference in length as a share of the video, for long ones whose time base was rounded."""

    pixels: int = 16
    """Difference of each side in pixels: one macroblock (ITU-T H.264, 6.3)."""

    frames: int = 3
    """Difference in the number of frames."""

    share_of_frames: float = 0.01
    """Difference in the number of frames as a share of them."""

    sync_seconds: float = 0.25
    """Change of the sound's length against the picture's, in seconds. ITU-R BT.1359 finds 0.125 s disturbing; encoder
    delay and padding (up to 0.1 s) come on top."""


DEFAULT_TOLERANCES = Tolerances()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What is compared of a video: lengths in seconds, the display size in pixels, the number of frames.

    None stands for what its header does not say.
    """

    video_seconds: float | None = None
    audio_seconds: float | None = None
    size: tuple[int, int] | None = None
    frames: int | None = None
    variable_frame_rate: bool = False
    has_video: bool = field(default=True)

    @classmethod
    def of(cls, media: Media) -> Measures:
        """Return the measures of a probed file."""
        video = media.video
        if not isinstance(video, VideoStream):
            return cls(has_video=False)
        sound = [float(stream.duration) for stream in media.audio if stream.duration is not None]
        length = video.duration if video.duration is not None else media.duration
        return cls(
            video_seconds=None if length is None else float(length),
            audio_seconds=max(sound, default=None),
            size=video.display_size,
            frames=video.frame_count,
            variable_frame_rate=video.variable_frame_rate,
        )

    def to_json(self) -> str:
        """Return the measures as the ledger keeps them."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | None) -> Measures | None:
        """Return what `to_json` wrote; None for anything else."""
        try:
            fields = json.loads(text or "")
            size = fields.pop("size")
            return cls(size=(int(size[0]), int(size[1])) if size else None, **fields)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            return None


def differences(sent: Measures | None, result: Measures, limits: Tolerances = DEFAULT_TOLERANCES) -> tuple[str, ...]:
    """Return a sentence for each way in which `result` is not what was sent, () when it is the same video.

    `sent` None (a video that was submitted by URL) leaves only the question whether it is a video.
    """
    if not result.has_video:
        return ("It holds no video stream.",)
    if result.video_seconds == 0 or result.frames == 0:
        return ("Its video stream is empty.",)
    if sent is None or not sent.has_video:
        return ()
    found = (_length(sent, result, limits), _size(sent, result, limits), _frames(sent, result, limits))
    return tuple(problem for problem in (*found, _sync(sent, result, limits)) if problem)


def _length(sent: Measures, result: Measures, limits: Tolerances) -> str:
    if sent.video_seconds is None or result.video_seconds is None:
        return ""
    if abs(result.video_seconds - sent.video_seconds) <= max(
        limits.seconds, limits.share_of_length * sent.video_seconds
    ):
        return ""
    return f"It lasts {result.video_seconds:.2f} s, and {sent.video_seconds:.2f} s were sent."


def _size(sent: Measures, result: Measures, limits: Tolerances) -> str:
    if sent.size is None or result.size is None:
        return ""
    if max(abs(a - b) for a, b in zip(sent.size, result.size, strict=True)) <= limits.pixels:
        return ""
    return f"It is shown at {result.size[0]}x{result.size[1]}, and {sent.size[0]}x{sent.size[1]} was sent."


def _frames(sent: Measures, result: Measures, limits: Tolerances) -> str:
    """A service may turn a variable frame rate into a constant one, which changes the number of frames."""
    if sent.frames is None or result.frames is None or sent.variable_frame_rate:
        return ""
    if abs(result.frames - sent.frames) <= max(limits.frames, limits.share_of_frames * sent.frames):
        return ""
    return f"It has {result.frames} frames, and {sent.frames} were sent."


def _sync(sent: Measures, result: Measures, limits: Tolerances) -> str:
    before, after = _lag(sent), _lag(result)
    if before is None or after is None:
        return ""
    # Sound that is cut to the picture's length is no loss: the finished file has the source's own.
    if min(abs(after - before), abs(after)) <= limits.sync_seconds:
        return ""
    return f"Its sound is {after:+.2f} s longer than its picture; what was sent had {before:+.2f} s."


def _lag(measures: Measures) -> float | None:
    if measures.audio_seconds is None or measures.video_seconds is None:
        return None
    return measures.audio_seconds - measures.video_seconds
