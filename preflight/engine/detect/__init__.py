"""Find and read text on a frame."""
