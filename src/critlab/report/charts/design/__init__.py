"""What was done: the tree of runs, and the time line of deficit, recovery and learning rate."""

DESIGN = ("timeline", "run_tree")
"""Keys of the charts that show what was done rather than what was found."""
