"""Was this text put on top of the picture, or is it part of the scene?"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.engine.classify.settings import CLASSIFIER, ClassifierSettings
from preflight.engine.core.box import Box
from preflight.engine.model.kind import Kind
from preflight.engine.motion.relative import RelativeMotion


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a text over its whole life. Distances are in pixels."""

    width: int
    """Width of the frame."""
    frames: int
    """Number of frames from its first to its last one."""
    scene: float
    """How far the scene moved under the text."""
    text: float
    """How far the text moved, 0 when it stands."""
    apart: float
    """How far the two moved apart."""
    relative: RelativeMotion
    """How far it was seen to move with, and against, what is right beside it."""
    straight: bool
    """Its motion has one direction and speed, as that of a crawl."""
    appears: bool
    """It comes at once, while all else stays."""
    vanishes: bool
    """It goes at once, while all else stays."""
    gradual: bool
    """It fades, while all else stays."""
    crosses_cut: bool
    """It stays while the scene changes."""
    ticks: bool
    """Its digits change."""
    certainty: float
    """Certainty of its flat fill, 0..1."""
    outlined: bool
    """It has an outline."""
    placed: bool
    """It stands where captions do."""
    outside: bool
    """It stands near the border of the frame, where marks, titles and credits do."""
    slips: bool
    """It is seen beside its place where it seems to come or go: it is on something that moves."""
    flat_ground: float
    """Share (0..1) of the pixels beside its letters that have one colour."""


def decide(evidence: Evidence, settings: ClassifierSettings = CLASSIFIER) -> Kind:
    """Weigh the evidence, the strongest first; text that stands still in a still scene is judged by its style."""
    scale = evidence.width / 640
    if evidence.text > 0:
        return _decide_moving(evidence, settings, scale)
    relative = evidence.relative
    seen_through = settings.seen_through * evidence.apart
    if relative.with_background > max(settings.min_motion * scale, relative.against_background, seen_through):
        return Kind.NATURAL
    least = (settings.min_motion + settings.drift_error * evidence.frames) * scale
    if evidence.scene > least and evidence.apart < settings.parallax * evidence.scene:
        return Kind.NATURAL
    if evidence.slips and not evidence.crosses_cut:
        return Kind.UNCERTAIN
    against = relative.against_background > max(settings.min_relative * scale, relative.with_background)
    if evidence.crosses_cut or against or evidence.apart > least:
        return Kind.ARTIFICIAL
    changes = evidence.appears or evidence.vanishes or evidence.gradual
    if evidence.ticks or (changes and evidence.certainty > settings.vague):
        return Kind.ARTIFICIAL
    styled = evidence.certainty > settings.styled and (evidence.outlined or evidence.placed)
    drawn = evidence.certainty > (settings.drawn if evidence.outside else settings.drawn_inside)
    plain = evidence.certainty > settings.plain and evidence.flat_ground > settings.flat_ground
    return Kind.ARTIFICIAL if styled or drawn or plain else Kind.UNCERTAIN


def _decide_moving(evidence: Evidence, settings: ClassifierSettings, scale: float) -> Kind:
    """Return the kind of text that moves: overlay text crosses the frame at one speed, and alone."""
    relative, way = evidence.relative, max(evidence.scene, evidence.text)
    if evidence.crosses_cut:
        return Kind.ARTIFICIAL
    if evidence.text > settings.far * scale and evidence.apart < settings.exact * way:
        return Kind.NATURAL
    if relative.with_background > max(settings.min_motion * scale, relative.against_background):
        return Kind.NATURAL
    if evidence.apart < settings.parallax * way:
        return Kind.NATURAL
    if evidence.straight and relative.against_background > relative.with_background:
        return Kind.ARTIFICIAL
    return Kind.UNCERTAIN


def is_outside(box: Box, size: tuple[int, int], settings: ClassifierSettings = CLASSIFIER) -> bool:
    """Return True for the places of marks, titles and credits: the upper and lower part of the frame."""
    return box.y1 < settings.title_bottom * size[1] or box.y0 > settings.caption_top * size[1]


def is_placed(box: Box, size: tuple[int, int], settings: ClassifierSettings = CLASSIFIER) -> bool:
    """Return True for the place of captions: exactly in the middle across, in the lower part of the frame."""
    width, height = size
    centered = abs(box.x0 + box.x1 - width) < settings.caption_center * width
    return centered and box.y0 > settings.caption_top * height
