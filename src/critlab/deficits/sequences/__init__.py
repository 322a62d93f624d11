"""Deficits of sequences of tokens."""
