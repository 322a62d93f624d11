"""At which moment of a user's own training a switch should be flipped: forks of one trunk where they decide."""
