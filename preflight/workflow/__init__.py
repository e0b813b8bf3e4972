"""Compositions of the stages: one video, many videos, interrupted jobs."""
