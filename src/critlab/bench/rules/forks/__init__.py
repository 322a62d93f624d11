"""Rules that fork the training."""
