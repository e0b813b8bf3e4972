"""The check of one file, and of a few in turn: probe, read deeper where that was asked for, apply the rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from preflight.errors import InputError, ToolError, ToolMissingError, UsageError
from preflight.events import Cancel, Listener, ignore
from preflight.model.limits import DEFAULT_LIMITS, Limits
from preflight.model.media import FileIdentity, Media, Unreadable
from preflight.model.report import Report
from preflight.probe import pooled_prober, probe
from preflight.rules import ADVISORIES, evaluate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from preflight.model.scan import ScanResult, TextSeen

_SLACK = Fraction(1, 20)
"""Seconds by which the last packet may end after the header's duration: rounding, and padding of sound."""

DEPTHS = ("packets", "decode")
"""The values of `Terms.deep`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How to check: the limits, the depth, and which advisories fail or are left out.

    `deep` is None, `packets` or `decode`; `text` looks for text on frames; `strict` and `ignore` hold rules of
    advisories, or `all`. Raises UsageError, which names the argument, for anything else.
    """

    limits: Limits = DEFAULT_LIMITS
    deep: str | None = None
    text: bool = False
    strict: Collection[str] = ()
    ignore: Collection[str] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.limits, Limits):
            raise UsageError(f"limits is {self.limits!r}, not a Limits.", hint="Use preflight.Limits(max_bytes=...).")
        if self.deep is not None and self.deep not in DEPTHS:
            raise UsageError(f"deep is {self.deep!r}.", hint=f"Use None or one of: {', '.join(DEPTHS)}.")
        for name, rules in (("strict", self.strict), ("ignore", self.ignore)):
            if isinstance(rules, str):
                raise UsageError(f"{name} is the text {rules!r}.", hint=f"Use a list: {name}=[{rules!r}].")
            unknown = sorted(str(rule) for rule in rules if rule != "all" and rule not in ADVISORIES)
            if unknown:
                known = ", ".join(sorted(ADVISORIES))
                raise UsageError(f"{name} has the unknown advisory {unknown[0]!r}.", hint=f"Known: all, {known}.")


USUAL = Terms()
"""The service's limits, headers only, advisories unchanged."""


def check(
    path: Path | str,
    *,
    terms: Terms = USUAL,
    listener: Listener = ignore,
    cancel: Cancel | None = None,
    probe: Callable[[Path], Media | Unreadable] = probe,
) -> Report:
    """Return the verdict on the file at `path`; a file that can't be read is a finding, never an exception.

    `probe` replaces the shared prober. Raises ToolMissingError when MediaInfo, ffmpeg for a deep check or the `local`
    extra for `text` is missing; CancelledError.
    """
    subject = probe(Path(path))
    if isinstance(subject, Media) and terms.deep is not None:
        subject = _deepened(subject, terms.deep, listener, cancel)
    if isinstance(subject, Media) and terms.text:
        subject = replace(subject, text=text_of(subject.path))
    return evaluate(subject, terms.limits, strict=terms.strict, ignore=terms.ignore)


def check_in_turn(paths: Sequence[Path], *, terms: Terms = USUAL) -> Iterator[Report]:
    """Yield the verdict on each of a few `paths` in their order, from the headers alone, without a thread.

    The prober reads the next file while the verdict on this one is used. Raises as `check` does.
    """
    with pooled_prober() as prober:
        for number, path in enumerate(paths):
            following = paths[number + 1] if number + 1 < len(paths) else None
            yield check(path, terms=terms, probe=partial(prober.probe, following=following))


def text_of(path: Path) -> TextSeen | None:
    """Return the text on some frames of the video at `path`; None when they can't be decoded.

    Raises ToolMissingError without ffmpeg or without the `local` extra, which has the reader of text.
    """
    from preflight.engine import preview_text
    from preflight.model.scan import TextPlace, TextSeen
    from preflight.tools import ffmpeg

    try:
        seen = preview_text(path, ffmpeg=ffmpeg.find())
    except ToolMissingError:
        raise
    except (InputError, ToolError):
        return None
    places = (
        TextPlace(time=spot.time, text=spot.text, box=(spot.x1, spot.y1, spot.x2, spot.y2)) for spot in seen.spots
    )
    return TextSeen(language=seen.language, places=tuple(places))


def _deepened(media: Media, deep: str, listener: Listener, cancel: Cancel | None) -> Media | Unreadable:
    from preflight.probe import Depth, read

    reading = read(media, depth=Depth(deep), listener=listener, cancel=cancel)
    try:
        same = FileIdentity.of(media.path) == media.identity
    except OSError:
        same = False
    if not same:
        return Unreadable(
            path=media.path,
            reason="changing",
            detail="The file changed while it was read.",
            hint="Wait until the copy or the recording has ended.",
            size=media.size,
        )
    return replace(media, reading=reading, duration=_true_duration(media, reading))


def _true_duration(media: Media, reading: ScanResult | None) -> Fraction | None:
    """Return the header's duration, or how far the packets really reach when that is more."""
    reached = reading.reached if reading is not None else None
    if reached is None or (media.duration is not None and reached <= media.duration + _SLACK):
        return media.duration
    return reached
