"""Figures of paper 1 on the Fisher information, gradients and filters through training."""
