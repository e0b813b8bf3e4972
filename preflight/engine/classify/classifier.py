"""Was this text put on top of the picture, or is it part of the scene?"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.engine.core.box import Box
from preflight.engine.model.kind import Kind
from preflight.engine.motion.relative import RelativeMotion

_MOVED = 3.0
"""Samples the scene must move under fixed text, at a width of 640, to tell the two apart; less is jitter."""
_FOLLOWS = 0.35
"""Share of a way by which text that goes with the scene may come apart from it, for parallax."""
_FAR, _EXACTLY = 5, 0.1
"""How many times the least motion text has gone that says all by itself, and the share it may then be off the scene."""
_BY_CHANCE = 0.1
"""Share of the way by which a text and its scene come apart that they may be seen to go together, as something of the
scene that is seen through the text does."""
_STYLED = 0.3
"""Certainty of a flat fill above which text that says nothing by its motion, but is outlined or placed as captions are,
counts as put on top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a text's life: how far the scene and the text moved meanwhile (samples), how it came and went.

    `appears` and `vanishes` mean at once, inside a shot; `gradual` little by little: both that all else stays.
    `crosses_cut` means that it stays while the scene changes; `ticks` that its digits change; `placed` that it is where
    captions are; `drift` what its movement beside its surroundings says.
    """

    scene: float
    text: float
    apart: float
    appears: bool
    vanishes: bool
    gradual: bool
    crosses_cut: bool
    ticks: bool
    certainty: float
    outlined: bool
    placed: bool
    drift: RelativeMotion
    width: int


def decide(evidence: Evidence) -> Kind:
    """Weigh the evidence, the strongest first; text that stands still in a still scene is judged by its style."""
    least = _MOVED * evidence.width / 640
    drift = evidence.drift
    moved = max(evidence.scene, evidence.text)
    if not evidence.crosses_cut and evidence.text > _FAR * least and evidence.apart < _EXACTLY * moved:
        return Kind.NATURAL
    if drift.together > max(least, drift.apart, _BY_CHANCE * evidence.apart):
        return Kind.NATURAL
    if evidence.crosses_cut or drift.apart > max(least, drift.together):
        return Kind.ARTIFICIAL
    if moved > least:
        return Kind.NATURAL if evidence.apart < _FOLLOWS * moved else Kind.ARTIFICIAL
    if evidence.appears or evidence.vanishes or evidence.gradual or evidence.ticks:
        return Kind.ARTIFICIAL
    styled = evidence.certainty > _STYLED and (evidence.outlined or evidence.placed)
    return Kind.ARTIFICIAL if styled else Kind.NATURAL


def is_placed(box: Box, size: tuple[int, int]) -> bool:
    """Return True for the place of captions: exactly in the middle across, in the lower third of the picture."""
    width, height = size
    return abs(box.x0 + box.x1 - width) < 0.03 * width and box.y0 > 0.66 * height
