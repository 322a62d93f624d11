"""Switches of how weights move: optimiser, gradients, training loss."""
