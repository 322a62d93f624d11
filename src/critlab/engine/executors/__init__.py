"""Where tasks are executed: worker processes, or a Ray cluster."""
