"""The composite: the source's own pictures with only the changed regions of the service's (needs NumPy, OpenCV)."""

from preflight.restore.composite.analysis import Part
from preflight.restore.composite.compose import CompositeReport, Task, make_picture
from preflight.restore.composite.geometry import View
from preflight.restore.composite.selection import Selection, TextPlace, kept_texts

__all__ = [
    "CompositeReport",
    "Part",
    "Selection",
    "Task",
    "TextPlace",
    "View",
    "kept_texts",
    "make_picture",
]
