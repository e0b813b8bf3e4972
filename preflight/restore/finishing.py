"""Turn cleaned segments into the finished file: their pictures, and all else as the source has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from preflight.errors import FileChangedError, InputError
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.model.job import Fixed
from preflight.model.media import Container, FileIdentity, Media, StreamKind
from preflight.restore import finished_streams, source_streams, video_concat
from preflight.restore.video_concat import CleanedSegment
from preflight.tools import bounds, containers, files, proof, seekable
from preflight.tools import ffmpeg as tool

_HOMES = (Container.MP4, Container.MOV, Container.MKV)
"""Containers in which a cleaned picture (H.264, HEVC, AV1 or VP9) is at home."""
_OFFSET = Fraction(1, 1000)
"""Seconds of difference between the first pictures' times that are not worth a shift."""


def container(cleaned: Sequence[Path], fixed: Fixed) -> str:
    """Return the extension of the finished file: of the container for cleaned pictures with the source's streams.

    It is the source's own where that holds what services send back, else MP4 when the sound fits, else MKV.
    """
    own = fixed.source.container
    if own in _HOMES:
        return containers.EXTENSIONS[own]
    if own is Container.WEBM and {path.suffix.lower() for path in cleaned} == {".webm"}:
        return "webm"
    kept = [
        s
        for s in fixed.source.streams
        if s.kind is StreamKind.SUBTITLE or (s.kind is StreamKind.AUDIO and containers.can_be_decoded(s))
    ]
    return "mp4" if all(containers.can_hold(Container.MP4, stream) for stream in kept) else "mkv"


def finish(
    cleaned: Sequence[Path],
    fixed: Fixed,
    destination: Path,
    *,
    keep_audio: bool,
    ffmpeg: str,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Path:
    """Make the finished file at `destination` (replaced when it exists) from the `cleaned` segments of `fixed`.

    Sound, subtitles, chapters, covers, fonts, tags and metadata are the source's own, packet by packet; `keep_audio`
    False leaves sound out. Raises InputError when segments are missing, FileChangedError when the source is not what
    it was, DiskFullError, ToolError, CancelledError. `destination` is either whole or untouched.
    """
    if len(cleaned) != len(fixed.segments):
        raise InputError(
            f"{len(cleaned)} cleaned files do not make {fixed.source.path}, which has {len(fixed.segments)} segments."
        )
    _require_source(fixed.source)
    with files.scratch(destination.parent) as folder:
        files.require_room(folder, sum(path.stat().st_size for path in cleaned))
        target = Container(destination.suffix[1:].lower())
        _report_left_out(fixed.source, target, listener, keep_audio=keep_audio)
        source = _readable(fixed, target, folder, keep_audio=keep_audio, ffmpeg=ffmpeg, cancel=cancel)
        fixed = replace(fixed, source=source)
        lead = _lead(fixed, ffmpeg, cancel)
        segments = _segments(cleaned, fixed, lead)
        picture = (
            segments[0].path
            if len(segments) == 1
            else video_concat.join(segments, folder, ffmpeg=ffmpeg, cancel=cancel)
        )
        video = proof.reference(picture, Container(picture.suffix[1:].lower()), ["V:0"], ffmpeg=ffmpeg, cancel=cancel)
        offset = lead - video_concat.first_shown(video)
        made = folder / f"finished{destination.suffix}"
        argv = _combine(picture, fixed, made, offset=offset, keep_audio=keep_audio, ffmpeg=ffmpeg, cancel=cancel)
        total = float(fixed.segments[-1].end or 0) - fixed.segments[0].start

        def hear(pace: tool.Pace) -> None:
            done = min(pace.seconds, total)
            listener(Progress(stage=Stage.RESTORE, done=done, total=total, unit="s", speed=pace.speed))

        tool.run(argv, on_progress=hear, cancel=cancel)
        kept = finished_streams.promises(
            picture, video, fixed, target, offset=offset, keep_audio=keep_audio, ffmpeg=ffmpeg, cancel=cancel
        )
        proof.prove(made, kept, container=target, ffmpeg=ffmpeg, cancel=cancel)
        made.replace(destination)
    listener(Progress(stage=Stage.RESTORE, done=total, total=total, unit="s"))
    return destination


def _report_left_out(source: Media, target: Container, listener: Listener, *, keep_audio: bool) -> None:
    """Tell the listener which streams the finished file can't hold."""
    for stream in source.streams:
        expected = stream.kind is StreamKind.SUBTITLE or (stream.kind is StreamKind.AUDIO and keep_audio)
        if expected and not finished_streams.is_kept(stream, source, target, keep_audio=keep_audio):
            note = f"{stream.kind} stream {stream.index} is left out: {target} can't hold {stream.codec}"
            listener(Progress(stage=Stage.RESTORE, done=0, unit="s", note=note))


def _readable(
    fixed: Fixed, target: Container, folder: Path, *, keep_audio: bool, ffmpeg: str, cancel: Cancel | None
) -> Media:
    """Return the source, or a copy of it where it can't be read as the finished file needs it."""
    source = seekable.mended(fixed.source, folder, ffmpeg=ffmpeg, cancel=cancel)
    whole = fixed.plan.trim is None
    if seekable.can_be_cut(source, target) or (whole and not seekable.needs_all_streams(source)):
        return source
    kept = [s for s in source.streams if finished_streams.is_kept(s, source, target, keep_audio=keep_audio)]
    video = [source.video] if source.video is not None else []
    return seekable.seekable_copy(source, [*video, *kept], target, folder, ffmpeg=ffmpeg, cancel=cancel)


def _require_source(source: Media) -> None:
    try:
        same = FileIdentity.of(source.path) == source.identity
    except OSError as error:
        raise FileChangedError(
            f"{source.path} is gone ({error.strerror}), and its sound is needed to finish.", hint="Put it back."
        ) from error
    if not same:
        raise FileChangedError(f"{source.path} changed since it was sent; its sound may not fit any more.")


def _segments(cleaned: Sequence[Path], fixed: Fixed, lead: Fraction) -> list[CleanedSegment]:
    """Return the cleaned segments with their stretches, counted from the first's start; pictures begin at `lead`."""
    starts = [Fraction(s.start).limit_denominator(10**6) for s in fixed.segments]
    whole = len(fixed.segments) == 1
    ends: list[Fraction | None] = [*starts[1:], None]
    if not whole and fixed.segments[-1].end is not None:
        ends[-1] = Fraction(fixed.segments[-1].end).limit_denominator(10**6)
    segments = [
        CleanedSegment(
            path=path,
            start=max(lead, start - starts[0]),
            end=None if end is None else end - starts[0],
            frames=sent.media.video.frame_count if sent.media.video else None,
        )
        for path, start, end, sent in zip(cleaned, starts, ends, fixed.segments, strict=True)
    ]
    return [*segments[:-1], replace(segments[-1], without_frames=_without_frames(fixed, lead))]


def _without_frames(fixed: Fixed, lead: Fraction) -> Fraction:
    """Return for how many seconds the source's sound goes on behind its last frame."""
    video = fixed.source.video
    if fixed.plan.trim is not None or video is None or video.duration is None or fixed.source.duration is None:
        return Fraction(0)
    return max(Fraction(0), fixed.source.duration - video.duration - lead)


def _lead(fixed: Fixed, ffmpeg: str, cancel: Cancel | None) -> Fraction:
    """Return when the source's first picture is shown: some files begin with sound alone."""
    if fixed.plan.trim is not None:
        return Fraction(0)
    return video_concat.first_time(fixed.source.path, ffmpeg=ffmpeg, cancel=cancel)


def _combine(
    picture: Path,
    fixed: Fixed,
    made: Path,
    *,
    offset: Fraction,
    keep_audio: bool,
    ffmpeg: str,
    cancel: Cancel | None,
) -> list[str]:
    """Return the argv that puts the cleaned picture and all else of the source into one file."""
    source = fixed.source
    target = Container(made.suffix[1:].lower())
    art = source_streams.covers(source, made.parent, ffmpeg=ffmpeg, cancel=cancel)
    fonts = source_streams.other_streams(source, target, ffmpeg=ffmpeg, cancel=cancel)
    names = [
        containers.specifier(source, stream.index)
        for stream in source.streams
        if finished_streams.is_kept(stream, source, target, keep_audio=keep_audio)
    ]
    names += [f"t:{number}" for number in range(fonts)]
    seek, cut = _stretch(fixed, made)
    shift = ["-itsoffset", f"{float(offset):.6f}"] if abs(offset) > _OFFSET else []
    reading = containers.reading_options(Container(picture.suffix[1:].lower())).items()
    shift += [word for name, value in reading for word in (f"-{name}", value)]
    argv = [ffmpeg, *tool.QUIET, *tool.INPUT_GUARD, *shift, "-i", tool.local(picture)]
    argv += [
        *tool.INPUT_GUARD,
        *seek,
        "-i",
        tool.local(source.path),
        *source_streams.inputs(art, target),
        "-map",
        "0:V:0",
    ]
    tags = ["-map_metadata", "1", "-map_chapters", "1", "-map_metadata:s:0", "1:s:V:0"]
    for position, name in enumerate(names, start=1):
        argv += ["-map", f"1:{name}"]
        tags += [f"-map_metadata:s:{position}", f"1:s:{name}"]
    argv += [*source_streams.outputs(art, target, first_input=2, other_streams=fonts), "-c", "copy", *cut, *tags]
    if any(stream.codec in containers.EXPERIMENTAL for stream in source.audio):
        argv += ["-strict", "-2"]
    argv += ["-movflags", "+faststart"] if target in {Container.MP4, Container.MOV} else []
    return [*argv, tool.local(made)]


def _stretch(fixed: Fixed, made: Path) -> tuple[list[str], list[str]]:
    """Return the options before the source and for the output that choose the stretch that a trim kept."""
    source, trim = fixed.source, fixed.plan.trim
    span = bounds.OutputRange(output=made)
    if trim is not None:
        start = Fraction(fixed.segments[0].start).limit_denominator(10**6)
        span = bounds.OutputRange(output=made, start=start, end=trim[1])
    seek = [word for name, value in bounds.seek(span, source.container).items() for word in (f"-{name}", value)]
    options = bounds.filters(span, picture=False)
    if made.suffix.lower() != ".mkv":
        options = bounds.with_sound_durations(options)
    cut = [word for name, value in options.items() for word in (f"-{name}", value)]
    return seek, cut
