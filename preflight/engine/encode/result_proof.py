"""Prove that a cleaned video holds every frame at its time, and the other streams, before it gets its name.

The picture is compared with the times at which the source's frames were decoded, a copied one packet by packet. Sound
and subtitles are compared with the source's packets, and their distance from the picture with that in the source.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from pathlib import Path

from preflight.engine.encode.companions import Companions
from preflight.engine.encode.formats import container
from preflight.engine.media.orientation import display_matrix
from preflight.engine.media.probe import Source
from preflight.model.media import ColorTags, Container, StreamKind
from preflight.tools import appearance, containers, packets, proof
from preflight.tools.packets import Head, Listing, PacketTable
from preflight.tools.proof import KeptStream, Matrix

_CONTAINERS = {
    "mp4": Container.MP4,
    "mov": Container.MOV,
    "matroska": Container.MKV,
    "webm": Container.WEBM,
    "avi": Container.AVI,
}
_MATRIX_ONE = 1 << 16
"""1 in the fixed point of a display matrix."""
_KEY_AND_SHOWN = 3
"""Flags of a packet of `PacketTable.of_columns`."""


def prove_encoded(
    made: Path, source: Source, times: tuple[int, ...], last_duration: int, beside: Companions, program: str
) -> None:
    """Raise ToolError unless the file `made` shows a frame at each of `times` and holds what `beside` promises.

    Times are in units of the source's time base, like `last_duration`, for which the last frame is shown, 0 where that
    isn't known.
    """
    if _target(made) is Container.AVI:
        # It has no place for a late begin: its first frame is shown from the start on.
        times = (min(0, *times[:1]), *times[1:])
    lengths = [after - time for time, after in pairwise(times)] + [last_duration]
    shown = PacketTable.of_columns(
        0,
        dts=times,
        pts=times,
        durations=lengths,
        sizes=[1] * len(times),
        flags=[_KEY_AND_SHOWN] * len(times),
    )
    picture = KeptStream(
        name="the video",
        kind=StreamKind.VIDEO,
        head=Head(kind="video", time_base=source.time_base),
        expected=shown,
        copied=False,
        matrix=_matrix(source) if _target(made) in {Container.MP4, Container.MOV} else None,
    )
    color = ColorTags(
        primaries=source.primaries, transfer=source.transfer, matrix=source.matrix, full_range=source.full_range
    )
    displayed = partial(
        appearance.encoded_difference, source.displayed, ColorTags() if source.matrix == "gbr" else color
    )
    kept = [picture, *_others(made, source, _listed(source, beside, program), beside)]
    # There are no B-frames in an AVI that is encoded, so the times in it are those of showing and need no guess.
    target = Container.MKV if _target(made) is Container.AVI else _target(made)
    proof.prove(made, kept, container=target, ffmpeg=program, displayed=displayed)


def prove_copied(made: Path, source: Source, beside: Companions, program: str) -> None:
    """Raise ToolError unless the file `made` holds the source's packets of the video and what `beside` promises."""
    listing = _listed(source, beside, program)
    head = listing.heads.get(0, Head())
    picture = KeptStream(
        name="the video",
        kind=StreamKind.VIDEO,
        head=head,
        expected=listing.of(0),
        copied=True,
        reframed=containers.is_reframed(source.codec, source.container, _target(made)),
        matrix=_matrix(source) if source.container is Container.MP4 else None,
    )
    (shown,) = appearance.read([(source.path, source.container)], ffmpeg=program)
    displayed = None if shown is None else partial(appearance.difference, shown)
    kept = [picture, *_others(made, source, listing, beside)]
    proof.prove(made, kept, container=_target(made), ffmpeg=program, displayed=displayed)


def _target(made: Path) -> Container:
    return _CONTAINERS[container(made)]


def _matrix(source: Source) -> Matrix:
    a, b, c, d = display_matrix(source.turns, mirrored=source.mirrored)
    return a * _MATRIX_ONE, b * _MATRIX_ONE, c * _MATRIX_ONE, d * _MATRIX_ONE


def _listed(source: Source, beside: Companions, program: str) -> Listing:
    """Return the source's packets: the video, the audio that goes along, and the subtitles."""
    maps = ["0:V:0", *(f"0:a:{track}" for track in beside.sound), *(() if beside.lines is None else ("0:s?",))]
    return packets.scan(source.path, ffmpeg=program, maps=maps, container=source.container, own_times=True)


def _others(made: Path, source: Source, listing: Listing, beside: Companions) -> list[KeptStream]:
    target = _target(made)
    kept = []
    for number, head in sorted(listing.heads.items()):
        if number == 0:
            continue
        sound = number <= len(beside.sound)
        kept.append(
            KeptStream(
                name=f"audio stream {number}" if sound else f"subtitle stream {number - len(beside.sound)}",
                kind=StreamKind.AUDIO if sound else StreamKind.SUBTITLE,
                head=head,
                expected=listing.of(number),
                copied=beside.sound_copied if sound else beside.lines == "copy",
                reframed=containers.is_reframed(head.codec, source.container, target),
                uncompressed=head.codec.startswith("pcm"),
            )
        )
    return kept
