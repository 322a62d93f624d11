"""Measures of the Fisher information."""
