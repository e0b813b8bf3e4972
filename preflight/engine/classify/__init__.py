"""Overlay text or scene text, and which of it a removal takes."""
