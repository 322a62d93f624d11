"""Weights: norms, filters, groups of parameters."""
