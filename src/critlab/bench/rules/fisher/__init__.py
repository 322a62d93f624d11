"""Rules that look at the Fisher trace."""
