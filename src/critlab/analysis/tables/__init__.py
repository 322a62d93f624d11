"""A study's stored results as tidy tables, and the progress of an unfinished study."""
