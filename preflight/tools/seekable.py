"""Sources that can't be cut by seeking: they are copied once from the first packet to the last, and the copy is cut.

A seek in a transport or program stream lands anywhere, and one with some seconds of lead makes ffmpeg take the lead
for a jump of the clock. An AVI whose index is wrong leads ffmpeg past its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from preflight.events import Cancel
from preflight.model.media import Container, Media, Stream
from preflight.tools import containers, files
from preflight.tools import ffmpeg as tool

_INDEXED = frozenset({Container.MP4, Container.MOV, Container.THREEGP, Container.MKV, Container.WEBM, Container.AVI})
"""Containers with an index of their own, in which ffmpeg's seeks are exact."""
_ONE_KIND = {Container.THREEGP: Container.MP4, Container.MOV: Container.MP4, Container.WEBM: Container.MKV}
"""Containers that are read and written alike."""


_CLOCKS = frozenset({Container.MPEG_TS, Container.MPEG_PS})
"""Containers whose clock may jump, which ffmpeg evens out by all the streams that it reads, so that all are read."""


def needs_all_streams(source: Media) -> bool:
    """Return True when the times of one stream depend on what else is read with it."""
    return source.container in _CLOCKS


def has_misleading_index(source: Media) -> bool:
    """Return True when the index of `source` is missing or wrong, so that it is read packet after packet."""
    return source.container is Container.AVI and source.indexed is False


def can_be_cut(source: Media, target: Container) -> bool:
    """Return True when ranges of `source` can be copied to files of the kind `target` by seeking.

    The kinds have to be alike: the bit stream filters of ffmpeg 5 confuse the time bases of different ones.
    """
    if source.container not in _INDEXED or source.fragmented or source.indexed is False:
        return False
    return _ONE_KIND.get(source.container, source.container) is _ONE_KIND.get(target, target)


def mended(source: Media, folder: Path, *, ffmpeg: str, cancel: Cancel | None = None) -> Media:
    """Return `source`, or where its index misleads a copy of its packets in `folder` that has a right one.

    Raises ToolError, DiskFullError, CancelledError.
    """
    if not has_misleading_index(source):
        return source
    files.require_room(folder, source.size)
    # Its own folder leaves the name free, from which those of results are made.
    made = folder / "indexed" / source.path.with_suffix(".avi").name
    made.parent.mkdir()
    # Unable to seek to the index, ffmpeg takes the packets as they come.
    argv = [ffmpeg, *tool.QUIET, *tool.INPUT_GUARD, "-seekable", "0", "-f", "avi", "-i", tool.local(source.path)]
    argv += ["-map", "0:v", "-map", "0:a?", "-c", "copy", "-copyinkf", tool.local(made)]
    tool.run(argv, cancel=cancel)
    return replace(source, path=made, indexed=True)


def seekable_copy(
    source: Media,
    streams: Sequence[Stream],
    target: Container,
    folder: Path,
    *,
    ffmpeg: str,
    cancel: Cancel | None = None,
) -> Media:
    """Return a copy of `streams` of `source`, read from the first packet to the last, that can be cut by seeking.

    It is a `target` file where that holds the video, else Matroska. Raises ToolError, DiskFullError, CancelledError.
    """
    files.require_room(folder, source.size)
    video = [stream for stream in streams if stream is source.video]
    kind = target if all(containers.can_hold(target, stream) for stream in video) else Container.MKV
    made = folder / "seekable" / f"copy.{containers.EXTENSIONS[kind]}"
    made.parent.mkdir(exist_ok=True)
    argv = [ffmpeg, *tool.QUIET, *tool.INPUT_GUARD]
    argv += [
        word for name, value in containers.reading_options(source.container).items() for word in (f"-{name}", value)
    ]
    argv += ["-i", tool.local(source.path)]
    for stream in streams:
        argv += ["-map", f"0:{containers.specifier(source, stream.index)}"]
    argv += ["-c", "copy", "-copyinkf", "-map_metadata", "0", "-map_chapters", "0"]
    tool.run([*argv, "-max_muxing_queue_size", "4096", tool.local(made)], cancel=cancel)
    return replace(source, path=made, container=kind, streams=tuple(streams), indexed=True, fragmented=False)
