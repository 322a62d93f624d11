"""Deficits of one of two sources, or of what the sources are to each other."""
