"""Compare a source and its cleaned video, frame by frame, and judge the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from preflight.errors import InputError
from preflight.events import Cancel
from preflight.restore.acceptance import judge
from preflight.restore.acceptance.evidence import EvidenceCollector
from preflight.restore.acceptance.examine import Examiner, Pair, analysis_size
from preflight.restore.acceptance.measures import AcceptanceMeasures, TextTrace
from preflight.restore.acceptance.motion_check import find_frozen, frame_interval
from preflight.restore.acceptance.pairing import Pairing
from preflight.restore.acceptance.report import AcceptanceReport, ExpectedText
from preflight.restore.acceptance.residue import TextDetector
from preflight.restore.composite import frames, matching
from preflight.restore.composite.frames import Picture, PictureFormat
from preflight.restore.composite.matching import Timed
from preflight.tools import ffmpeg, packets

_DEINTERLACE = "bwdif=mode=send_frame:deint=interlaced"
"""Filter that makes whole frames of those that are flagged as interlaced, one for one."""


def accept(
    pair: Pair,
    *,
    detect: TextDetector,
    program: str,
    on_share: Callable[[float], None] = lambda _: None,
    evidence: Path | None = None,
    cancel: Cancel | None = None,
) -> AcceptanceReport:
    """Compare the two videos and return the verdict.

    Args:
        pair: the videos and what should be gone.
        detect: finds and reads text on a picture.
        program: ffmpeg.
        on_share: called with the share of the work that is done, 0..1.
        evidence: folder for the report and for pictures of what was found; it is made.
        cancel: stops the work when it is set.

    Returns:
        The report.

    Raises:
        InputError: one of the files shows no frame, or no frames can be matched.
        ToolError: ffmpeg failed.
        CancelledError: `cancel` was set.
    """
    size = analysis_size(pair.size)
    scale = pair.size[0] / size[0]
    source, cleaned = (
        _Stream(path, size, filters, program, cancel)
        for path, filters in zip((pair.source, pair.cleaned), pair.filters, strict=True)
    )
    interval = frame_interval([float(time) for time in source.times])
    measures = AcceptanceMeasures(rate=1 / interval if interval > 0 else 25.0)
    examiner = Examiner(
        pair=pair,
        detect=detect,
        evidence=EvidenceCollector(wanted=evidence is not None),
        measures=measures,
        size=size,
        texts=[(_shrunk(text, scale), TextTrace()) for text in pair.texts],
        regions=[_shrunk(region, scale) for region in pair.regions],
    )
    total = max(1, len(source.times))
    for match in Pairing(source.frames(), cleaned.frames(), cleaned.times).matches():
        examiner.feed(match)
        on_share(match.sent.number / total)
    # Frames beyond the last pair are counted all the same.
    cleaned.finish()
    if not examiner.source_motion:
        raise InputError(f"No frame of {pair.cleaned} belongs to one of {pair.source}.")
    measures.texts = examiner.texts
    measures.outside = examiner.runs
    measures.frames, measures.cleaned_frames = source.count, cleaned.count
    measures.frozen = find_frozen(examiner.source_motion, examiner.cleaned_motion)
    measures.source_sync, measures.cleaned_sync = source.sync, cleaned.sync
    measures.source_length, measures.cleaned_length = source.length, cleaned.length
    measures.source_bit_rate, measures.bit_rate = source.bit_rate, cleaned.bit_rate
    report = judge.judge(measures, pair.size, scale)
    if evidence is not None:
        report = replace(report, evidence=examiner.evidence.write(evidence, report))
    on_share(1.0)
    return report


def _shrunk(text: ExpectedText, scale: float) -> ExpectedText:
    left, top, right, bottom = (round(edge / scale) for edge in text.box)
    return replace(text, box=(left, top, right, bottom))


class _Stream:
    """The frames of a file at the analysis size, with their times from the first one, and how much each one moves."""

    def __init__(self, path: Path, size: tuple[int, int], filters: str, program: str, cancel: Cancel | None) -> None:
        self._path, self._filters, self._program, self._cancel = path, filters, program, cancel
        self._form = PictureFormat(width=size[0], height=size[1])
        listing = packets.scan(path, ffmpeg=program, maps=("0:V:0", "0:a:0?"), cancel=cancel)
        if 0 not in listing.heads:
            raise InputError(f"{path} holds no video.")
        times = [time * listing.heads[0].time_base for time in listing.of(0).shown_times()]
        first = times[0] if times else Fraction(0)
        self.times = [time - first for time in times]
        self.shown = [float(time) for time in self.times]
        self.sync: float | None = None
        if 1 in listing.heads and (sound := listing.of(1).shown_times()):
            self.sync = float(sound[0] * listing.heads[1].time_base - first)
        interval = frame_interval(self.shown)
        self.length = self.shown[-1] + interval if self.shown else 0.0
        self.bit_rate = path.stat().st_size * 8 / self.length if self.length else 0.0
        self.count = 0
        """Number of frames that were decoded."""
        self._source = self._decoded()

    def frames(self) -> Iterator[Timed[Picture]]:
        """Yield the frames in order."""
        return self._source

    def finish(self) -> None:
        """Decode what is left."""
        for _ in self._source:
            pass

    def _decoded(self) -> Iterator[Timed[Picture]]:
        words = [*ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(self._path)]
        fitted = f"{_DEINTERLACE},scale={self._form.width}:{self._form.height}:flags=area"
        filters = ",".join(filter(None, [fitted, self._filters]))
        argv = frames.decoding(self._program, words, self._form, filters=filters, rotate=True)
        interval = Fraction(frame_interval(self.shown))
        for number, picture in enumerate(frames.read(argv, self._form, cancel=self._cancel)):
            self.count += 1
            time = self.times[number] if number < len(self.times) else number * interval
            yield Timed(number, time, picture, matching.signature(picture.y))
