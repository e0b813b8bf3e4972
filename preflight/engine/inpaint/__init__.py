"""Fill what text hides from other frames and from the surroundings."""
