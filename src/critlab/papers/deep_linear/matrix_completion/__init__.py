"""Figures of paper 3 on the completion of matrices by deep linear networks."""
