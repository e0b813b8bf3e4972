"""Probe and decode a video."""
