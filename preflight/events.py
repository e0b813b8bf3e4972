"""What a long step says while it runs; faces turn it into bars or JSON lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    # Only type checkers ask who keeps a protocol, and loading `typing` takes a tenth of a check.
    Protocol = object


class Stage(StrEnum):
    """The stages of a video's way, in order."""

    CHECK = "check"
    FIX = "fix"
    UPLOAD = "upload"
    SUBMIT = "submit"
    WAIT = "wait"
    FETCH = "fetch"
    RESTORE = "restore"
    CLEAN = "clean"
    TEXT = "text"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a stage is: `done` of `total` in `unit` (`s` of video, `B`, `polls`); `total` None when unknown.

    `speed` is seconds of video a second, `eta` the seconds still to wait, where a tool tells enough for them.
    """

    stage: Stage
    done: float
    total: float | None = None
    unit: str = ""
    note: str = ""
    speed: float | None = None
    eta: float | None = None

    @property
    def fraction(self) -> float | None:
        """Share done in 0..1, or None when the total is unknown."""
        return min(1.0, self.done / self.total) if self.total else None


Listener = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """Listen to nothing."""


class Cancel(Protocol):
    """A flag that asks a step to stop soon; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Return True once the step shall stop."""
