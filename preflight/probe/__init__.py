"""Path -> Media: the only room that reads what a file is."""
