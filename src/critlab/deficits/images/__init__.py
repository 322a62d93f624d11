"""Deficits of images."""
