"""The composite: the source's own pictures, with only the regions of the service's that it was asked to change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from preflight.errors import InputError, ToolError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.model.media import Media, VideoStream
from preflight.restore.composite import analysis, encoding, render
from preflight.restore.composite.analysis import Findings, Given, SentPart, Timeline
from preflight.restore.composite.blend import Blender
from preflight.restore.composite.encoding import Encoding, Light
from preflight.restore.composite.fidelity import Written
from preflight.restore.composite.frames import Picture, PictureFormat
from preflight.restore.composite.geometry import Orientation, View
from preflight.restore.composite.render import CompositeRender, Rendered
from preflight.restore.composite.selection import RegionSelection
from preflight.restore.composite.spool import RegionSpool
from preflight.tools import elementary, packets
from preflight.tools.elementary import ElementaryStream

_TICKS = Fraction(1, 90_000)
"""Time base where the source's own is not taken over: exact for every common frame rate."""
_CHROMA = ("4:2:0", "4:2:2", "4:4:4")
_FIRST_PASS = 0.4
"""Share of the work that the first pass is reported as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeReport:
    """What a composite did. Its fields are those of the JSON object `composite` in records.

    Frames are numbered from 0 in the finished file; ratios are in dB of luma (PSNR).
    """

    frames: int
    """Number of frames."""
    copied: int
    """Frames whose packets are the source's."""
    encoded: int
    """Frames that were encoded again."""
    changed: int
    """Frames with regions of the service's file."""
    shared: tuple[int, ...] = ()
    """Frames for which the service has none of its own: it dropped them. A neighbour's regions were taken."""
    inserted: int = 0
    """Frames of the service that belong to none of the source's."""
    replaced: tuple[int, ...] = ()
    """Frames that the service changed nearly everywhere."""
    missing: tuple[int, ...] = ()
    """Frames behind the end of the service's file, left as they are in the source."""
    shift: tuple[float, float] = (0.0, 0.0)
    """How far the service's picture lies right and down, in samples of the picture sent."""
    gain: float = 1.0
    """Factor that brings the service's luma to that of the picture sent."""
    crf: float | None = None
    """Quality that the encoded frames were made with; None where all are copied."""
    mean: float | None = None
    """Nearness of the encoded frames to the source outside the regions."""
    worst_frame: float | None = None
    """The same of the worst frame."""
    worst_tile: float | None = None
    """The same of the worst tile of 64x64 samples."""
    worst_tile_place: tuple[int, int, int] | None = None
    """Its frame, left and top edge in samples of the source."""
    encoded_rate: int | None = None
    """Bit rate of the encoded frames, in bits/s."""
    notes: tuple[str, ...] = ()
    """What a person should know, in plain sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeTask:
    """What is composed.

    `parts` are the stretches that were sent. `view` is how their picture lies in the source's, and `filters` make it
    from the source's upright picture where a part's file is gone. With `stretch`, only frames from its start up to its
    end (seconds of the source) are wanted.
    """

    source: Media
    parts: Sequence[SentPart]
    view: View
    filters: str
    selection: RegionSelection = field(default_factory=RegionSelection)
    stretch: tuple[Fraction, Fraction | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frames:
    """The frames of the source that are wanted, and its packets where these can be copied."""

    timeline: Timeline
    ticks: tuple[int, ...]
    base: Fraction
    tail: int
    given: ElementaryStream | None


def make_picture(
    task: CompositeTask, output: Path, *, ffmpeg: str, listener: Listener = ignore, cancel: Cancel | None = None
) -> CompositeReport:
    """Write the composed picture, without sound, to the MP4 `output`; scratch files go to its folder.

    Raises InputError for a source without a picture, ToolError where the files don't belong together, DiskFullError,
    CancelledError.
    """
    video = task.source.video
    if video is None:
        raise InputError(f"{task.source.path} has no picture.")
    folder = output.parent
    found = _frames(task, video, folder, ffmpeg, cancel)
    times = found.timeline.times
    if not times:
        raise ToolError(f"{task.source.path} has no frame in the stretch that is wanted.")
    total = float(times[-1] - times[0] + found.timeline.frame)
    hear = _hearing(listener, total, len(times))
    code = _encoding(task.source, video, found, ffmpeg, cancel)
    with (folder / "regions").open("w+b") as file:
        spool = RegionSpool(file)
        findings = _findings(task, video, found, spool, ffmpeg, hear, cancel)
        blender = Blender(view=task.view, form=code.form, curved=_is_curved(video, task.filters))

        def blend(number: int, picture: Picture) -> list[Written]:
            done = (blender.blend(picture, region, number) for region in spool.get(number))
            return [place for place in done if place is not None]

        rendering = CompositeRender(
            source=task.source.path,
            given=found.given,
            ticks=found.ticks,
            base=found.base,
            skipped=found.timeline.skipped,
            touched=spool.frames,
            tail=found.tail,
            encoding=code,
            orientation=Orientation.of(video),
            program=ffmpeg,
            folder=folder,
            cancel=cancel,
        )
        rendered = render.render(
            rendering, blend, output, on_frame=lambda count: hear(_FIRST_PASS + (1 - _FIRST_PASS) * count / len(times))
        )
    return _report(found, findings, rendered, spool)


def _hearing(listener: Listener, total: float, count: int) -> Callable[[float], None]:
    step, last = max(1, count // 200) / count, -1.0

    def hear(share: float) -> None:
        nonlocal last
        if share - last >= step:
            last = share
            listener(Progress(stage=Stage.RESTORE, done=min(1.0, share) * total, total=total, unit="s"))

    return hear


def _findings(
    task: CompositeTask,
    video: VideoStream,
    found: _Frames,
    spool: RegionSpool,
    program: str,
    hear: Callable[[float], None],
    cancel: Cancel | None,
) -> Findings:
    given = Given(
        source=task.source.path,
        timeline=found.timeline,
        parts=task.parts,
        view=task.view,
        filters=task.filters,
        interlaced=video.interlaced,
        program=program,
        cancel=cancel,
    )
    findings = Findings()
    seen: set[int] = set()
    for number, findings in analysis.analyse(given, spool, task.selection):  # noqa: B007 - the last is wanted
        seen.add(number)
        hear(_FIRST_PASS * len(seen) / len(found.ticks))
    findings.missing = [number for number in range(len(found.ticks)) if number not in seen]
    if len(findings.missing) > len(found.ticks) // 2:
        raise ToolError("the service's file has hardly any frame that belongs to the source")
    return findings


def _frames(task: CompositeTask, video: VideoStream, folder: Path, program: str, cancel: Cancel | None) -> _Frames:
    start, end = task.stretch or (Fraction(0), None)
    given = _given(task.source.path, video, folder, program, cancel)
    if given is not None:
        ranked = sorted(given.packets, key=lambda packet: packet.pts)
        base = given.time_base
        shown = [rank for rank, packet in enumerate(ranked) if packet.shown and _is_in(packet.pts * base, start, end)]
        if shown and shown[-1] - shown[0] + 1 == len(shown):
            ticks = tuple(ranked[rank].pts for rank in shown)
            return _Frames(
                timeline=Timeline(times=tuple(tick * base for tick in ticks), skipped=shown[0]),
                ticks=ticks,
                base=base,
                tail=ranked[shown[-1]].duration or _gap(ticks),
                given=given,
            )
    seconds = packets.decoded_times(task.source.path, ffmpeg=program, cancel=cancel)
    wanted = [number for number, time in enumerate(seconds) if _is_in(time, start, end)]
    times = tuple(seconds[number] for number in wanted)
    ticks = tuple(round(time / _TICKS) for time in times)
    timeline = Timeline(times=times, skipped=wanted[0] if wanted else 0)
    return _Frames(timeline=timeline, ticks=ticks, base=_TICKS, tail=_gap(ticks), given=None)


_SLACK = Fraction(1, 1000)
"""Seconds by which a frame may be before the bound of a stretch that it belongs to."""


def _is_in(time: Fraction, start: Fraction, end: Fraction | None) -> bool:
    return time >= start - _SLACK and (end is None or time < end - _SLACK)


def _gap(ticks: Sequence[int]) -> int:
    gaps = sorted(b - a for a, b in pairwise(ticks))
    return gaps[len(gaps) // 2] if gaps else 1


def _given(
    path: Path, video: VideoStream, folder: Path, program: str, cancel: Cancel | None
) -> ElementaryStream | None:
    """Return the packets of a source that can be copied in part, one for each frame; None for any other."""
    codec = {"avc": "h264"}.get(video.codec, video.codec)
    if codec not in elementary.CODECS or video.interlaced:
        return None
    try:
        given = elementary.unpack(path, folder / "given", program, codec=codec, from_start=True, cancel=cancel)
    except ToolError:
        return None
    distinct = len({packet.pts for packet in given.packets}) == len(given.packets)
    return given if given.sets and distinct else None


def _encoding(source: Media, video: VideoStream, found: _Frames, program: str, cancel: Cancel | None) -> Encoding:
    depth = next((bits for bits in (8, 10, 12) if (video.bit_depth or 8) <= bits), 12)
    codec = found.given.codec if found.given is not None else "hevc" if depth > 8 else "h264"
    if codec == "h264" and depth == 12:
        codec = "hevc"
    form = PictureFormat(
        width=video.width,
        height=video.height,
        depth=depth,
        chroma=_chroma(video),
        full_range=bool(video.color.full_range),
    )
    # What the first picture tells besides: the light of HDR and the order of fields.
    told = video.color.is_hdr or video.interlaced
    return Encoding(
        codec=codec,
        form=form,
        rate=(1 / found.timeline.frame).limit_denominator(1001),
        color=video.color,
        sar=video.sar,
        crf=render.FIRST_CRF,
        light=encoding.light(source.path, program, cancel=cancel) if told else Light(),
        interlaced=video.interlaced,
    )


def _chroma(video: VideoStream) -> str:
    """Return the source's sampling of chroma; H.264 and HEVC hold odd sizes as 4:4:4 only."""
    if video.width % 2 or video.height % 2:
        return "4:4:4"
    return video.chroma if video.chroma in _CHROMA else "4:2:0"


def _is_curved(video: VideoStream, filters: str) -> bool:
    """Return True where a picture of another kind was sent: tone-mapped from HDR."""
    return video.color.is_hdr and "tonemap" in filters


def _report(found: _Frames, findings: Findings, rendered: Rendered, spool: RegionSpool) -> CompositeReport:
    near = rendered.fidelity if rendered.encoded else None
    seconds = float(rendered.encoded * found.timeline.frame)
    return CompositeReport(
        frames=len(found.ticks),
        copied=rendered.copied,
        encoded=rendered.encoded,
        changed=len(spool.frames),
        shared=tuple(findings.shared),
        inserted=findings.inserted,
        replaced=tuple(findings.replaced),
        missing=tuple(findings.missing),
        shift=(round(findings.alignment.shift[0], 2), round(findings.alignment.shift[1], 2)),
        gain=round(findings.alignment.gain, 3),
        crf=rendered.crf,
        mean=None if near is None else round(near.mean, 2),
        worst_frame=None if near is None else round(near.worst_frame, 2),
        worst_tile=None if near is None else round(near.worst_tile, 2),
        worst_tile_place=None if near is None else near.worst_tile_place,
        encoded_rate=round(8 * rendered.encoded_bytes / seconds) if seconds else None,
        notes=tuple(_notes(findings, rendered)),
    )


def _notes(findings: Findings, rendered: Rendered) -> list[str]:
    notes: list[str] = []

    def note(numbers: Sequence[Any], text: str) -> None:
        if numbers:
            first = ", ".join(str(number) for number in numbers[:5])
            notes.append(f"{len(numbers)} frames {text}: {first}{', ...' if len(numbers) > 5 else ''}.")

    note(findings.shared, "were dropped by the service and take a neighbour's regions")
    note(findings.missing, "have no counterpart in the service's file and are left as they are")
    note(findings.replaced, "were changed by the service nearly everywhere")
    if findings.inserted:
        notes.append(f"{findings.inserted} frames of the service belong to none of the source's.")
    if rendered.encoded and rendered.fidelity.worst_frame < render.FLOOR:
        notes.append(f"Encoded frames come within {rendered.fidelity.worst_frame:.1f} dB of the source only.")
    return notes
