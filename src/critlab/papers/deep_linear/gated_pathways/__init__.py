"""Figures of paper 3 on two pathways, of which one is gated for some time."""
