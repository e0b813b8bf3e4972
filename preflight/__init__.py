"""Check, fix, upload, submit and restore videos for the Aidge Video Removal API."""

__version__ = "0.1.0"
