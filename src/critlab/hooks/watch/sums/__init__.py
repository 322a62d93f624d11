"""What a watch sums up between two records: looks, losses, gradients, the way of the weights, groups."""
