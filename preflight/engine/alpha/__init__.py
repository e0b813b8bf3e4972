"""Alpha mattes of fades, watermarks and translucent plates."""
