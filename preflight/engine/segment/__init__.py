"""Strokes, outlines, plates and text masks of one text."""
