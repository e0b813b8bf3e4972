"""Put the pictures of cleaned segments one behind the other, each at the time its stretch has in the source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from preflight.errors import ToolError
from preflight.events import Cancel
from preflight.model.media import Container, StreamKind
from preflight.tools import appearance, containers, packets, proof
from preflight.tools import ffmpeg as tool
from preflight.tools.appearance import Appearance
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
    `frames` is how many frames the segment had when it was sent, where that is known.
    """

    path: Path
    start: Fraction
    end: Fraction | None
    without_frames: Fraction = Fraction(0)
    frames: int | None = None


def first_time(path: Path, *, ffmpeg: str, at: Fraction = Fraction(0), cancel: Cancel | None = None) -> Fraction:
    """Return when the first picture behind `at` is shown, in seconds after `at`; 0 when there is none."""
    # The sample tables of most files say it, which saves a process.
    listing = None if at else proof.from_tables(path, Container.MP4, ("V:0",))
    seek = at or None
    listing = listing or packets.scan(path, ffmpeg=ffmpeg, maps=("0:V:0",), seek=seek, length=_LOOKED_AT, cancel=cancel)
    return first_shown(listing)


def first_shown(listing: Listing) -> Fraction:
    """Return when the first picture of a listing is shown, in seconds; 0 when there is none."""
    times = [packet.pts * listing.heads[0].time_base for packet in listing.of(0)]
    return min((time for time in times if time >= 0), default=Fraction(0))


def join(cleaned: Sequence[CleanedSegment], folder: Path, *, ffmpeg: str, cancel: Cancel | None = None) -> Path:
    """Return a file in `folder` with all pictures: packets copied when the segments agree, else encoded once.

    Raises ToolError when a segment is shorter than the stretch that it stands for.
    """
    originals = [packets.scan(item.path, ffmpeg=ffmpeg, maps=("0:V:0",), cancel=cancel) for item in cleaned]
    suffix = _suffix(originals)
    alone = [
        _alone(item.path, original, folder / f"{n}{suffix}", ffmpeg, cancel)
        for n, (item, original) in enumerate(zip(cleaned, originals, strict=True))
    ]
    listings = [packets.scan(path, ffmpeg=ffmpeg, cancel=cancel) for path in alone]
    for item, original, listing in zip(cleaned, originals, listings, strict=True):
        _require_frames(item.path, original, listing)
    heads = [listing.heads[0] for listing in listings]
    for item, listing in zip(cleaned, listings, strict=True):
        _require_length(item, listing)
    shown = appearance.read([(item.path, _container(item.path)) for item in cleaned], ffmpeg=ffmpeg, cancel=cancel)
    # A later segment whose edit list hides frames would show them in the middle of the video.
    hiding = any(listing.of(0).hidden() for listing in listings[1:])
    turns = {one.rotation for one in shown if one is not None}
    copied = can_be_copied(heads) and len(turns) <= 1 and not hiding and not any(map(_overlaps, cleaned, listings))
    if not copied:
        suffix = ".mp4"
        alone = [
            _alike(item, path, shown[0], one, folder / f"alike-{n}.mp4", ffmpeg, cancel)
            for n, (item, path, one) in enumerate(zip(cleaned, alone, shown, strict=True))
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
    displayed = None if shown[0] is None else _displayed(shown[0], copied=copied)
    proof.prove(made, [promised], container=_container(made), ffmpeg=ffmpeg, displayed=displayed, cancel=cancel)
    return made


def _displayed(first: Appearance, *, copied: bool) -> Callable[[Appearance], str | None]:
    """Return what tells how a joined video is displayed otherwise than its `first` segment."""
    if copied:
        return partial(appearance.difference, first)
    return partial(appearance.encoded_difference, first.display_size, replace(first.color, full_range=None))


def _container(path: Path) -> Container:
    try:
        return Container(path.suffix[1:].lower())
    except ValueError:
        return Container.OTHER


def _overlaps(item: CleanedSegment, listing: Listing) -> bool:
    """Return True when the last frame of a cleaned segment would be shown after the next segment's first."""
    times = listing.of(0).shown_times()
    if item.end is None or not times:
        return False
    return (times[-1] - times[0]) * listing.heads[0].time_base > item.end - item.start - _TOLERANCE


def _promised(cleaned: Sequence[CleanedSegment], listings: Sequence[Listing], *, copied: bool) -> KeptStream:
    """Return all frames of the segments, each at the time of its stretch."""
    ticks = int(_TIME_SCALE)
    expected = PacketTable(0)
    for item, listing in zip(cleaned, listings, strict=True):
        base = listing.heads[0].time_base
        shown = listing.of(0).shown()
        first = min(shown.times, default=0)
        frames: Sequence[Packet] = listing.of(0) if copied else shown
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


def _suffix(originals: Sequence[Listing]) -> str:
    """Return the name's end of files for the pictures alone: MP4 or MOV, else MKV, whose times are coarser."""
    codecs = {listing.heads[0].codec for listing in originals}
    if codecs <= containers.MP4_PICTURES:
        return ".mp4"
    return ".mov" if codecs <= containers.MOV_PICTURES else ".mkv"


def _alone(path: Path, original: Listing, made: Path, ffmpeg: str, cancel: Cancel | None) -> Path:
    """Copy the video of `path`, whose packets are listed in `original`, so that its first frame is shown at 0.

    A start that ffmpeg counts later than that frame would put it before 0, where an edit list of MP4 hides it.
    """
    first = min(original.of(0).shown().times, default=0) * original.heads[0].time_base
    # Sound and chapters would count for the segment's start and length, by which it is put in its place.
    argv = [ffmpeg, *tool.QUIET, *tool.INPUT_GUARD, "-itsoffset", f"{float(-first):.6f}", "-i", tool.local(path)]
    argv += ["-map", "0:V:0", "-c", "copy", "-map_chapters", "-1", "-video_track_timescale", _TIME_SCALE]
    tool.run([*argv, tool.local(made)], cancel=cancel)
    return made


def _require_frames(path: Path, original: Listing, copy: Listing) -> None:
    """Raise ToolError unless a copy of the video of `path` shows as many frames."""
    there, kept = len(original.of(0).shown()), len(copy.of(0).shown())
    if kept != there:
        raise ToolError(f"The copy of the video of {path} shows {kept} of {there} frames; nothing was kept.")


def _require_length(item: CleanedSegment, listing: Listing) -> None:
    """Raise ToolError for a segment that ends early, though its last frame is not one that is held for long."""
    length = listing.end(0)
    wanted = Fraction(0) if item.end is None else item.end - item.start - item.without_frames
    complete = item.frames is not None and len(listing.of(0).shown()) >= item.frames
    if length < wanted - _SHORT and not complete:
        raise ToolError(
            f"{item.path} has {float(length):.3f} s of video, but stands for {float(wanted):.3f} s.",
            hint="Fetch it again: `preflight resume`.",
        )


def _alike(
    item: CleanedSegment,
    alone: Path,
    first: Appearance | None,
    shown: Appearance | None,
    made: Path,
    ffmpeg: str,
    cancel: Cancel | None,
) -> Path:
    """Encode the pictures of one segment, displayed as `shown`, like those of the `first` one and upright."""
    chain = "setsar=1,format=yuv420p"
    if first is not None:
        (width, height), sar = first.upright
        chain = f"scale={width - width % 2}:{height - height % 2},setsar={sar.numerator}/{sar.denominator}"
        chain += ",format=yuv420p"
    color = "" if shown is None else appearance.color_filter(shown.color)
    chain = f"{color},{chain}" if color else chain
    if item.end is not None:
        chain += f",trim=duration={float(item.end - item.start - _TOLERANCE)}"
    argv = [ffmpeg, *tool.QUIET, *tool.INPUT_GUARD, "-i", tool.local(alone), "-vf", chain, "-c:v", "libx264"]
    argv += ["-preset", "veryfast", "-crf", "16", "-fps_mode", "passthrough", "-enc_time_base", f"1:{_TIME_SCALE}"]
    argv += [] if first is None else appearance.color_options(first.color)
    tool.run([*argv, "-video_track_timescale", _TIME_SCALE, tool.local(made)], cancel=cancel)
    return made
