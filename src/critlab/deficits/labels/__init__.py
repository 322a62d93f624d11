"""Deficits of labels."""
