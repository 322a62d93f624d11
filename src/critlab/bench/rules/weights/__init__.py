"""Rules that look at weights and representations."""
