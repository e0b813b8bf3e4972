"""Cleaned files -> the finished file."""
