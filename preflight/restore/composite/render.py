"""The second pass: groups of pictures without changes are copied packet by packet, the rest is blended and encoded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, chain
from pathlib import Path

import numpy as np

from preflight.errors import ToolError
from preflight.events import Cancel
from preflight.restore.composite import encoding, frames
from preflight.restore.composite.encoding import Encoding
from preflight.restore.composite.fidelity import Fidelity, Written
from preflight.restore.composite.frames import Picture
from preflight.restore.composite.geometry import Orientation
from preflight.tools import elementary, ffmpeg, fmp4, gop_plan, h264, hevc
from preflight.tools.elementary import ElementaryStream, TimedPacket
from preflight.tools.fmp4 import MuxedTrack
from preflight.tools.gop_plan import Span

TARGET = 47.3
"""PSNR of luma outside the regions, in dB, that the quality is chosen for."""
FLOOR = 46.0
"""PSNR that every encoded frame has to have; below it all is encoded again."""
FIRST_CRF = 14.0
"""Quality of the trial."""
FINEST_CRF = 4.0
"""The finest quality that is tried."""
COARSEST_CRF = 20.0
"""The coarsest quality: pictures that stay near at any quality gain nothing by a coarser one."""
ATTEMPTS = 3
"""Maximum number of encodings: pictures that change much may need a finer quality twice."""
STEP = 0.75
"""dB by which a rate factor finer by 1 brings pictures nearer, measured on film and noise with both encoders."""
TRIAL_FRAMES = 8
"""Frames of the trial."""
_TRIAL_SHARE = 2
"""The trial's picture has one of so many parts of the width and of the height."""

Blend = Callable[[int, Picture], Sequence[Written]]
"""Writes the regions of a frame, given by its number, into its picture as shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeRender:
    """What is rendered.

    `given` are the source's packets where they can be copied, None where all is encoded. `ticks` are the times of the
    frames wanted, in units of `base`, and `skipped` how many frames are shown before them. `touched` are the numbers of
    frames with regions. The last frame is shown for `tail` ticks.
    """

    source: Path
    given: ElementaryStream | None
    ticks: Sequence[int]
    base: Fraction
    skipped: int
    touched: frozenset[int]
    tail: int
    encoding: Encoding
    orientation: Orientation
    program: str
    folder: Path
    cancel: Cancel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What was rendered: frames copied and encoded, bytes of each, the quality chosen, and how near it came."""

    copied: int
    encoded: int
    copied_bytes: int
    encoded_bytes: int
    crf: float | None
    fidelity: Fidelity


def render(task: CompositeRender, blend: Blend, output: Path, *, on_frame: Callable[[int], None]) -> Rendered:
    """Write the picture to the fragmented MP4 `output`; `on_frame` hears how many frames were encoded.

    Raises ToolError, DiskFullError, CancelledError.
    """
    spans = _spans(task)
    encoded = [number for span in spans if not span.copied for number in _wanted(task, span)]
    fidelity = Fidelity(depth=task.encoding.form.depth)
    made: ElementaryStream | None = None
    crf: float | None = None
    if encoded:
        part = _part(task, spans)
        crf = _chosen_quality(task, part)
        for attempt in range(ATTEMPTS):
            written: dict[int, Sequence[Written]] = {}
            made = _encoded(task, spans, part, crf, blend, written, on_frame)
            fidelity = _measured(task, spans, part, made, written)
            if fidelity.worst_frame >= FLOOR or crf <= FINEST_CRF or attempt == ATTEMPTS - 1:
                break
            crf = max(FINEST_CRF, crf - (FLOOR + 0.4 - fidelity.worst_frame) / STEP)
    placed = _placed(task, made, spans)
    _assemble(task, placed, output)
    sizes = {True: 0, False: 0}
    for packet in placed:
        sizes[packet.stream is task.given] += packet.stream.packets[packet.number].size
    return Rendered(
        copied=len(task.ticks) - len(encoded),
        encoded=len(encoded),
        copied_bytes=sizes[True],
        encoded_bytes=sizes[False],
        crf=crf,
        fidelity=fidelity,
    )


def _spans(task: CompositeRender) -> list[Span]:
    """Return what is copied and what is encoded, of all frames of the source's file."""
    if task.given is None:
        return [Span(first=task.skipped, last=task.skipped + len(task.ticks) - 1, copied=False)]
    total = len(task.given.packets)
    wanted = range(task.skipped, task.skipped + len(task.ticks))
    touched = {number + task.skipped for number in task.touched}
    touched.update(number for number in range(total) if number not in wanted)
    planned = gop_plan.plan(task.given.entries, total, touched)
    return [span for span in planned if _wanted(task, span)]


def _wanted(task: CompositeRender, span: Span) -> range:
    """Return the numbers of a span's frames that are wanted."""
    first, last = span.first - task.skipped, span.last + 1 - task.skipped
    return range(max(0, first), min(len(task.ticks), last))


def _part(task: CompositeRender, spans: Sequence[Span]) -> Path | None:
    """Return a bare stream of all packets of the spans to encode, None where the source itself is decoded."""
    if task.given is None:
        return None
    part = task.folder / f"part.{task.given.codec}"
    task.given.write_part([span.frames for span in spans if not span.copied], part)
    return part


def _decoded(
    task: CompositeRender, spans: Sequence[Span], part: Path | None
) -> Generator[tuple[int, Picture], None, None]:
    """Yield the source's pictures to encode, as they are stored, each with its number."""
    form = task.encoding.form
    if part is None:
        words = [*ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(task.source)]
    else:
        words = ["-f", "hevc" if part.suffix == ".hevc" else "h264", "-i", ffmpeg.local(part)]
    marked = f"setparams=range={'pc' if form.full_range else 'tv'}"
    pictures = frames.read(frames.decoding(task.program, words, form, filters=marked), form, cancel=task.cancel)
    copied = chain.from_iterable(span.frames for span in spans if not span.copied)
    ranks: Iterator[int] = copied if part is not None else iter(range(task.skipped + len(task.ticks)))
    with contextlib.closing(pictures):
        for rank, picture in zip(ranks, pictures, strict=False):
            number = rank - task.skipped
            if 0 <= number < len(task.ticks):
                yield number, picture


def _chosen_quality(task: CompositeRender, part: Path | None) -> float:
    """Return the rate factor by which pictures come near enough to the source, by a trial with the middle of some."""
    form = task.encoding.form
    width, height = (max(64, side // _TRIAL_SHARE // 16 * 16) for side in (form.width, form.height))
    if width > form.width or height > form.height:
        return FIRST_CRF - 4
    small = replace(form, width=width, height=height)
    left, top = ((whole - side) // 2 & ~1 for whole, side in ((form.width, width), (form.height, height)))
    across, down = form.subsampling
    pictures: list[Picture] = []
    with contextlib.closing(_decoded(task, _spans(task), part)) as decoded:
        for _, picture in decoded:
            planes = (
                plane[top // y : top // y + rows, left // x : left // x + columns].copy()
                for plane, x, y, rows, columns in zip(
                    picture,
                    (1, across, across),
                    (1, down, down),
                    (height, small.chroma_size[1], small.chroma_size[1]),
                    (width, small.chroma_size[0], small.chroma_size[0]),
                    strict=True,
                )
            )
            pictures.append(Picture(*planes))
            if len(pictures) == TRIAL_FRAMES:
                break
    made = task.folder / "trial.mkv"
    trial = replace(task.encoding, form=small, crf=FIRST_CRF)
    data = (b"".join(plane.tobytes() for plane in picture) for picture in pictures)
    encoding.encode(trial.argv(task.program, made), data, cancel=task.cancel)
    argv = frames.decoding(task.program, ["-i", ffmpeg.local(made)], small)
    found = Fidelity(depth=form.depth)
    with contextlib.closing(frames.read(argv, small, cancel=task.cancel)) as results:
        for number, (picture, result) in enumerate(zip(pictures, results, strict=False)):
            found.add(number, picture.y, result.y, None)
    # The first picture of a group is finer than those that follow.
    nearness = min(found.mean, found.worst_frame + 0.7)
    return min(COARSEST_CRF, max(FINEST_CRF, round(FIRST_CRF + (nearness - TARGET) / STEP, 1)))


def _encoded(
    task: CompositeRender,
    spans: Sequence[Span],
    part: Path | None,
    crf: float,
    blend: Blend,
    written: dict[int, Sequence[Written]],
    on_frame: Callable[[int], None],
) -> ElementaryStream:
    """Return the frames of the spans to encode, blended, as one stream that can be entered at the start of each."""
    lengths = [len(_wanted(task, span)) for span in spans if not span.copied]
    starts = list(accumulate(lengths[:-1], initial=0))
    number = h264.free_number(task.given.sets) if task.given and task.encoding.codec == "h264" else 0
    if number is None:
        raise ToolError("the source's parameter sets take every number")
    made = task.folder / "made.mp4"

    def blended() -> Iterator[memoryview]:
        for count, (index, picture) in enumerate(_decoded(task, spans, part), start=1):
            if index in task.touched:
                written[index] = blend(index, task.orientation.shown_picture(picture))
            yield frames.packed(picture)
            on_frame(count)

    argv = replace(task.encoding, crf=crf, set_number=number).argv(task.program, made, starts)
    encoding.encode(argv, blended(), cancel=task.cancel)
    at = task.folder / "made"
    result = elementary.unpack(made, at, task.program, codec=task.encoding.codec, cancel=task.cancel)
    if len(result.packets) != sum(lengths):
        raise ToolError(f"{sum(lengths)} frames were to be encoded and {len(result.packets)} were")
    if not result.entries.issuperset(starts):
        raise ToolError("the encoder did not begin anew where it had to")
    return result


def _measured(
    task: CompositeRender,
    spans: Sequence[Span],
    part: Path | None,
    made: ElementaryStream,
    written: dict[int, Sequence[Written]],
) -> Fidelity:
    """Return how near the encoded frames are to the source's outside of what was written to."""
    form = task.encoding.form
    found = Fidelity(depth=form.depth)
    argv = frames.decoding(task.program, ["-f", made.codec, "-i", ffmpeg.local(made.path)], form)
    count = 0
    with (
        contextlib.closing(frames.read(argv, form, cancel=task.cancel)) as results,
        contextlib.closing(_decoded(task, spans, part)) as originals,
    ):
        for (number, picture), result in zip(originals, results, strict=True):
            outside = None
            if places := written.get(number):
                outside = np.ones((form.height, form.width), np.uint8)
                shown = task.orientation.shown(outside)
                for place in places:
                    place.clear(shown)
            found.add(number, picture.y, result.y, outside)
            count += 1
    if count != len(made.packets):
        raise ToolError(f"{len(made.packets)} frames were encoded and {count} can be decoded")
    return found


def _placed(task: CompositeRender, made: ElementaryStream | None, spans: Sequence[Span]) -> list[TimedPacket]:
    """Return all packets in their new order."""
    encoded = [number for span in spans if not span.copied for number in _wanted(task, span)]
    ranks = [] if made is None else gop_plan.display_ranks([packet.pts for packet in made.packets])
    fresh = (
        TimedPacket(made, place, task.ticks[encoded[rank]]) for place, rank in enumerate(ranks) if made is not None
    )
    placed: list[TimedPacket] = []
    for span in spans:
        if span.copied and task.given is not None:
            given = task.given
            placed += [TimedPacket(given, place, given.packets[place].pts) for place in span.frames]
        else:
            placed += [next(fresh) for _ in _wanted(task, span)]
    return placed


def _assemble(task: CompositeRender, placed: Sequence[TimedPacket], output: Path) -> None:
    """Write the packets, each at its time, to a fragmented MP4."""
    times = gop_plan.decoding_times([packet.time for packet in placed])
    early = max(0, -times[0])
    streams = {packet.stream.path: packet.stream for packet in placed}
    mixed = len(streams) > 1
    hevc_coded = task.encoding.codec == "hevc"
    rows = zip(placed, times, [*times[1:], times[-1] + task.tail], strict=True)
    written = elementary.fragments(rows, early=early, scale=task.base.numerator, with_sets=hevc_coded and mixed)
    with output.open("wb") as file:
        file.write(fmp4.header(_track(task, list(streams.values()))))
        file.writelines(written)


def _track(task: CompositeRender, streams: Sequence[ElementaryStream]) -> MuxedTrack:
    code = task.encoding
    chroma = {"4:2:0": 1, "4:2:2": 2, "4:4:4": 3}[code.form.chroma]
    mixed = len(streams) > 1
    if code.codec == "hevc":
        record = hevc.header_record(streams[0].sets, chroma=chroma, depth=code.form.depth, complete=not mixed)
        # Two encoders' parameter sets have the same numbers, so each group brings its own, which `hvc1` rules out.
        entry, kind = ("hev1" if mixed else "hvc1"), "hvcC"
    else:
        sets: elementary.Sets = {}
        for stream in streams:
            sets |= stream.sets
        record = h264.header_record(sets, chroma=chroma, depth=code.form.depth)
        entry, kind = "avc1", "avcC"
    return MuxedTrack(
        width=code.form.width,
        height=code.form.height,
        ticks=task.base.denominator,
        record=(kind, record),
        entry=entry,
        sar=code.sar,
        color=code.color,
        matrix=task.orientation.matrix,
        light=code.light.boxes(),
    )
