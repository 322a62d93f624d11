"""Forks from the checkpoints of a training, in another process, while the training goes on."""
