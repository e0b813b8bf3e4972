"""The acceptance test: is a cleaned video the source without its text, and nothing else?"""

from preflight.restore.acceptance.report import AcceptanceFinding, AcceptanceReport, Level, Place, Problem, Verdict

__all__ = ["AcceptanceFinding", "AcceptanceReport", "Level", "Place", "Problem", "Verdict"]
