"""Deficits of tables of numbers."""
