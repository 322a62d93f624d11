"""How the switches of a recipe act in training, what they add to a run's state, and whether they fit."""
