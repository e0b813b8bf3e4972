"""Camera motion, template matching and relative motion."""
