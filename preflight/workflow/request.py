"""What is wanted of a run, as a value that a later process can repeat."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from preflight.errors import UsageError
from preflight.model.job import RemovalOptions
from preflight.model.media import Media
from preflight.model.plan import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What is wanted of a run: where results go, what is removed, how much a fix may lose. `name` names the outputs.

    `detect_language` takes the language of most of the text in place of the options'; `skip_textless` leaves alone a
    video without text. Both need the `local` extra, since they look at frames.
    """

    output: Path
    options: RemovalOptions = field(default_factory=RemovalOptions)
    policy: Policy = Policy.BALANCED
    trim: tuple[Fraction, Fraction] | None = None
    name: str | None = None
    detect_language: bool = False
    skip_textless: bool = False

    @property
    def needs_text_detection(self) -> bool:
        """True when the frames have to be looked at before the request is complete."""
        return self.detect_language or self.skip_textless

    def is_skipped(self, media: Media | None) -> bool:
        """Return whether the video is left alone, since no text was seen on its frames."""
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
                "output": str(self.output.absolute()),
                "options": self.options.to_wire(),
                "policy": self.policy.value,
                "trim": [str(time) for time in self.trim] if self.trim else None,
                "name": self.name,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> RunRequest:
        """Return the request that `to_json` wrote. Raises UsageError for what an older version can't have written."""
        try:
            found = json.loads(text)
            trim = found["trim"]
            return cls(
                output=Path(found["output"]),
                options=RemovalOptions.from_wire(found["options"]),
                policy=Policy(found["policy"]),
                trim=(Fraction(trim[0]), Fraction(trim[1])) if trim else None,
                name=found["name"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError("The job does not say how to go on.", hint="Run `preflight run` on its file.") from error
