"""Rules that look at the loss of the clean training."""
