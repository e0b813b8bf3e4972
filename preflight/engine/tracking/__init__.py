"""Follow text from frame to frame."""
