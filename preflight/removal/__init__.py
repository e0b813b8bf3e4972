"""Upload -> Task: the only room that talks to the removal API."""
