"""Figures of paper 1 in which optimiser, regularisation, architecture or data differ."""
