"""Frozen facts about media, limits, plans and jobs. No I/O."""
