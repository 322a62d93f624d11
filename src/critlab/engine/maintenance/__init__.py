"""Care of a store: unused files, checks of every file, and repair of damaged checkpoints."""
