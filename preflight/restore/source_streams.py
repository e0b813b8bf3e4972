"""What is attached to the source: cover pictures, which not every container takes as a copied stream, and fonts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from preflight.errors import DiskFullError, ToolError
from preflight.events import Cancel
from preflight.model.media import Container, Media, StreamKind
from preflight.tools import containers, packets
from preflight.tools import ffmpeg as tool

_KINDS = {b"\xff\xd8\xff": "jpeg", b"\x89PNG\r\n\x1a\n": "png"}
"""How the kinds of picture begin that MP4 and Matroska take as a cover."""


def covers(source: Media, folder: Path, *, ffmpeg: str, cancel: Cancel | None = None) -> list[Path]:
    """Write the cover pictures of `source` into `folder`, bit by bit, and return them; the unreadable are left out.

    Raises ToolMissingError, DiskFullError, CancelledError.
    """
    found: list[Path] = []
    for stream in source.streams:
        if stream.kind is not StreamKind.COVER:
            continue
        raw = folder / "picture"
        argv = [ffmpeg, *tool.QUIET, *tool.INPUT_GUARD, "-i", tool.local(source.path)]
        argv += ["-map", f"0:{containers.specifier(source, stream.index)}", "-c", "copy", "-frames:v", "1"]
        try:
            tool.run([*argv, "-f", "rawvideo", tool.local(raw)], cancel=cancel)
        except DiskFullError:
            raise
        except ToolError:
            continue
        start = raw.read_bytes()[:8]
        kind = next((kind for mark, kind in _KINDS.items() if start.startswith(mark)), None)
        if kind is not None:
            # Players look for these names in Matroska.
            name = f"cover-{len(found) + 1}" if found else "cover"
            found.append(raw.rename(folder / f"{name}.{'jpg' if kind == 'jpeg' else kind}"))
    return found


def other_streams(source: Media, target: Container, *, ffmpeg: str, cancel: Cancel | None = None) -> int:
    """Return how many attachments that are no covers `target` takes over: only Matroska has them. Raises ToolError."""
    if source.container is not Container.MKV or target is not Container.MKV:
        return 0
    head = Fraction(1, 100)
    listing = packets.scan(source.path, ffmpeg=ffmpeg, maps=("0:V:0", "0:t?"), length=head, cancel=cancel)
    return sum(head.kind == "attachment" for head in listing.heads.values())


def inputs(pictures: list[Path], target: Container) -> list[str]:
    """Return the words that open `pictures` as inputs, where `target` holds them as streams."""
    return [word for path in pictures for word in ("-i", tool.local(path))] if target is Container.MP4 else []


def outputs(pictures: list[Path], target: Container, *, first_input: int, other_streams: int) -> list[str]:
    """Return the words that put `pictures` behind one video and `other_streams` attachments into an output."""
    words: list[str] = []
    for number, path in enumerate(pictures):
        if target is Container.MP4:
            words += ["-map", f"{first_input + number}:v:0", f"-disposition:v:{number + 1}", "attached_pic"]
        elif target is Container.MKV:
            kind = "image/jpeg" if path.suffix == ".jpg" else "image/png"
            words += ["-attach", str(path), f"-metadata:s:t:{other_streams + number}", f"mimetype={kind}"]
    return words
