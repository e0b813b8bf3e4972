"""Sound, subtitles and attachments that travel with the picture, and what of them a container can't hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from preflight.engine.encode.formats import MP4_FORMATS, container
from preflight.engine.media.probe import Source
from preflight.tools import bounds, ffmpeg, files, process

_TRIED = "0.2"
"""Seconds of a source that are muxed to find out what a container holds."""
_TRIAL_PICTURE = ("-map", "0:V:0", "-vf", "scale=64:64,format=yuv420p", "-c:v", "libx264", "-preset", "ultrafast")
"""A picture that any container takes; the codec of the source's may be one that the destination can't hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Companions:
    """The streams that go along with the picture.

    `sound` are their numbers among the audio streams of the source. `lines` is the codec of the subtitles (`copy` or an
    encoder), None where they are left out. `notes` say what is changed or left out.
    """

    sound: tuple[int, ...] = ()
    sound_copied: bool = True
    lines: str | None = None
    attachments: bool = False
    notes: tuple[str, ...] = ()

    def options(self, number: int, form: str) -> list[str]:
        """Return the output options for a file of the format `form` whose input `number` is the source."""
        words = [word for track in self.sound for word in ("-map", f"{number}:a:{track}")]
        if self.sound and self.sound_copied:
            # MP4 doesn't play a last packet of sound whose duration is 0.
            words += ["-c:a", "copy", *(("-bsf:a", bounds.last_duration()) if form in MP4_FORMATS else ())]
        if self.lines is not None:
            words += ["-map", f"{number}:s?", "-c:s", self.lines]
        if self.attachments:
            words += ["-map", f"{number}:t?", "-c:t", "copy"]
        return words


def choose(source: Source, program: str, destination: Path, *, audio: bool) -> Companions:
    """Return the most faithful way to carry the other streams into the destination's container, by trying."""

    def works(way: Companions) -> bool:
        return _works(way, source, program, destination)

    tracks = tuple(range(source.others.count("audio"))) if audio else ()
    chosen = next(filter(works, _ways(source, tracks)), None)
    if chosen is None:
        usable = tuple(track for track in tracks if works(Companions(sound=(track,))))
        chosen = next(filter(works, _ways(source, usable)), Companions())
    return replace(chosen, notes=tuple(_notes(chosen, source, len(tracks))))


def _ways(source: Source, tracks: tuple[int, ...]) -> Iterator[Companions]:
    """Yield ways to carry the audio `tracks` and all else, in falling order of what they keep."""
    lines = "copy" if "subtitle" in source.others else None
    if "attachment" in source.others:
        yield Companions(sound=tracks, lines=lines, attachments=True)
    if lines:
        yield Companions(sound=tracks, lines=lines)
        yield Companions(sound=tracks, lines="mov_text")
    yield Companions(sound=tracks)
    if tracks:
        yield Companions(sound=tracks, sound_copied=False)


def _notes(chosen: Companions, source: Source, tracks: int) -> Iterator[str]:
    """Yield what is changed or left out of the source, of whose audio `tracks` were wanted."""
    count = source.others.count
    if len(chosen.sound) < tracks:
        left_out = tracks - len(chosen.sound)
        yield f"{left_out} of {tracks} audio tracks left out: the container can't hold the codec"
    if chosen.sound and not chosen.sound_copied:
        yield "audio transcoded: the container can't hold its codec"
    if chosen.lines not in {None, "copy"}:
        yield f"subtitle streams converted to {chosen.lines}"
    elif chosen.lines is None and count("subtitle"):
        yield f"{count('subtitle')} of {count('subtitle')} subtitle streams left out: the container can't hold them"
    if not chosen.attachments and count("attachment"):
        yield f"{count('attachment')} of {count('attachment')} attachments left out: the container can't hold them"
    if count("data"):
        yield f"{count('data')} of {count('data')} data streams left out: a result has none"


def _works(way: Companions, source: Source, program: str, destination: Path) -> bool:
    """Return True when ffmpeg can carry the streams of a way into the destination's container."""
    form = container(destination)
    options = way.options(0, form)
    if not options:
        return True
    argv = [program, "-y", "-v", "error", "-nostdin", *ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(source.path)]
    argv += ["-t", _TRIED, *options, *_TRIAL_PICTURE]
    with files.scratch(destination.parent) as folder:
        tried = [*argv, "-f", "matroska" if form == "webm" else form, str(folder / destination.name)]
        return process.run(tried, timeout=60).status == 0
