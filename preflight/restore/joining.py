"""Join a split again from its manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from preflight.errors import FileChangedError, InputError
from preflight.events import Cancel, Listener, ignore
from preflight.model.job import Fixed, Segment
from preflight.model.media import Media, Unreadable
from preflight.model.plan import Plan
from preflight.restore.finishing import container, finish
from preflight.tools import manifest
from preflight.tools.manifest import ManifestFile
from preflight.tools.output_names import OutputNames

Probe = Callable[[Path], Media | Unreadable]


def join(  # noqa: PLR0913 - each is an option of its own
    path: Path,
    cleaned: Sequence[Path],
    destination: Path,
    *,
    probe: Probe,
    keep_audio: bool = True,
    overwrite: bool = False,
    ffmpeg: str,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> Path:
    """Join the segments that the manifest at `path` lists, or their `cleaned` versions, and return the file made.

    `cleaned` are the files in order, or one folder with files named like the segments; when it is empty the segments
    themselves are joined. A `destination` that is a folder gets `<source's name>-joined.<extension>`, with a number
    when that exists. Raises UsageError for an existing file unless `overwrite`, InputError for a manifest or files that
    don't fit, FileChangedError for another source, and what `finish` raises.
    """
    known = manifest.read(path)
    source = _source(known, path, probe)
    chosen = _chosen(known, path, cleaned)
    segments = tuple(
        Segment(media=_as_sent(_readable(file, probe), part), start=float(part.start), end=float(part.end))
        for file, part in zip(chosen, known.parts, strict=True)
    )
    fixed = Fixed(source=source, plan=Plan(source=source, trim=known.trim), segments=segments, manifest=path)
    names = OutputNames((path, source.path, *chosen), overwrite=overwrite)
    if destination.is_dir():
        destination = names.derived(destination / f"{source.path.stem}-joined.{container(chosen, fixed)}")
    else:
        destination = names.chosen(destination, "destination")
    return finish(chosen, fixed, destination, keep_audio=keep_audio, ffmpeg=ffmpeg, listener=listener, cancel=cancel)


def _as_sent(cleaned: Media, part: ManifestFile) -> Media:
    """Return the media of a cleaned file with the number of frames that `part` had when it was sent."""
    streams = tuple(
        replace(stream, frame_count=part.frames) if stream is cleaned.video else stream for stream in cleaned.streams
    )
    return replace(cleaned, streams=streams)


def _source(known: manifest.Manifest, path: Path, probe: Probe) -> Media:
    """Return the original, where the manifest says or beside the manifest, when it is still the same."""
    places = [Path(known.source), path.parent / Path(known.source).name]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise InputError(f"{known.source}, the original of {path}, is gone.", hint="Put it back; its sound is needed.")
    if found.stat().st_size != known.source_size or manifest.sample(found) != known.source_sample:
        raise FileChangedError(f"{found} is not the file that {path} was made of.")
    return _readable(found, probe)


def _chosen(known: manifest.Manifest, path: Path, cleaned: Sequence[Path]) -> list[Path]:
    names = [part.file for part in known.parts]
    if len(cleaned) == 1 and cleaned[0].is_dir():
        return [_named_like(name, cleaned[0]) for name in names]
    chosen = list(cleaned) or [path.parent / name for name in names]
    if len(chosen) != len(names):
        raise InputError(f"{path} lists {len(names)} segments and {len(chosen)} files are given.")
    for file in chosen:
        if not file.is_file():
            raise InputError(f"{file} is missing.", hint="Give the cleaned files in order, or their folder.")
    return chosen


def _named_like(name: str, folder: Path) -> Path:
    stem = Path(name).stem
    matches = sorted(file for file in folder.iterdir() if file.is_file() and file.stem.startswith(stem))
    if len(matches) != 1:
        raise InputError(f"{folder} has {len(matches)} files named like {stem}, not one.")
    return matches[0]


def _readable(path: Path, probe: Probe) -> Media:
    subject = probe(path)
    if isinstance(subject, Unreadable):
        raise InputError(f"{path}: {subject.detail}", hint=subject.hint)
    return subject
