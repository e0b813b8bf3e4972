"""The composite of a video: the source's own pictures with only the regions that the service changed.

What a composite is made of is a value that a record holds, so that it can be made again, with other regions and without
a new job, as long as the cleaned files are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from preflight import api
from preflight.errors import InputError, UsageError
from preflight.events import Cancel, Listener, ignore
from preflight.fixing import video_options
from preflight.model.job import Fixed, Segment
from preflight.model.media import Media
from preflight.model.plan import Plan
from preflight.model.region import Regions, timed_box
from preflight.restore.composite import (
    CompositeReport,
    CompositeTask,
    RecordedText,
    RegionSelection,
    SentPart,
    View,
    kept_texts,
    make_picture,
)
from preflight.settings import Settings, load_settings
from preflight.tools import ffmpeg, files
from preflight.workflow.picture_sizes import picture_of, unpadded, upright

_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv")
"""Endings of the files that a composite can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the picture that was sent comes from the source, and what came back.

    Attributes:
        cleaned: The service's files in order.
        sent: The files that were sent, None for one that is gone: it is made anew.
        starts: Where each file begins, in seconds of the source.
        end: Where the last one ends; None: at the source's end.
        shown: Width and height of the source's upright picture, in pixels.
        size: The same of the picture that was sent.
        crop: What was taken of the source's picture, None for all of it.
        filters: ffmpeg's filters that make the picture that was sent.
        is_trimmed: True when a part of the source was sent.
    """

    cleaned: tuple[Path, ...]
    sent: tuple[Path | None, ...]
    starts: tuple[Fraction, ...]
    end: Fraction | None
    shown: tuple[int, int]
    size: tuple[int, int]
    crop: tuple[int, int] | None
    filters: str
    is_trimmed: bool

    @classmethod
    def of(cls, fixed: Fixed, cleaned: Sequence[Path]) -> Recipe:
        """Return the recipe of what was sent. Raises InputError for a source without a picture."""
        video, plan = picture_of(fixed.source), fixed.plan
        sent_video = fixed.segments[0].media.video or video
        starts = [Fraction(segment.start).limit_denominator(10**6) for segment in fixed.segments]
        return cls(
            cleaned=tuple(cleaned),
            sent=tuple(_existing(segment.media.path) for segment in fixed.segments),
            starts=tuple(starts),
            end=plan.trim[1] if plan.trim else None,
            shown=upright(video),
            size=upright(sent_video),
            crop=plan.video.crop if plan.video else None,
            filters=",".join(video_options.filters(plan.video, video)) if plan.video else "",
            is_trimmed=plan.trim is not None,
        )

    @classmethod
    def guessed(cls, source: Media, cleaned: Media) -> Recipe:
        """Return the recipe for a cleaned file of which nothing is known: the whole picture, scaled to its size."""
        from preflight.model.plan import VideoEncode

        video, other = picture_of(source), picture_of(cleaned)
        size = unpadded(upright(video), upright(other))
        encode = VideoEncode(
            size=size, tone_map=video.color.is_hdr and not other.color.is_hdr, deinterlace=video.interlaced
        )
        return cls(
            cleaned=(cleaned.path,),
            sent=(None,),
            starts=(Fraction(0),),
            end=None,
            shown=upright(video),
            size=size,
            crop=None,
            filters=",".join(video_options.filters(encode, video)),
            is_trimmed=False,
        )

    @property
    def stretch(self) -> tuple[Fraction, Fraction | None] | None:
        """The part of the source that is wanted, None for all of it."""
        return (self.starts[0], self.end) if self.is_trimmed else None

    def task(self, source: Media, selection: RegionSelection) -> CompositeTask:
        """Return what is composed."""
        ends = (*self.starts[1:], self.end)
        return CompositeTask(
            source=source,
            parts=tuple(
                SentPart(
                    cleaned=cleaned, sent=sent if sent is not None and sent.is_file() else None, start=start, end=end
                )
                for cleaned, sent, start, end in zip(self.cleaned, self.sent, self.starts, ends, strict=True)
            ),
            view=View(shown=self.shown, sent=self.size, crop=self.crop),
            filters=self.filters,
            selection=selection,
            stretch=self.stretch,
        )

    def whole(self, source: Media) -> Fixed:
        """Return the source as one segment, as `finish` takes it with one picture for all of it."""
        trim = (self.starts[0], self.end) if self.is_trimmed and self.end is not None else None
        start, end = self.starts[0], self.end
        segment = Segment(media=source, start=float(start), end=None if end is None else float(end))
        return Fixed(source=source, plan=Plan(source=source, trim=trim), segments=(segment,))

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "cleaned": [str(path) for path in self.cleaned],
            "starts": [str(start) for start in self.starts],
            "end": None if self.end is None else str(self.end),
            "shown": list(self.shown),
            "size": list(self.size),
            "crop": list(self.crop) if self.crop else None,
            "filters": self.filters,
            "is_trimmed": self.is_trimmed,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Recipe:
        """Return the recipe of a record. Raises InputError for another shape."""
        try:
            cleaned = tuple(Path(name) for name in found["cleaned"])
            return cls(
                cleaned=cleaned,
                sent=(None,) * len(cleaned),
                starts=tuple(Fraction(start) for start in found["starts"]),
                end=None if found["end"] is None else Fraction(found["end"]),
                shown=_pair(found["shown"]),
                size=_pair(found["size"]),
                crop=_pair(found["crop"]) if found["crop"] else None,
                filters=str(found["filters"]),
                is_trimmed=bool(found["is_trimmed"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"The record's composite can't be read: {error!r}.", hint="Run the video again."
            ) from error


def _pair(values: Sequence[object]) -> tuple[int, int]:
    width, height = (int(str(value)) for value in values)
    return width, height


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def _selection(regions: Regions, size: tuple[int, int], texts: Sequence[RecordedText]) -> RegionSelection:
    """Return the boxes in 0..1 for a picture shown at `size`. Raises UsageError for one outside, or no such text."""
    named = regions.names_texts
    kept = kept_texts(texts, keep_text=regions.keep_text, restore_text=regions.restore_text) if named else ()
    return RegionSelection(
        protect=(*(timed_box(word, size) for word in regions.protect), *kept),
        only=tuple(timed_box(word, size) for word in regions.only),
    )


def compose(  # noqa: PLR0913 - what a person may choose
    source: Media,
    recipe: Recipe,
    destination: Path,
    *,
    regions: Regions | None = None,
    texts: Sequence[RecordedText] = (),
    keep_audio: bool = True,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> CompositeReport:
    """Make the finished file at `destination` of the source's pictures and the changed regions of the cleaned files.

    Args:
        source: The video.
        recipe: What was sent and what came back.
        destination: The finished file, which is replaced; sound and all else are the source's own.
        regions: What is kept or taken. Default: everything that was changed is taken.
        texts: The texts of the video, for regions that name them.
        keep_audio: False leaves the sound out.
        settings: `ffmpeg` names another program than the wheel's.
        listener: Called with each `Progress`.
        cancel: Stops the work when it is set.

    Returns:
        What was copied, encoded and changed, and how near the rest is to the source.

    Raises:
        UsageError: A box is outside the picture, or a text is named that the video does not have.
        InputError: A cleaned file is gone.
        ToolError: The files don't belong together.
        CancelledError: `cancel` was set.
    """
    settings = settings or load_settings()
    for path in recipe.cleaned:
        if not path.is_file():
            raise InputError(
                f"{path}, the service's file, is not kept any more.",
                hint="Run the video again, with a larger `cache_size`.",
            )
    selection = _selection(regions or Regions(), recipe.shown, texts)
    with files.scratch(destination.parent) as folder:
        picture = folder / "composite.mp4"
        program = ffmpeg.find(settings.ffmpeg)
        report = make_picture(recipe.task(source, selection), picture, ffmpeg=program, listener=listener, cancel=cancel)
        api.restore(
            [picture],
            recipe.whole(source),
            destination,
            keep_audio=keep_audio,
            settings=settings,
            listener=listener,
            cancel=cancel,
        )
    return report


def keep_cleaned(recipe: Recipe, folder: Path, most: int) -> Recipe:
    """Move the cleaned files to `folder`, in which up to `most` bytes are kept beside others', the oldest go first."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = []
    for number, path in enumerate(recipe.cleaned, 1):
        target = folder / f"part-{number}{path.suffix}"
        if path != target:
            with files.scratch(folder) as scratch:
                files.copy(path, scratch / target.name).replace(target)
        kept.append(target)
    files.prune(folder.parent, most, spare=folder)
    return replace(recipe, cleaned=tuple(kept))


def extension(source: Path, cleaned: Path) -> str:
    """Return the extension, without a dot, of a composite: the source's own where that holds H.264 and HEVC well."""
    from preflight.restore import finishing

    media = media_of(source)
    return finishing.container([cleaned], Recipe.guessed(media, media_of(cleaned)).whole(media))


def media_of(path: Path) -> Media:
    """Return the facts of a video. Raises InputError when it is none."""
    media = api.check(path).media
    if media is None:
        raise InputError(f"{path} is not a video.", hint=f"`preflight check {path}` says why.")
    return media


def composite(
    source: Path | str,
    cleaned: Path | str,
    destination: Path | str,
    *,
    regions: Regions | None = None,
    keep_audio: bool = True,
    settings: Settings | None = None,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
) -> CompositeReport:
    """Put only the changed regions of a cleaned file into the source's own pictures, for any service's result.

    Args:
        source: The video before the removal.
        cleaned: What the service made of it: the whole of it, at any size.
        destination: The finished file. An existing one is replaced, the source never.
        regions: What is kept or taken; texts can't be named here, since no record says where they are.
        keep_audio: Take the source's sound; False leaves the sound out.
        settings: `ffmpeg` names another program than the wheel's.
        listener: Called with each `Progress`.
        cancel: Stops the work when it is set.

    Returns:
        What was copied, encoded and changed, and how near the rest is to the source.

    Raises:
        UsageError: An argument is wrong; the message names it.
        InputError: A file is no video.
        ToolError: The files don't belong together.
        CancelledError: `cancel` was set.

    Example:
        >>> report = composite("clip.mp4", "from-the-service.mp4", "finished.mp4")
        >>> report.copied, report.encoded
    """
    from preflight.tools.output_names import is_same

    path, other = api.require_path(source, "source"), api.require_path(cleaned, "cleaned")
    output = api.require_path(destination, "destination")
    for name, taken in (("source", path), ("cleaned", other)):
        if is_same(output, taken):
            raise UsageError(f"destination: {output} is the {name}, which is never written.")
    if output.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"destination: {output.name} can't be a composite, which is H.264 or HEVC.",
            hint=f"Name it {output.stem}.mp4 or {output.stem}.mkv.",
        )
    media = media_of(path)
    return compose(
        media,
        Recipe.guessed(media, media_of(other)),
        output,
        regions=regions,
        keep_audio=keep_audio,
        settings=settings,
        listener=listener,
        cancel=cancel,
    )
