"""The composite: the source's own pictures with only the changed regions of the service's (needs NumPy, OpenCV)."""

from preflight.restore.composite.analysis import SentPart
from preflight.restore.composite.compose import CompositeReport, CompositeTask, make_picture
from preflight.restore.composite.geometry import View
from preflight.restore.composite.selection import RecordedText, RegionSelection, kept_texts

__all__ = [
    "CompositeReport",
    "CompositeTask",
    "RecordedText",
    "RegionSelection",
    "SentPart",
    "View",
    "kept_texts",
    "make_picture",
]
