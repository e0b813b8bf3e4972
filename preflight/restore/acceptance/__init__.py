"""The acceptance test: is a cleaned video the source without its text, and nothing else?"""

from preflight.restore.acceptance.report import (
    AcceptanceFinding,
    AcceptanceReport,
    AcceptanceVerdict,
    Level,
    Place,
    Problem,
)

__all__ = ["AcceptanceFinding", "AcceptanceReport", "AcceptanceVerdict", "Level", "Place", "Problem"]
