"""Thresholds of the camera motion."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """How the motion of the scene and the shot boundaries are measured on gray pictures 480 pixels wide."""

    features: int = 300
    """Features that are tracked."""
    min_features: int = 12
    """Features that a motion is measured from."""
    explained: float = 0.9
    """Share of a change that no motion explains at or above which the light changes, or another picture is mixed in."""
    alike: float = 0.9
    """Correlation of two pictures above which they show one scene in another light."""
    max_zoom: float = 0.3
    """Change of scale, or turn in radians, from frame to frame; what is nearly black can be mapped to anything."""
    feature_reach: int = 36
    """Pixels around a feature that belong to the same thing."""
    passing: float = 0.6
    """Share of the picture that is not near moved features, for those to be of a thing that passes."""
    detail: int = 12
    """Gray levels by which an edge pixel differs from its neighbours."""
    min_details: float = 0.0004
    """Share of the picture that static edge pixels make up."""
    static_ratio: float = 1.5
    """Ratio of static to moving edge pixels."""
    still: float = 0.3
    """Mean change in gray levels below which nothing moves."""


CAMERA = CameraSettings()
