"""Decide the smallest change that makes a file pass. Pure: a report in, a plan out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from preflight.fix import budget, containers, costs, geometry
from preflight.media import Container, Media, Stream, StreamKind, VideoStream
from preflight.plan import Action, AudioEncode, Plan, Policy, Step, StreamPlan, Treatment, VideoEncode
from preflight.report import Code, Report

_ASSUMED_AUDIO_RATE = 192_000
"""Bits/s taken for a sound stream whose rate the file does not tell."""


class _Refused(Exception):  # noqa: N818
    """Carries the reason why nothing allowed makes the file pass."""


@dataclass(slots=True)
class _Draft:
    """The plan in the making: the facts, the wish, and what was decided so far."""

    report: Report
    media: Media
    policy: Policy
    encode: VideoEncode
    trim: tuple[Fraction, Fraction] | None
    container: Container
    steps: list[Step] = field(default_factory=list)
    video: VideoEncode | None = None
    audio: AudioEncode | None = None

    @property
    def picture(self) -> VideoStream:
        """The video stream, which a draft always has."""
        video = self.media.video
        if video is None:
            raise _Refused(f"{self.media.path} has no video stream, so there is no picture to remove text from.")
        return video

    @property
    def seconds(self) -> Fraction:
        """How much of the source is kept."""
        whole = self.media.duration or Fraction(0)
        return self.trim[1] - self.trim[0] if self.trim else whole

    def add(self, action: Action, reason: str, detail: str, loss: str = "") -> None:
        """Append a step."""
        self.steps.append(Step(action=action, reason=reason, detail=detail, loss=loss))

    def encode_video(self, reason: str, **changes: object) -> None:
        """Encode the picture, with `changes` to how. Raises _Refused where the policy forbids it."""
        if self.policy is Policy.LOSSLESS:
            raise _Refused(f"{self.media.path} needs an encoded picture ({reason}), which --policy lossless forbids.")
        self.video = replace(self.video or self.encode, **changes)  # type: ignore[arg-type]


def plan(
    report: Report,
    *,
    policy: Policy = Policy.BALANCED,
    trim: tuple[Fraction, Fraction] | None = None,
    encoder: str = "libx264",
    preset: str = "veryfast",
) -> Plan:
    """Return the cheapest plan under which the file of `report` passes, or one with a `refusal`.

    `trim` keeps the stretch START..END (seconds) of the source. `encoder` and `preset` are used only where the picture
    has to be encoded.
    """
    media = report.media
    if media is None:
        return Plan(source=None, limits=report.limits, policy=policy, refusal=_unreadable(report))
    draft = _Draft(
        report=report,
        media=media,
        policy=policy,
        encode=_encode(media, encoder, preset),
        trim=trim,
        container=media.container,
    )
    try:
        return _decide(draft)
    except _Refused as refused:
        return Plan(source=media, limits=report.limits, policy=policy, refusal=str(refused))


def _encode(media: Media, encoder: str, preset: str) -> VideoEncode:
    """Return how the picture would be encoded, if it has to be."""
    picture = media.video
    if picture is None:
        return VideoEncode(encoder=encoder, preset=preset)
    return VideoEncode(encoder=encoder, preset=preset, deinterlace=picture.interlaced, tone_map=picture.color.is_hdr)


def _unreadable(report: Report) -> str:
    subject = report.subject
    return f"{subject.detail} {subject.hint}" if not isinstance(subject, Media) else ""


def _decide(draft: _Draft) -> Plan:
    if draft.report.ok and draft.trim is None:
        return Plan(source=draft.media, limits=draft.report.limits, policy=draft.policy, container=draft.container)
    _ = draft.picture
    for finding in draft.report.failures:
        if finding.fix is None:
            raise _Refused(finding.message)
    _name(draft)
    _duration(draft)
    _resolution(draft)
    _size(draft)
    if not draft.steps:
        raise _Refused("; ".join(finding.message for finding in draft.report.failures))
    return _finished(draft)


def _name(draft: _Draft) -> None:
    """Give the bytes the name they need, or the container the service takes."""
    if Code.FORMAT not in draft.report.codes:
        return
    media = draft.media
    if media.container in draft.report.limits.containers:
        wanted = containers.EXTENSIONS[media.container]
        draft.add(Action.RENAME, "container-name", f"name it .{wanted}, which its content is")
        return
    target = containers.for_remux(media)
    if target is None:
        draft.container = Container.MP4
        draft.encode_video(f"no accepted container holds {draft.picture.codec}")
        draft.add(Action.SHRINK, "container", f"encode {draft.picture.codec} as H.264 in MP4", "one generation")
        return
    draft.container = target
    draft.add(Action.REMUX, "container", f"copy its packets from {media.container} to {target}")


def _duration(draft: _Draft) -> None:
    limit = draft.report.limits.max_seconds
    if draft.trim:
        start, end = draft.trim
        whole = draft.media.duration
        if not 0 <= start < end or (whole is not None and start >= whole):
            raise _Refused(f"The stretch {float(start):g}-{float(end):g} s is not inside {draft.media.path}.")
        draft.trim = (start, min(end, whole)) if whole is not None else draft.trim
        draft.add(Action.TRIM, "trim", f"keep {float(start):g}-{float(draft.trim[1]):g} s", "the rest of the video")
        if start > 0:
            draft.encode_video("a cut between keyframes", size=None)
    elif draft.media.duration is None:
        raise _Refused(f"The duration of {draft.media.path} is unknown, so it can't be brought within {limit} s.")
    if draft.seconds > limit:
        raise _Refused(
            f"{draft.media.path} is {float(draft.seconds):.3f} s long and the limit is {float(limit):g} s; "
            "choose the stretch to keep with --trim START-END."
        )


def _resolution(draft: _Draft) -> None:
    limits = draft.report.limits
    shown = draft.picture.display_size
    if geometry.fits(shown, limits):
        return
    crop = geometry.cropped(shown, limits) if draft.picture.sar == 1 else None
    size = crop or geometry.scaled(shown, limits)
    before, after = f"{shown[0]}x{shown[1]}", f"{size[0]}x{size[1]}"
    if crop:
        draft.encode_video(f"a picture of {before}", crop=crop)
        draft.add(Action.CROP, "resolution", f"cut {before} to {after}", "edge rows or columns, one generation")
    else:
        draft.encode_video(f"a picture of {before}", size=size)
        draft.add(Action.SCALE, "resolution", f"scale {before} to {after}", "detail, one generation")


def _size(draft: _Draft) -> None:
    """Cap an encoded picture to the budget, and encode it when nothing else brings the size down."""
    limit = draft.report.limits.max_bytes
    expected = draft.media.size
    if draft.trim and draft.media.duration:
        expected = int(expected * draft.seconds / draft.media.duration)
    if draft.video is None:
        if expected <= limit:
            return
        draft.encode_video(f"{draft.media.size:,} bytes")
        detail = f"encode the picture to stay within {limit:,} bytes"
        draft.add(Action.SHRINK, "size", detail, "one generation, detail where the budget binds")
    other = _audio_bytes(draft) + budget.mux_bytes(draft.seconds, draft.picture.frame_rate, len(draft.media.audio))
    rate = budget.rate_for(limit, draft.seconds, other_bytes=other)
    if rate is None:
        raise _Refused(
            f"{draft.media.path} can't be brought within {limit:,} bytes: its sound alone takes about {other:,}."
        )
    draft.encode_video("the size limit", max_rate=rate.max_rate, buffer=rate.buffer)


def _audio_bytes(draft: _Draft) -> int:
    """Return the bytes that the sound will take."""
    total = Fraction(0)
    for stream in draft.media.audio:
        if containers.holds(_target(draft), stream):
            total += (stream.bit_rate or _ASSUMED_AUDIO_RATE) * draft.seconds / 8
        else:
            total += AudioEncode().rate_per_channel * (stream.channels or 2) * draft.seconds / 8
    return int(total)


def _target(draft: _Draft) -> Container:
    if draft.video is None:
        return draft.container
    return containers.for_encode(replace(draft.media, container=draft.container), draft.report.limits.containers)


def _finished(draft: _Draft) -> Plan:
    target = _target(draft)
    renamed_only = [step.action for step in draft.steps] == [Action.RENAME]
    streams = tuple(_stream(draft, stream, target, renamed_only) for stream in draft.media.streams)
    if any(s.treatment is Treatment.ENCODE and s.index != draft.picture.index for s in streams):
        draft.audio = AudioEncode()
    finished = Plan(
        source=draft.media,
        limits=draft.report.limits,
        policy=draft.policy,
        container=target,
        steps=tuple(draft.steps),
        streams=streams,
        video=draft.video,
        audio=draft.audio,
        trim=draft.trim,
        target_bytes=draft.report.limits.max_bytes if draft.video else None,
    )
    return replace(finished, cost=costs.estimate(finished))


def _stream(draft: _Draft, stream: Stream, target: Container, renamed_only: bool) -> StreamPlan:
    """Decide one stream: copied where the target holds it, else encoded or dropped."""
    if renamed_only:
        return StreamPlan(index=stream.index, treatment=Treatment.COPY)
    if stream.index == draft.picture.index:
        if draft.video:
            return StreamPlan(index=stream.index, treatment=Treatment.ENCODE, encoder=draft.video.encoder)
        return StreamPlan(index=stream.index, treatment=Treatment.COPY)
    if stream.kind is not StreamKind.VIDEO and containers.holds(target, stream):
        return StreamPlan(index=stream.index, treatment=Treatment.COPY)
    if stream.kind is StreamKind.AUDIO:
        return StreamPlan(index=stream.index, treatment=Treatment.ENCODE, encoder=AudioEncode().encoder)
    if stream.kind is StreamKind.SUBTITLE and stream.codec in containers.TEXT_SUBTITLES and target is not Container.MKV:
        return StreamPlan(index=stream.index, treatment=Treatment.ENCODE, encoder="mov_text", note="loses its styling")
    return StreamPlan(index=stream.index, treatment=Treatment.DROP, note=f"{target} can't hold {stream.codec}")
