"""One look at a model: what it is called with, what it gives, and whether it can be looked at."""
