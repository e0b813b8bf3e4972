"""The acceptance test: is a cleaned video the source without its text, and nothing else?"""

from preflight.restore.acceptance.report import AcceptanceReport, Finding, Level, Place, Problem, Verdict

__all__ = ["AcceptanceReport", "Finding", "Level", "Place", "Problem", "Verdict"]
