"""A user's own code: how another process finds it, and the digest of all that it can do."""
