"""A user's own training loop as runs of a study: five functions become a learner, a question becomes a study."""
