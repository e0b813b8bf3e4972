"""Boxes, arrays, colour planes and image filters."""
