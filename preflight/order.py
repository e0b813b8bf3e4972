"""What is wanted of a run, as a value that a later process can repeat."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from preflight.errors import UsageError
from preflight.job import RemovalOptions
from preflight.media import Media
from preflight.plan import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted of a run: where results go, what is removed, how much a fix may lose. `name` names the outputs."""

    output: Path
    options: RemovalOptions = field(default_factory=RemovalOptions)
    policy: Policy = Policy.BALANCED
    trim: tuple[Fraction, Fraction] | None = None
    name: str | None = None

    def settled(self, media: Media | None) -> Order:
        """Return the order for one video: boxes in pixels become the API's normalised ones. Raises UsageError."""
        if media is None or media.video is None:
            return self
        return replace(self, options=self.options.settled(media.video.display_size))

    def to_json(self) -> str:
        """Return what a later process needs to repeat the order."""
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
    def from_json(cls, text: str) -> Order:
        """Return the order that `to_json` wrote. Raises UsageError for what an older version can't have written."""
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
