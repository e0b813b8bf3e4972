"""Encoders, muxers and the smart render."""
