"""Decide the smallest change that makes a file pass. Pure: a report in, a plan out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from preflight.fixing import bit_budget, cost, frame_size, split
from preflight.fixing.draft import SOUND, Draft, FixRequest, RefusedError
from preflight.model.media import Container, Media, Stream, StreamKind
from preflight.model.plan import Action, Plan, Policy, StreamPlan, Treatment, VideoEncode
from preflight.model.report import Code, Report
from preflight.tools import containers

_SAFE_DEPTH = 8
_SAFE_CHROMA = "4:2:0"
_TIME_CODED = frozenset({Container.MP4, Container.MOV})
"""Containers whose muxers write a time code track from the metadata."""
_STYLED = frozenset({"ass", "ssa", "webvtt"})
"""Codecs of subtitles that place and colour their lines."""
_NAMES = {
    StreamKind.VIDEO: "second video",
    StreamKind.SUBTITLE: "subtitle stream",
    StreamKind.DATA: "data stream",
    StreamKind.ATTACHMENT: "attachment",
    StreamKind.COVER: "cover picture",
}
"""What a dropped stream is called where the losses are told."""
_SOUND_TAIL = Fraction(1, 10)
"""Seconds by which copied sound ends earlier than asked: its last packet reaches beyond the cut."""


def plan(
    report: Report,
    *,
    policy: Policy = Policy.BALANCED,
    trim: tuple[Fraction, Fraction] | None = None,
    encoder: str = "libx264",
    preset: str = "veryfast",
    safe: bool = False,
) -> Plan:
    """Return the cheapest plan under which the file of `report` passes, or one with a `refusal`.

    `trim` keeps the stretch START..END (seconds) of the source. `encoder` and `preset` are used only where the picture
    has to be encoded. `safe` brings odd codecs to H.264 yuv420p and AAC in MP4.
    """
    media = report.media
    if media is None:
        return Plan(source=None, limits=report.limits, policy=policy, refusal=_unreadable(report))
    request = FixRequest(policy=policy, encode=_encode(media, encoder, preset), trim=trim, safe=safe)
    draft = Draft(report=report, media=media, request=request, container=media.container)
    try:
        return _decide(draft)
    except RefusedError as refused:
        return Plan(source=media, limits=report.limits, policy=policy, refusal=str(refused))


def _encode(media: Media, encoder: str, preset: str) -> VideoEncode:
    """Return how the picture would be encoded, if it has to be."""
    picture = media.video
    if picture is None:
        return VideoEncode(encoder=encoder, preset=preset)
    return VideoEncode(encoder=encoder, preset=preset, deinterlace=picture.interlaced, tone_map=picture.color.is_hdr)


def _unreadable(report: Report) -> str:
    subject = report.subject
    return "" if isinstance(subject, Media) else f"{subject.detail} {subject.hint}".strip()


def _decide(draft: Draft) -> Plan:
    """Go through the changes in rising order of loss and take each only when it is needed."""
    _refuse_hopeless(draft)
    _trim(draft)
    _container(draft)
    _sound_that_outlasts(draft)
    _safe(draft)
    _resolution(draft)
    _small_things(draft)
    _split(draft)
    _shrink(draft)
    if not draft.steps and not draft.report.ok:
        raise RefusedError("; ".join(finding.message for finding in draft.report.failures))
    return _finished(draft)


def _refuse_hopeless(draft: Draft) -> None:
    if draft.report.ok and draft.request.trim is None and not draft.request.safe:
        return
    for finding in draft.report.failures:
        if finding.fix is None:
            raise RefusedError(finding.message)
    width, height = draft.picture.display_size
    if not width or not height:
        raise RefusedError(f"{draft.media.path} does not say how large its picture is.")


def _trim(draft: Draft) -> None:
    if draft.request.trim is None:
        return
    start, end = draft.request.trim
    whole = draft.media.duration
    if not 0 <= start < end or (whole is not None and start >= whole):
        raise RefusedError(f"The stretch {float(start):g}-{float(end):g} s is not inside {draft.media.path}.")
    draft.trim = (start, end if whole is None else min(end, whole))
    kept = f"keep {float(start):g}-{float(draft.trim[1]):g} s"
    draft.add(Action.TRIM, "trim", kept, "the rest of the video")


def _container(draft: Draft) -> None:
    """Give the bytes the name they need, or the container the service takes."""
    media = draft.media
    taken = media.container in draft.limits.containers
    if media.duration is None and taken and not draft.report.ok:
        draft.add(Action.REMUX, "duration-unknown", "write it anew, with its duration")
    elif Code.FORMAT in draft.report.codes:
        if taken:
            wanted = containers.EXTENSIONS[media.container]
            draft.add(Action.RENAME, "container-name", f"name it .{wanted}, which its content is")
            return
        target = containers.for_remux(media)
        if target is not None:
            draft.container = target
            draft.add(Action.REMUX, "container", f"copy its packets from {media.container} to {target}")
            return
        draft.container = Container.MP4
        draft.encode(f"no container that the service takes holds {draft.picture.codec}")
        draft.add(Action.TRANSCODE, "container", f"encode {draft.picture.codec} anew in MP4", "one generation")


def _sound_that_outlasts(draft: Draft) -> None:
    """Cut audio, or subtitles, alone where the video itself is short enough."""
    limit = draft.limits.max_seconds
    picture = draft.picture.duration if draft.media.video else None
    if draft.trim is not None or picture is None or not draft.whole > limit >= picture:
        return
    sound = max((stream.duration or picture for stream in draft.media.audio), default=picture)
    draft.audio_end = max(picture, limit - _SOUND_TAIL)
    lines = [s for s in draft.media.streams if s.kind is StreamKind.SUBTITLE and (s.duration or limit) >= limit]
    if sound <= limit and lines:
        draft.ends_lines = True
        draft.audio_end = max(picture, sound)
        detail = f"end the subtitles at {float(draft.audio_end):.3f} s, where the video ends"
        draft.add(Action.DROP, "duration", detail, "subtitles behind the video's end")
        return
    end = f"{float(draft.audio_end):.3f} s"
    draft.add(Action.TRIM_AUDIO, "duration", f"end the sound at {end}", "sound behind the picture's end")


def _safe(draft: Draft) -> None:
    if not draft.request.safe:
        return
    picture = draft.picture
    plain = picture.bit_depth in {None, _SAFE_DEPTH} and picture.chroma in {None, _SAFE_CHROMA}
    if picture.codec != "h264" or picture.interlaced or not plain:
        draft.container = Container.MP4
        draft.encode("--safe", encoder="libx264")
        draft.add(Action.TRANSCODE, "safe", f"encode {picture.codec} as H.264 yuv420p", "one generation")
    elif any(draft.encodes(stream) for stream in draft.media.audio):
        draft.add(Action.ENCODE_AUDIO, "safe", "encode the sound as AAC", "one generation of sound")


def _resolution(draft: Draft) -> None:
    if draft.media.video is None or frame_size.fits(draft.picture.display_size, draft.limits):
        return
    shown = draft.picture.display_size
    crop = frame_size.cropped_size(shown, draft.limits) if draft.picture.sar == 1 else None
    size = crop or frame_size.scaled_size(shown, draft.limits)
    before, after = f"{shown[0]}x{shown[1]}", f"{size[0]}x{size[1]}"
    if crop:
        draft.encode(f"a picture of {before}", crop=crop)
        draft.add(Action.CROP, "resolution", f"cut {before} to {after}", "edge rows or columns, one generation")
    else:
        draft.encode(f"a picture of {before}", size=size)
        draft.add(Action.SCALE, "resolution", f"scale {before} to {after}", "detail, one generation")


def _small_things(draft: Draft) -> None:
    """Bring the size down without touching the picture: drop what is no content, encode uncompressed sound."""
    limit = draft.limits.max_bytes
    # The estimate leans on rates that files state, so it is kept away from the limit.
    aim = int(limit * split.BYTES_SHARE)
    if draft.video is not None or draft.copied_bytes <= limit or draft.seconds > draft.limits.max_seconds:
        return
    rest = [s for s in draft.media.streams if not containers.is_content(s, draft.media)]
    for drop, sound in ((True, False), (False, True), (True, True)):
        if (drop and not rest) or (sound and not any(map(draft.saved_by_sound, draft.media.audio))):
            continue
        draft.drop_rest, draft.encode_sound = drop, sound
        if draft.copied_bytes <= aim:
            break
        draft.drop_rest = draft.encode_sound = False
    if draft.drop_rest:
        draft.add(Action.DROP, "size", f"leave out {len(rest)} streams that are neither picture nor sound")
    if draft.encode_sound:
        draft.add(Action.ENCODE_AUDIO, "size", "encode uncompressed sound as AAC", "one generation of sound")


def _split(draft: Draft) -> None:
    """Split what is too long, or too large where the picture is copied."""
    limits, policy = draft.limits, draft.request.policy
    size = draft.copied_bytes if draft.video is None else 0
    count = split.fewest_segments(draft.seconds, size, limits)
    if count == 1:
        return
    _require_duration(draft)
    too_long = draft.seconds > limits.max_seconds
    if policy is Policy.ONE_FILE:
        if too_long:
            raise RefusedError(
                f"{draft.media.path} is {float(draft.seconds):.3f} s long, the limit {float(limits.max_seconds):g} s "
                "and --policy one-file forbids a split; choose the stretch to keep with --trim START-END."
            )
        return
    if (draft.media.duration or 0) <= count * limits.max_seconds:
        # Segments cut for their size are short enough with all their sound.
        draft.keep_all_sound()
        count = split.fewest_segments(draft.seconds, size, limits)
    start = draft.trim[0] if draft.trim else Fraction(0)
    draft.cuts = tuple(start + draft.seconds * number / count for number in range(1, count))
    reason = "duration" if too_long else "size"
    draft.add(Action.SPLIT, reason, f"split into {count} segments of about {float(draft.seconds / count):.1f} s")


def _shrink(draft: Draft) -> None:
    """Cap an encoded picture to the budget, and encode it when nothing else brings the size down."""
    limit = draft.limits.max_bytes
    if draft.video is None:
        if draft.cuts or draft.copied_bytes <= limit:
            return
        draft.encode(f"{draft.media.size:,} bytes and a limit of {limit:,}")
        loss = "one generation, detail where the budget binds"
        draft.add(Action.SHRINK, "size", f"encode the picture to stay within {limit:,} bytes", loss)
    _require_duration(draft)
    draft.encode_sound = draft.encode_sound or _sound_starves_picture(draft, limit)
    other = draft.sound_bytes + bit_budget.mux_bytes(draft.longest, draft.picture.frame_rate, len(draft.media.audio))
    rate = bit_budget.rate_for(limit, draft.longest, other_bytes=other)
    if rate is None:
        raise RefusedError(
            f"{draft.media.path} can't be brought within {limit:,} bytes: its sound alone takes about {other:,}."
        )
    if rate.max_rate < bit_budget.MAX_VIDEO_RATE:
        draft.encode("the size limit", max_rate=rate.max_rate, buffer=rate.buffer)


def _require_duration(draft: Draft) -> None:
    """Raise RefusedError where a size or a cut would have to be planned without knowing the length."""
    if not draft.seconds:
        raise RefusedError(
            f"The duration of {draft.media.path} is unknown, so its size can't be planned; "
            "remux it (`ffmpeg -i IN -c copy OUT`) and run again."
        )


def _sound_starves_picture(draft: Draft, limit: int) -> bool:
    """Return True when uncompressed sound takes more than a tenth of the limit, which the picture may need."""
    return draft.sound_bytes * 10 > limit and any(map(draft.saved_by_sound, draft.media.audio))


def _finished(draft: Draft) -> Plan:
    streams = tuple(_stream(draft, stream) for stream in draft.media.streams)
    if [step.action for step in draft.steps] in ([], [Action.RENAME]):
        streams = tuple(StreamPlan(index=s.index, treatment=Treatment.COPY) for s in draft.media.streams)
    sound = {stream.index for stream in draft.media.audio}
    finished = Plan(
        source=draft.media,
        limits=draft.limits,
        policy=draft.request.policy,
        container=draft.target,
        steps=tuple(draft.steps),
        streams=streams if draft.steps else (),
        video=draft.video,
        audio=SOUND if any(s.treatment is Treatment.ENCODE and s.index in sound for s in streams) else None,
        trim=draft.trim,
        cuts=draft.cuts,
        audio_end=draft.audio_end,
        target_bytes=draft.limits.max_bytes if draft.video else None,
    )
    return replace(finished, cost=cost.estimate(finished, draft.copied_bytes))


def _stream(draft: Draft, stream: Stream) -> StreamPlan:
    """Decide one stream: copied where the target holds it, else encoded or dropped."""
    copied = StreamPlan(index=stream.index, treatment=Treatment.COPY)
    if stream is draft.media.video:
        return replace(copied, treatment=Treatment.ENCODE, encoder=draft.video.encoder) if draft.video else copied
    if stream.kind is StreamKind.AUDIO:
        if draft.drops(stream):
            why = f"{draft.target} can't hold {stream.codec}, and it can't be decoded"
            return replace(copied, treatment=Treatment.DROP, note=why, loss=f"an audio stream ({stream.codec})")
        encoded = replace(copied, treatment=Treatment.ENCODE, encoder=SOUND.encoder)
        return encoded if draft.encodes(stream) else copied
    return replace(copied, **_beside(draft, stream))


def _beside(draft: Draft, stream: Stream) -> dict[str, Any]:
    """Return what becomes of a stream that is neither the video nor audio, as changes to a copy."""
    target, kept_whole = draft.target, not draft.cuts and draft.trim is None
    lost = {"treatment": Treatment.DROP, "loss": f"a {_NAMES.get(stream.kind, stream.kind)} ({stream.codec})"}
    if draft.drop_rest and not containers.is_content(stream, draft.media):
        return {**lost, "note": "neither video nor audio"}
    if draft.cuts and stream.kind is StreamKind.SUBTITLE:
        # A line that is shown over a cut would make its segment longer than its picture.
        return {"treatment": Treatment.DROP, "note": "comes back when the segments are joined"}
    if stream.codec == containers.TIME_CODE and kept_whole and {target, draft.media.container} <= _TIME_CODED:
        return {"treatment": Treatment.DROP, "note": "carried on as the file's time code"}
    return _unless_held(draft, stream, lost, kept_whole=kept_whole)


def _unless_held(draft: Draft, stream: Stream, lost: dict[str, Any], *, kept_whole: bool) -> dict[str, Any]:
    """Return no changes where the target holds the stream, else how it is converted, or why it is `lost`."""
    target = draft.target
    held = containers.can_hold(target, stream, draft.media.container)
    if held and (kept_whole or stream.kind is StreamKind.SUBTITLE) and stream.kind is not StreamKind.VIDEO:
        return {}
    to_text = stream.kind is StreamKind.SUBTITLE and stream.codec in containers.TEXT_SUBTITLES
    if to_text and target in {Container.MP4, Container.MOV}:
        loss = "the styling of subtitles" if stream.codec in _STYLED else ""
        return {"treatment": Treatment.ENCODE, "encoder": "mov_text", "note": "becomes plain text", "loss": loss}
    if stream.kind is StreamKind.VIDEO:
        return {**lost, "note": "a second video"}
    if stream.kind is StreamKind.COVER:
        return {**lost, "note": "comes back when the video is finished"}
    return {**lost, "note": "it can't be cut" if held else f"{target} can't hold {stream.codec}"}
