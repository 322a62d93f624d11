"""Figures and designs of our own, on the images that ship with critlab."""
