"""What a deep read and text detection bring to light about a file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What reading every packet of a file brought to light.

    `reached`: seconds up to which packets came; `cut`: what says that the data ends too soon; `damage`: kinds of error;
    `disorder`: timestamps that step back, at least; `sizes`: those to which the picture changes;
    `black` and `frozen`: seconds. The last three are measured only when `decoded`.
    """

    decoded: bool = False
    reached: Fraction | None = None
    cut: str | None = None
    damage: tuple[str, ...] = ()
    disorder: int = 0
    sizes: tuple[tuple[int, int], ...] = ()
    black: Fraction = Fraction(0)
    frozen: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPlace:
    """A line of text seen at `time` (seconds); `box` is x1, y1, x2, y2 in 0..1 of the picture as shown."""

    time: float
    text: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSeen:
    """What sampled frames show of text; `language` is the service's code (`zh`, `en`), None without text."""

    language: str | None = None
    places: tuple[TextPlace, ...] = ()

    @property
    def where(self) -> tuple[str, ...]:
        """The thirds of the picture that hold text, from `top` to `bottom`."""
        thirds = {min(2, int(1.5 * (place.box[1] + place.box[3]))) for place in self.places}
        return tuple(name for number, name in enumerate(("top", "middle", "bottom")) if number in thirds)
