"""The recorded training step on a GPU, and the update rules that it needs."""
