"""Tracks of text and the masks made of them."""
