"""Watermarks, plates behind text and graphics beside it."""
