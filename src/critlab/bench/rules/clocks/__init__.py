"""Rules that look at the time and the learning rate alone."""
