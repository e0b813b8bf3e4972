"""Alpha mattes of fading text, translucent watermarks and translucent boxes, and how they are removed."""
