"""Put the pictures of cleaned segments one behind the other, each at the time its stretch has in the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from preflight.errors import ToolError
from preflight.events import Cancel
from preflight.model.media import Container, StreamKind
from preflight.tools import containers, packets, proof
from preflight.tools import ffmpeg as tool
from preflight.tools.packets import Listing, Packet, PacketTable
from preflight.tools.proof import KeptStream

_TIME_SCALE = "90000"
"""One time base for all segments: ffmpeg joins equal ones only. Exact for every common frame rate."""
_SHORT = Fraction(1, 2)
"""Seconds that a cleaned segment may lack before it counts as cut short."""
_TOLERANCE = Fraction(1, 500)
"""Seconds that rounded times may differ: a picture so near a stretch's end is the next one's first."""
_LOOKED_AT = Fraction(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanedSegment:
    """A cleaned segment: its file, and the range of the finished file that it fills, in seconds.

    `without_frames` is how much of the range's end has no frames in the source either, because its sound goes on.
    """

    path: Path
    start: Fraction
    end: Fraction | None
    without_frames: Fraction = Fraction(0)


def first_time(path: Path, *, ffmpeg: str, at: Fraction = Fraction(0), cancel: Cancel | None = None) -> Fraction:
    """Return when the first picture behind `at` is shown, in seconds after `at`; 0 when there is none."""
    seek = at or None
    listing = packets.scan(path, ffmpeg=ffmpeg, maps=("0:V:0",), seek=seek, length=_LOOKED_AT, cancel=cancel)
    times = [packet.pts * listing.heads[0].time_base for packet in listing.of(0)]
    return min((time for time in times if time >= 0), default=Fraction(0))


def join(cleaned: Sequence[CleanedSegment], folder: Path, *, ffmpeg: str, cancel: Cancel | None = None) -> Path:
    """Return a file in `folder` with all pictures: packets copied when the segments agree, else encoded once.

    Raises ToolError when a segment is shorter than the stretch that it stands for.
    """
    suffix = _suffix(cleaned, ffmpeg, cancel)
    alone = [_alone(item.path, folder / f"{n}{suffix}", ffmpeg, cancel) for n, item in enumerate(cleaned)]
    listings = [packets.scan(path, ffmpeg=ffmpeg, cancel=cancel) for path in alone]
    heads = [listing.heads[0] for listing in listings]
    for item, listing in zip(cleaned, listings, strict=True):
        _require_length(item, listing.end(0))
    copied = can_be_copied(heads) and not any(map(_overlaps, cleaned, listings))
    if not copied:
        suffix = ".mp4"
        alone = [
            _alike(item, path, heads[0], folder / f"alike-{n}.mp4", ffmpeg, cancel)
            for n, (item, path) in enumerate(zip(cleaned, alone, strict=True))
        ]
    made = folder / f"pictures{suffix}"
    lengths = [None if item.end is None else item.end - item.start for item in cleaned]
    listed = folder / "pictures.txt"
    text = tool.concat_list(list(zip(alone, lengths, strict=True)))
    listed.write_text(text, encoding="utf-8", errors="surrogateescape")
    argv = [ffmpeg, *tool.QUIET, "-protocol_whitelist", "file,pipe", "-f", "concat", "-safe", "0"]
    argv += ["-i", tool.local(listed), "-map", "0:v:0", "-c", "copy", "-video_track_timescale", _TIME_SCALE]
    tool.run([*argv, tool.local(made)], cancel=cancel)
    promised = _promised(cleaned, listings, copied=copied)
    first = cleaned[0].path
    promised = replace(promised, matrix=proof.display_matrix(first, _container(first)) if copied else None)
    proof.prove(made, [promised], container=_container(made), ffmpeg=ffmpeg, cancel=cancel)
    return made


def _container(path: Path) -> Container:
    try:
        return Container(path.suffix[1:].lower())
    except ValueError:
        return Container.OTHER


def _overlaps(item: CleanedSegment, listing: Listing) -> bool:
    """Return True when the last frame of a cleaned segment would be shown after the next segment's first."""
    times = [packet.pts for packet in listing.of(0)]
    if item.end is None or not times:
        return False
    return (max(times) - min(times)) * listing.heads[0].time_base > item.end - item.start - _TOLERANCE


def _promised(cleaned: Sequence[CleanedSegment], listings: Sequence[Listing], *, copied: bool) -> KeptStream:
    """Return all frames of the segments, each at the time of its stretch."""
    ticks = int(_TIME_SCALE)
    expected = PacketTable(0)
    for item, listing in zip(cleaned, listings, strict=True):
        base = listing.heads[0].time_base
        frames: Sequence[Packet] = listing.of(0)
        first = min((packet.pts for packet in frames), default=0)
        if not copied and item.end is not None:
            last = (item.end - item.start - _TOLERANCE) / base
            frames = [packet for packet in frames if packet.pts - first < last]
        for packet in frames:
            shift = item.start - first * base
            pts, dts = (round((time * base + shift) * ticks) for time in (packet.pts, packet.dts))
            expected.append(packet._replace(pts=pts, dts=dts, duration=round(packet.duration * base * ticks)))
    return KeptStream(
        name="the joined video",
        kind=StreamKind.VIDEO,
        head=replace(listings[0].heads[0], time_base=Fraction(1, ticks)),
        expected=expected,
        copied=copied,
        # ffmpeg brings joined packets to start codes and back, with parameter sets in front of keyframes.
        reframed=True,
    )


def can_be_copied(heads: Sequence[packets.Head]) -> bool:
    """Return True when packets of these streams can follow each other in one stream.

    H.264 segments may differ in their setup, which ffmpeg then puts before each keyframe; others may not.
    """
    first = heads[0]
    if any((head.codec, head.size, head.sar) != (first.codec, first.size, first.sar) for head in heads):
        return False
    return first.codec == "h264" or all(head.extradata == first.extradata for head in heads)


def _suffix(cleaned: Sequence[CleanedSegment], ffmpeg: str, cancel: Cancel | None) -> str:
    """Return the name's end of files that can hold the pictures alone: MP4, whose times are finer, or else MKV."""
    codecs = {
        packets.scan(item.path, ffmpeg=ffmpeg, length=_LOOKED_AT, cancel=cancel).heads[0].codec for item in cleaned
    }
    return ".mp4" if codecs <= containers.MP4_PICTURES else ".mkv"


def _alone(path: Path, made: Path, ffmpeg: str, cancel: Cancel | None) -> Path:
    # Sound and chapters would count for the segment's start and length, by which it is put in its place.
    argv = [ffmpeg, *tool.QUIET, *tool.INPUT_GUARD, "-i", tool.local(path), "-map", "0:V:0", "-c", "copy"]
    argv += ["-map_chapters", "-1", "-video_track_timescale", _TIME_SCALE]
    tool.run([*argv, tool.local(made)], cancel=cancel)
    return made


def _require_length(item: CleanedSegment, length: Fraction) -> None:
    wanted = Fraction(0) if item.end is None else item.end - item.start - item.without_frames
    if length < wanted - _SHORT:
        raise ToolError(
            f"{item.path} has {float(length):.3f} s of video, but stands for {float(wanted):.3f} s.",
            hint="Fetch it again: `preflight resume`.",
        )


def _alike(
    item: CleanedSegment, alone: Path, head: packets.Head, made: Path, ffmpeg: str, cancel: Cancel | None
) -> Path:
    """Encode the pictures of one segment so that they agree with those of all others made so."""
    width, height = head.size or (1920, 1080)
    chain = f"scale={width}:{height},setsar=1,format=yuv420p"
    if item.end is not None:
        chain += f",trim=duration={float(item.end - item.start - _TOLERANCE)}"
    argv = [ffmpeg, *tool.QUIET, *tool.INPUT_GUARD, "-i", tool.local(alone), "-vf", chain, "-c:v", "libx264"]
    argv += ["-preset", "veryfast", "-crf", "16", "-fps_mode", "passthrough", "-enc_time_base", f"1:{_TIME_SCALE}"]
    tool.run([*argv, "-video_track_timescale", _TIME_SCALE, tool.local(made)], cancel=cancel)
    return made
