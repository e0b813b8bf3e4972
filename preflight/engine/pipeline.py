"""The whole of a removal, in order: scan, fill, encode, report."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from preflight.engine.classify import selection
from preflight.engine.detect.detector import NoLines, PendingLines, make_task, sample_step
from preflight.engine.encode import encoder, smart_render
from preflight.engine.encode import quality as rate
from preflight.engine.graphics import box_detection, watermarks
from preflight.engine.graphics.watermarks import FrameSampler
from preflight.engine.inpaint import chunks, crop_cache, reference_frames, verify
from preflight.engine.inpaint.patches import Spool, paste
from preflight.engine.inpaint.task import Done, Fill
from preflight.engine.media.decode import Frame, decode, parse_times
from preflight.engine.media.probe import Source, inspect
from preflight.engine.model.track import Track
from preflight.engine.motion import camera_window
from preflight.engine.motion.camera import PROXY_WIDTH, Motion
from preflight.engine.motion.camera_window import CameraWindow
from preflight.engine.parallel.pool import Pool, workers
from preflight.engine.report import ReportBuilder
from preflight.engine.tracking.tracker import TextTracker
from preflight.engine.types import RemovalReport
from preflight.engine.visualize import ContactSheet, chosen_frames, tinted
from preflight.errors import CancelledError, DiskFullError, ToolError
from preflight.events import Cancel
from preflight.model.job import RemovalOptions
from preflight.tools import files

_SCANNED, _REMEMBERED, _FILLED = 0.2, 0.3, 0.8
Tell = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What else is wished: a contact sheet (PNG), a video with the masks in red, how many processes, a way to stop.

    With `smart_encode` groups of pictures without text are copied where that can be done.
    """

    sheet: Path | None = None
    overlay: Path | None = None
    processes: int | None = None
    cancel: Cancel | None = None
    smart_encode: bool = False


def remove_text(
    source: Path,
    destination: Path,
    options: RemovalOptions,
    *,
    program: str,
    on_progress: Tell | None = None,
    extras: Extras = Extras(),
) -> RemovalReport:
    """Write `source` without its text to `destination`, as `preflight.engine.remove_text` describes."""
    tell = _listener(on_progress, extras.cancel)
    facts = inspect(source, program)
    beside = encoder.companions(facts, program, destination, audio=not options.remove_audio)
    with files.scratch(destination.parent) as folder, (folder / "patches").open("w+b") as file:
        spool = Spool(file)
        # The workers are gone, and their memory with them, before the encoder takes its own.
        with workers(extras.processes) as pool:
            scanned = scan(facts, program, pool, lambda share: tell(share * _SCANNED), folder)
            work = Work(facts, program, folder, scanned.times, tell)
            figures = ReportBuilder(facts, scanned.times)
            chosen, kept = wanted(work, scanned, options)
            for done in fill(work, pool, chosen, scanned.motion):
                spool.put(*done.patches)
                figures.add(done)
        times = scanned.times
        made = Made(copied_frames=len(times))
        sheet = ContactSheet(chosen_frames(chosen) if extras.sheet else [])
        if chosen or not encoder.copy(facts, program, destination, beside):
            made = finish(work, spool, sheet, destination, beside, smart_encode=extras.smart_encode)
        if extras.sheet:
            sheet.save(extras.sheet)
        if extras.overlay:
            shown = tinted(decode(facts, program), chosen)
            encoder.write(shown, times, facts, program, extras.overlay, encoder.Companions(()))
    tell(1.0)
    return RemovalReport(
        frames=len(times),
        frame_rate=round(float(facts.rate), 3),
        frames_filled=figures.frames_filled,
        frames_copied=made.copied_frames,
        quality=figures.clip_quality(),
        removed=tuple(figures.removed(track) for track in chosen),
        kept=tuple(figures.summary(track) for track in kept),
        poor_regions=figures.poor_regions(verify.LEGIBLE),
        notes=(*made.notes, *beside.notes),
    )


@dataclass(frozen=True, slots=True)
class Work:
    """What the stages after the scan need to know: the source, the time of each frame, where scratch files go."""

    source: Source
    program: str
    folder: Path
    times: tuple[int, ...]
    tell: Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How the result was made: the frames whose packets were copied, and what of the source it does not keep."""

    copied_frames: int = 0
    notes: tuple[str, ...] = ()


def finish(
    work: Work,
    spool: Spool,
    sheet: ContactSheet,
    destination: Path,
    beside: encoder.Companions,
    *,
    smart_encode: bool,
) -> Made:
    """Write the frames with their patches on to `destination`."""
    total = len(work.times)

    def clean(frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            work.tell(_FILLED + 0.2 * frame.index / total)
            result = paste(frame, spool.take(frame.index))
            sheet.add(frame, result)
            yield result

    notes = _notes(work.source)
    fine = rate.is_grainy(work.source, work.program)
    if smart_encode:
        order = smart_render.Order(work.source, work.times, spool.frames, work.program, work.folder, fine)
        try:
            return Made(copied_frames=smart_render.write(order, clean, destination, beside))
        except DiskFullError:
            raise
        except ToolError as error:
            sheet.clear()
            notes.append(f"every frame encoded: {error.message}")
    frames = clean(decode(work.source, work.program))
    encoder.write(frames, work.times, work.source, work.program, destination, beside, fine=fine)
    return Made(notes=tuple(notes))


def _listener(on_progress: Tell | None, cancel: Cancel | None) -> Tell:
    """Return what is called with the share done: it tells the caller, never backwards, and stops when asked to."""
    most = 0.0

    def tell(share: float) -> None:
        nonlocal most
        if cancel is not None and cancel.is_set():
            raise CancelledError("Stopped on request.")
        most = max(most, share)
        if on_progress is not None:
            on_progress(most)

    return tell


def _notes(source: Source) -> list[str]:
    """Return what of the source the result does not keep."""
    notes = []
    if source.deep:
        notes.append(f"picture reduced from {source.pixel_format} to 8-bit 4:2:0")
    if source.interlaced:
        notes.append("interlaced picture turned into whole frames")
    return notes


class Scanned(NamedTuple):
    """What the first pass finds: every track of text, when each frame is shown (in ticks), motion, and small looks."""

    tracks: list[Track]
    times: tuple[int, ...]
    motion: Motion
    gallery: FrameSampler


def scan(source: Source, program: str, pool: Pool, tell: Tell, scratch: Path | None = None) -> Scanned:
    """Look for text in `source`.

    A small file is put to `scratch`, or where the system keeps such files.
    """
    step, gallery = sample_step(source.rate), FrameSampler()
    asked: dict[int, PendingLines] = {}

    def ask(frame: Frame) -> None:
        look = state.question(frame)
        asked[frame.index] = NoLines() if look.parts == () else pool.submit(look)

    def look_ahead(frames: Iterable[Frame]) -> Iterator[Frame]:
        # Where samples are close together, the answer to one is long in coming: the next two are asked for meanwhile.
        held: deque[Frame] = deque()
        for frame in frames:
            if frame.index % step == 0:
                ask(frame)
                gallery.add(frame)
            held.append(frame)
            if len(held) > 2 * step:
                yield held.popleft()
        if held and held[-1].index not in asked:
            ask(held[-1])
        yield from held

    state = TextTracker(
        step=step,
        size=source.upright,
        finder=lambda frame: asked.pop(frame.index, None) or pool.submit(make_task(frame)),
        scenery=CameraWindow(Motion(scale=PROXY_WIDTH / source.upright[0])),
    )
    expected = float(source.duration * source.rate) if source.duration else 0.0
    with tempfile.TemporaryDirectory(prefix="preflight-", dir=scratch) as folder:
        listing = Path(folder) / "times"
        for frame in look_ahead(decode(source, program, times=listing)):
            state.feed(frame)
            if expected:
                tell(min(1.0, frame.index / expected))
        times = parse_times(listing.read_text("ascii"))
    if len(times) < state.frames:
        raise ToolError(f"{source.path.name}: {len(times)} timestamps for {state.frames} frames.")
    tracks = selection.propagate_labels(state.finish(), state.scenery.motion, source.upright)
    return Scanned(tracks, times[: state.frames], state.scenery.motion, gallery)


def wanted(work: Work, scanned: Scanned, options: RemovalOptions) -> tuple[list[Track], list[Track]]:
    """Return the tracks of all that is to be removed, and those of text that is kept."""
    texts = selection.select_tracks(scanned.tracks, options)
    overlaid = watermarks.detect(scanned.gallery, work.source.upright, len(work.times))
    marks = watermarks.suppress_explained(overlaid, texts, scanned.tracks)
    if marks:
        camera_window.measure_all(scanned.motion, seen_again(work), [track.box for track in texts + marks])
    rest = [track for track in scanned.tracks if not any(watermarks.is_part(track, mark) for mark in marks)]
    kept = [track for track in rest if track.text and not any(track is text for text in texts)]
    texts = [text for text in texts if any(text is track for track in rest)]
    chosen = texts + marks + selection.boxes_as_tracks(options.inpainting_boxes, work.times, work.source)
    if options.color_blocks:
        found = behind(work, texts, scanned.motion)
        chosen = box_detection.release_letters(chosen, found) + found
    return chosen, kept


def behind(work: Work, texts: list[Track], motion: Motion) -> list[Track]:
    """Return tracks of the blocks behind text."""
    if not texts:
        return []
    return box_detection.detect_backing_boxes(
        texts, seen_again(work, box_detection.last_frame_needed(texts)), motion, work.source.upright
    )


def seen_again(work: Work, stop: int | None = None, until: float = _SCANNED) -> Iterator[Frame]:
    """Yield the frames up to index `stop` once more, between the scan and the fill; it can be cancelled meanwhile."""
    for frame in decode(work.source, work.program, stop=stop):
        work.tell(_SCANNED + (until - _SCANNED) * frame.index / (stop or len(work.times)))
        yield frame


def fill(work: Work, pool: Pool, tracks: list[Track], motion: Motion) -> Iterator[Done]:
    """Yield the finished jobs that fill what `tracks` paint, in order of the plan, decoding once; twice to remember."""
    size, total = work.source.upright, len(work.times)
    planned = deque(reference_frames.extended(chunks.plan(tracks, motion, total, *size), tracks, motion))
    if not planned:
        return
    ahead = 2 * pool.size
    slots = 2 * chunks.REACH + chunks.LENGTH * (ahead + 2)
    kept = {(index, job.place) for job in planned for index in job.motion.leaps}
    layout = crop_cache.Layout.of(work.folder / "crops", chunks.places(tracks, *size), slots, kept)
    start = _REMEMBERED if kept else _SCANNED
    running: deque[tuple[chunks.Job, Future[Done]]] = deque()
    with layout.path.open("wb") as file:
        for frame in seen_again(work, max(kept)[0] + 1, start) if kept else ():
            crop_cache.keep(file, layout, frame)
        for frame in decode(work.source, work.program, stop=planned[-1].known_last + 1):
            work.tell(start + (_FILLED - start) * frame.index / total)
            # A slot may be written again only when no job that looks at its old frame is under way or planned.
            while running and running[0][0].known_first + slots <= frame.index:
                yield running.popleft()[1].result()
            store(file, layout, frame)
            while planned and planned[0].known_last <= frame.index:
                job = planned.popleft()
                running.append((job, pool.submit(Fill(job=job, layout=layout))))
                while len(running) > ahead:
                    yield running.popleft()[1].result()
    while running:
        yield running.popleft()[1].result()


def store(file: BinaryIO, layout: crop_cache.Layout, frame: Frame) -> None:
    """Store the crops of a frame so that other processes see them."""
    crop_cache.store(file, layout, frame)
    file.flush()
