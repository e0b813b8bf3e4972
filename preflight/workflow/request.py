"""What is wanted of a run, as a value that a later process can repeat."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from preflight.errors import LedgerError, UsageError
from preflight.model.address import S3Address
from preflight.model.job import RemovalOptions
from preflight.model.media import Media
from preflight.model.plan import Policy
from preflight.model.region import Regions


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Where results go, what is removed, and how much a fix may lose. Raises UsageError that names a wrong field.

    Attributes:
        output: Folder for the results, created when needed; or one of a store, `s3://bucket/prefix`.
        options: What is removed.
        policy: How much a fix may lose.
        trim: Only this part of the video, `(start, end)` in seconds of the source.
        name: Name of the outputs without an extension. None: the video's own.
        detect_language: Take the language of most of the text that is seen, in place of the options' (extra `local`).
        skip_textless: Send no video on which no text is seen (extra `local`).
        min_quality: Shrink a file that is too large if its picture keeps this quality (VMAF), and split it otherwise.
        verify: Compare the finished file with the source and put the verdict into the record (extra `local`).
        repair: Remove text that the service left, or wrote, with the engine on this machine (extra `local`).
        subtitles: Formats (`srt`, `vtt`, `ass`, `json`) in which the text is written beside it (extra `local`).
        composite: Put only the changed regions of the service's file into the source's own pictures (extra `local`).
        regions: Where the source stays, and where alone the service's file is taken.
    """

    output: Path = field(default_factory=Path)
    options: RemovalOptions = field(default_factory=RemovalOptions)
    policy: Policy = Policy.BALANCED
    trim: tuple[Fraction, Fraction] | None = None
    name: str | None = None
    detect_language: bool = False
    skip_textless: bool = False
    verify: bool = False
    repair: bool = False
    subtitles: tuple[str, ...] = ()
    min_quality: float | None = None
    composite: bool = True
    regions: Regions = field(default_factory=Regions)

    def __post_init__(self) -> None:
        output: object = self.output
        if isinstance(output, str):
            object.__setattr__(self, "output", Path(output))
        for name, kind in (("output", Path), ("options", RemovalOptions)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise UsageError(f"{name} is {value!r}, not a {kind.__name__}.")
        try:
            object.__setattr__(self, "policy", Policy(self.policy))
        except ValueError:
            raise UsageError(
                f"policy is {self.policy!r}.", hint=f"Use one of: {', '.join(policy.value for policy in Policy)}."
            ) from None
        if self.trim is not None:
            object.__setattr__(self, "trim", _seconds(self.trim))

    @property
    def needs_text_detection(self) -> bool:
        """True when frames have to be searched for text before the request is complete."""
        return self.detect_language or self.skip_textless

    def is_skipped(self, media: Media | None) -> bool:
        """Return whether the video is not sent, since no text was detected on its sampled frames."""
        return self.skip_textless and media is not None and media.text is not None and not media.text.places

    def settled(self, media: Media | None) -> RunRequest:
        """Return the request for one video: pixel boxes are normalised and the detected language is set.

        Raises UsageError.
        """
        options = self.options
        if media is not None and media.video is not None:
            options = options.settled(media.video.display_size)
        if self.detect_language and media is not None and media.text is not None and media.text.language is not None:
            options = replace(options, language=media.text.language)
        return replace(self, options=options, detect_language=False, skip_textless=False)

    def to_json(self) -> str:
        """Return what a later process needs to repeat the request."""
        return json.dumps(
            {
                "output": str(self.output if S3Address.parse(self.output) else self.output.absolute()),
                "options": self.options.to_wire(),
                "policy": self.policy.value,
                "trim": [str(time) for time in self.trim] if self.trim else None,
                "name": self.name,
                "min_quality": self.min_quality,
                "verify": self.verify,
                "repair": self.repair,
                "subtitles": list(self.subtitles),
                "composite": self.composite,
                "regions": self.regions.to_json(),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> RunRequest:
        """Return the request that `to_json` wrote. Raises LedgerError for anything else."""
        try:
            found = json.loads(text)
            trim = found["trim"]
            return cls(
                output=Path(found["output"]),
                options=RemovalOptions.from_wire(found["options"]),
                policy=Policy(found["policy"]),
                trim=(Fraction(trim[0]), Fraction(trim[1])) if trim else None,
                name=found["name"],
                min_quality=None if found.get("min_quality") is None else float(found["min_quality"]),
                verify=bool(found.get("verify")),
                repair=bool(found.get("repair")),
                subtitles=tuple(str(kind) for kind in found.get("subtitles") or ()),
                composite=bool(found.get("composite", True)),
                regions=Regions.from_json(found.get("regions") or {}),
            )
        except (ValueError, KeyError, TypeError, UsageError) as error:
            raise LedgerError(
                "The job does not say how to continue.",
                hint="Run `preflight run` on its file; it is not paid for twice.",
            ) from error


def _seconds(trim: object) -> tuple[Fraction, Fraction]:
    """Return the times of a trim as exact seconds. Raises UsageError."""
    if isinstance(trim, tuple) and len(trim) == 2 and all(isinstance(time, int | Fraction) for time in trim):
        start, end = Fraction(trim[0]), Fraction(trim[1])
        if 0 <= start < end:
            return start, end
    raise UsageError(
        f"trim is {trim!r}, not (start, end) with 0 <= start < end.", hint="Give exact seconds: (Fraction('1.5'), 20)."
    )
