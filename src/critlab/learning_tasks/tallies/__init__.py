"""Sums of metrics over batches, in numpy and torch: loaded when a network is tested."""
