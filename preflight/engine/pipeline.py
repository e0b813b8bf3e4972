"""A removal from start to end: scan, select, inpaint, encode, report."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from preflight.engine.classify import selection
from preflight.engine.detect.detector import NoLines, PendingLines, make_task, sample_step
from preflight.engine.encode import companions, encoder, smart_render
from preflight.engine.encode import quality as rate
from preflight.engine.encode.companions import Companions
from preflight.engine.graphics import box_detection, name_graphics, watermarks
from preflight.engine.graphics.faint_marks import with_faint_marks
from preflight.engine.graphics.faint_mattes import with_films
from preflight.engine.graphics.lasting_mattes import fit_lasting_mattes
from preflight.engine.graphics.watermarks import FrameSampler
from preflight.engine.graphics.word_highlights import with_highlights
from preflight.engine.inpaint import chunk_plan, crop_cache, reference_frames
from preflight.engine.inpaint.fill_model import FillModel
from preflight.engine.inpaint.patches import Spool, paste
from preflight.engine.inpaint.task import ESCALATION, ChunkResult, InpaintTask
from preflight.engine.kept_work import KeptWork
from preflight.engine.media.decode import Frame, decode, parse_last_duration, parse_times
from preflight.engine.media.probe import Source, inspect
from preflight.engine.model.track import MaskModel, Track
from preflight.engine.motion import camera_window
from preflight.engine.motion.camera import PROXY_WIDTH, Motion
from preflight.engine.motion.camera_window import CameraWindow
from preflight.engine.parallel.pool import Pool, workers
from preflight.engine.report import ReportBuilder
from preflight.engine.tracking.gap_search import UnexaminedSpan
from preflight.engine.tracking.tracker import TextTracker
from preflight.engine.types import RemovalReport
from preflight.engine.visualize import ContactSheet, chosen_frames, tint_tracks
from preflight.errors import CancelledError, DiskFullError, ToolError
from preflight.events import Cancel
from preflight.model.job import RemovalOptions
from preflight.tools import files

_SCAN_DONE, _REFERENCES_DONE, _INPAINT_DONE = 0.2, 0.3, 0.8
ProgressListener = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What else is wished: a contact sheet (PNG), a video with the masks in red, how many processes, a way to stop.

    With `smart_encode` groups of pictures without text are copied where that can be done. With `any_script` text is
    removed that the recogniser can't read. The `fill_model` fills what no other frame shows.
    """

    sheet: Path | None = None
    overlay: Path | None = None
    processes: int | None = None
    cancel: Cancel | None = None
    smart_encode: bool = False
    any_script: bool = False
    fill_model: FillModel | None = None
    kept: KeptWork = field(default_factory=KeptWork)


def remove_text(
    source: Path,
    destination: Path,
    options: RemovalOptions,
    *,
    program: str,
    on_progress: ProgressListener | None = None,
    extras: Extras = Extras(),
) -> RemovalReport:
    """Write `source` without its text to `destination`, as `preflight.engine.remove_text` describes."""
    on_share = _listener(on_progress, extras.cancel)
    facts = inspect(source, program)
    encoder.require_orientation(facts, program, destination)
    beside = companions.choose(facts, program, destination, audio=not options.remove_audio)
    with files.scratch(destination.parent) as folder, (folder / "patches").open("w+b") as file:
        spool = Spool(file)
        # The workers are gone, and their memory with them, before the encoder takes its own.
        with workers(extras.processes) as pool:
            found = extras.kept.selection()
            if found is None:
                scanned = scan(facts, program, pool, lambda share: on_share(share * _SCAN_DONE), folder)
                context = RemovalContext(facts, program, folder, scanned.times, on_share)
                selected = select(context, scanned, options, any_script=extras.any_script)
                found = FoundTexts(scanned.times, scanned.last_duration, scanned.motion, selected)
                extras.kept.keep_selection(found)
            times, (chosen, kept, others) = found.times, found.selection
            context = RemovalContext(
                facts, program, folder, times, on_share, found.last_duration, extras.fill_model, extras.kept
            )
            figures = ReportBuilder(facts, times)
            for result in inpaint(context, pool, chosen, others, found.motion):
                spool.put(*result.patches, chunk=result.chunk.number)
                figures.add(result)
        encoded = EncodeSummary(copied_frames=len(times))
        sheet = ContactSheet(chosen_frames(chosen) if extras.sheet else [])
        if chosen or not encoder.copy(facts, program, destination, beside):
            encoded = encode_result(context, spool, sheet, destination, beside, smart_encode=extras.smart_encode)
        if extras.sheet:
            sheet.save(extras.sheet)
        if extras.overlay:
            shown = tint_tracks(decode(facts, program), chosen)
            encoder.write(shown, times, facts, program, extras.overlay, Companions())
    extras.kept.discard()
    on_share(1.0)
    return RemovalReport(
        frames=len(times),
        frame_rate=round(float(facts.rate), 3),
        frames_filled=figures.frames_filled,
        frames_copied=encoded.copied_frames,
        quality=figures.clip_quality(),
        removed=tuple(figures.removed(track) for track in chosen),
        kept=tuple(
            figures.summary(track, str(selection.reason_kept(track, options, frames=len(times)))) for track in kept
        ),
        poor_regions=figures.poor_regions(),
        notes=(*encoded.notes, *beside.notes),
        fill_model=figures.used_model(extras.fill_model),
    )


@dataclass(frozen=True, slots=True)
class RemovalContext:
    """What the stages after the scan need to know: the source, the time of each frame, where scratch files go."""

    source: Source
    program: str
    folder: Path
    times: tuple[int, ...]
    on_share: ProgressListener
    last_duration: int = 0
    fill_model: FillModel | None = None
    kept: KeptWork = field(default_factory=KeptWork)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSummary:
    """How the result was made: the frames whose packets were copied, and what of the source it does not keep."""

    copied_frames: int = 0
    notes: tuple[str, ...] = ()


def encode_result(
    context: RemovalContext,
    spool: Spool,
    sheet: ContactSheet,
    destination: Path,
    beside: Companions,
    *,
    smart_encode: bool,
) -> EncodeSummary:
    """Write the frames with their patches on to `destination`."""
    total = len(context.times)

    def clean(frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            context.on_share(_INPAINT_DONE + 0.2 * frame.index / total)
            result = paste(frame, spool.take(frame.index))
            sheet.add(frame, result)
            yield result

    notes = _notes(context.source, destination)
    fine = rate.needs_fine_quality(context.source, context.program)
    if smart_encode:
        task = smart_render.RenderTask(
            context.source, context.times, spool.frames, context.program, context.folder, fine
        )
        try:
            return EncodeSummary(copied_frames=smart_render.write(task, clean, destination, beside))
        except DiskFullError:
            raise
        except ToolError as error:
            sheet.clear()
            notes.append(f"every frame encoded: {error.message}")
    frames = clean(decode(context.source, context.program))
    encoder.write(
        frames,
        context.times,
        context.source,
        context.program,
        destination,
        beside,
        fine=fine,
        last_duration=context.last_duration,
    )
    return EncodeSummary(notes=tuple(notes))


def _listener(on_progress: ProgressListener | None, cancel: Cancel | None) -> ProgressListener:
    """Return a listener that reports a share that never decreases, and raises CancelledError when cancelled."""
    most = 0.0

    def on_share(share: float) -> None:
        nonlocal most
        if cancel is not None and cancel.is_set():
            raise CancelledError("Stopped on request.")
        most = max(most, share)
        if on_progress is not None:
            on_progress(most)

    return on_share


def _notes(source: Source, destination: Path) -> list[str]:
    """Return what of the source the result does not keep."""
    notes = []
    if source.deep:
        notes.append(f"picture reduced from {source.pixel_format} to 8-bit 4:2:0")
    if encoder.is_padded(source, destination):
        notes.append("an odd side made even by repeating its last row or column")
    if source.interlaced:
        notes.append("interlaced picture turned into whole frames")
    return notes


class Scanned(NamedTuple):
    """Result of the first pass: all tracks, the time of each frame (in ticks), camera motion, and sampled frames.

    Frames of the `unexamined` spans may show text in the span's box that no track covers: they are no donors there.
    """

    tracks: list[Track]
    times: tuple[int, ...]
    motion: Motion
    gallery: FrameSampler
    unexamined: tuple[UnexaminedSpan, ...] = ()
    last_duration: int = 0


def scan(source: Source, program: str, pool: Pool, on_share: ProgressListener, scratch: Path | None = None) -> Scanned:
    """Look for text in `source`.

    A small file is put to `scratch`, or where the system keeps such files.
    """
    step, gallery = sample_step(source.rate), FrameSampler()
    pending: dict[int, PendingLines] = {}

    def request(frame: Frame) -> None:
        task = state.question(frame)
        pending[frame.index] = NoLines() if task.parts == () else pool.submit(task)

    def read_ahead(frames: Iterable[Frame]) -> Iterator[Frame]:
        # Where samples are close together, the answer to one is long in coming: the next two are asked for meanwhile.
        held: deque[Frame] = deque()
        for frame in frames:
            gallery.add(frame)
            if frame.index % step == 0:
                request(frame)
            held.append(frame)
            if len(held) > 2 * step:
                yield held.popleft()
        if held and held[-1].index not in pending:
            request(held[-1])
        yield from held

    state = TextTracker(
        step=step,
        size=source.upright,
        finder=lambda frame: pending.pop(frame.index, None) or pool.submit(make_task(frame)),
        scenery=CameraWindow(Motion(scale=PROXY_WIDTH / source.upright[0])),
    )
    expected = float(source.duration * source.rate) if source.duration else 0.0
    with tempfile.TemporaryDirectory(prefix="preflight-", dir=scratch) as folder:
        listing = Path(folder) / "times"
        for frame in read_ahead(decode(source, program, times=listing)):
            state.feed(frame)
            if expected:
                on_share(min(1.0, frame.index / expected))
        listed = listing.read_text("ascii")
        times = parse_times(listed)
    if len(times) < state.frames:
        raise ToolError(f"{source.path.name}: {len(times)} timestamps for {state.frames} frames.")
    tracks = selection.propagate_labels(state.finish(), state.scenery.motion, source.upright)
    tracks = with_faint_marks(tracks, gallery, source.upright, state.frames)
    return Scanned(
        tracks,
        times[: state.frames],
        state.scenery.motion,
        gallery,
        tuple(state.unexamined),
        parse_last_duration(listed),
    )


class Selection(NamedTuple):
    """The tracks to remove, those of legible text that stays, and all text that stays, known or possible."""

    removed: list[Track]
    kept: list[Track]
    others: list[Track]


def select(
    context: RemovalContext, scanned: Scanned, options: RemovalOptions, *, any_script: bool = False
) -> Selection:
    """Return what is removed and what is kept."""
    frames = len(context.times)
    texts = selection.select_tracks(scanned.tracks, options, frames=frames, any_script=any_script)
    overlaid = watermarks.detect(scanned.gallery, context.source.upright, len(context.times))
    marks = watermarks.suppress_explained(overlaid, texts, scanned.tracks)
    if marks:
        camera_window.measure_all(scanned.motion, decode_again(context), [track.box for track in texts + marks])
    rest = [track for track in scanned.tracks if not any(watermarks.is_part(track, mark) for mark in marks)]
    kept = [
        track
        for track in rest
        if (track.text or selection.is_unread_text(track)) and not any(track is text for text in texts)
    ]
    texts = [text for text in texts if any(text is track for track in rest)]
    others = [track for track in rest if not any(track is text for text in texts)]
    lit = with_highlights(texts, lambda: decode_again(context), context.source.upright)
    chosen = lit + marks + selection.boxes_as_tracks(options.inpainting_boxes, context.times, context.source)
    if options.color_blocks:
        found = detect_boxes(context, texts, scanned.motion)
        chosen = box_detection.release_letters(chosen, found) + found
    chosen = name_graphics.add_graphics(chosen, scanned.gallery, context.source.upright)
    chosen = with_films(chosen, lambda: decode_again(context), context.source.upright, frames)
    chosen = fit_lasting_mattes(chosen, lambda: decode_again(context), frames)
    return Selection(chosen, kept, others + [_unexamined_track(span) for span in scanned.unexamined])


class FoundTexts(NamedTuple):
    """What is known before anything is filled: as in `Scanned`, and what is removed."""

    times: tuple[int, ...]
    last_duration: int
    motion: Motion
    selection: Selection


def _unexamined_track(span: UnexaminedSpan) -> Track:
    mask = np.zeros((span.box.height, span.box.width), bool)
    return Track(box=span.box, line=span.box, first=span.first, last=span.last, masks=MaskModel(usual=mask))


def detect_boxes(context: RemovalContext, texts: list[Track], motion: Motion) -> list[Track]:
    """Return tracks of the blocks behind text."""
    if not texts:
        return []
    return box_detection.detect_backing_boxes(
        texts, decode_again(context, box_detection.last_frame_needed(texts)), motion, context.source.upright
    )


def decode_again(context: RemovalContext, stop: int | None = None, until: float = _SCAN_DONE) -> Iterator[Frame]:
    """Yield the frames up to index `stop` once more, between the scan and the fill; it can be cancelled meanwhile."""
    for frame in decode(context.source, context.program, stop=stop):
        context.on_share(_SCAN_DONE + (until - _SCAN_DONE) * frame.index / (stop or len(context.times)))
        yield frame


def inpaint(
    context: RemovalContext, pool: Pool, tracks: list[Track], others: list[Track], motion: Motion
) -> Iterator[ChunkResult]:
    """Yield the finished chunks of `tracks` in the order of the plan.

    Decodes once, twice with reference frames. Chunks in which a text was filled in another way than in others are
    filled and yielded again; that takes one more decoding.
    """
    size, total = context.source.upright, len(context.times)
    planned = reference_frames.with_reference_frames(
        chunk_plan.plan(tracks, motion, total, *size, others), tracks, motion
    )
    steps: dict[int, tuple[int, ...]] = {}
    for result in _filled(context, pool, tracks, planned, {}):
        steps[result.chunk.number] = result.steps
        yield result
    raised = chunk_plan.raised_steps(planned, steps, len(ESCALATION) - 1)
    yield from _filled(context, pool, tracks, [chunk for chunk in planned if chunk.number in raised], raised)


def _filled(
    context: RemovalContext,
    pool: Pool,
    tracks: list[Track],
    chunks: Iterable[chunk_plan.InpaintChunk],
    least_steps: Mapping[int, tuple[int, ...]],
) -> Iterator[ChunkResult]:
    """Yield the finished chunks in their order, each track filled at least by its method in `least_steps`.

    Chunks that are kept on disk are not filled again. Raises ToolError when the video gives fewer frames than before.
    """
    planned = list(chunks)
    missing = [
        chunk for chunk in planned if context.kept.chunk(chunk.number, least_steps.get(chunk.number, ())) is None
    ]
    made = _made(context, pool, tracks, missing, least_steps)
    awaited = {chunk.number for chunk in missing}
    for chunk in planned:
        least = least_steps.get(chunk.number, ())
        if chunk.number in awaited:
            result = next(made, None)
            if result is None:
                raise ToolError(f"{context.source.path.name} gave fewer frames when it was decoded again.")
            context.kept.keep_chunk(chunk.number, least, result)
        else:
            result = context.kept.chunk(chunk.number, least)
        yield result
    made.close()


def _made(
    context: RemovalContext,
    pool: Pool,
    tracks: list[Track],
    chunks: Iterable[chunk_plan.InpaintChunk],
    least_steps: Mapping[int, tuple[int, ...]],
) -> Generator[ChunkResult]:
    """Yield chunks in their order as they are finished."""
    planned = deque(chunks)
    size, total = context.source.upright, len(context.times)
    if not planned:
        return
    ahead = 2 * pool.size
    slots = 2 * chunk_plan.SEARCH_RADIUS + chunk_plan.CHUNK_FRAMES * (ahead + 2)
    stored = {(index, chunk.place) for chunk in planned for index in chunk.motion.leaps}
    layout = crop_cache.CropLayout.of(context.folder / "crops", chunk_plan.places(tracks, *size), slots, stored)
    start = _REFERENCES_DONE if stored else _SCAN_DONE
    running: deque[tuple[chunk_plan.InpaintChunk, Future[ChunkResult]]] = deque()
    with layout.path.open("wb") as file:
        for frame in decode_again(context, max(stored)[0] + 1, start) if stored else ():
            crop_cache.keep(file, layout, frame)
        for frame in decode(context.source, context.program, stop=planned[-1].search_last + 1):
            context.on_share(start + (_INPAINT_DONE - start) * frame.index / total)
            # A slot may be overwritten only when no chunk that needs its old frame is running or planned.
            while running and running[0][0].search_first + slots <= frame.index:
                yield running.popleft()[1].result()
            store(file, layout, frame)
            while planned and planned[0].search_last <= frame.index:
                chunk = planned.popleft()
                task = InpaintTask(
                    chunk=chunk,
                    layout=layout,
                    least_steps=least_steps.get(chunk.number, ()),
                    fill_model=context.fill_model,
                )
                running.append((chunk, pool.submit(task)))
                while len(running) > ahead:
                    yield running.popleft()[1].result()
    while running:
        yield running.popleft()[1].result()


def store(file: BinaryIO, layout: crop_cache.CropLayout, frame: Frame) -> None:
    """Store the crops of a frame so that other processes see them."""
    crop_cache.store(file, layout, frame)
    file.flush()
