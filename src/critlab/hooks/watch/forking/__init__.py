"""The forks of a watched training: when they are worth their cost, and what they have answered."""
