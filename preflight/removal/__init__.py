"""Upload -> Task: the only room that talks to the removal API."""

from preflight.removal.client import RemovalClient

__all__ = ["RemovalClient"]
