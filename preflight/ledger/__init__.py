"""The ledger: what was asked of the paid service, so that nothing is lost and nothing is paid for twice."""

from preflight.ledger.ledger import Ledger, Transition
from preflight.ledger.states import ACCEPTED, ENDED, Job, State, identify

__all__ = ["ACCEPTED", "ENDED", "Job", "Ledger", "State", "Transition", "identify"]
