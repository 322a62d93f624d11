"""Arrays on disk that are filled once, mapped into memory, and named by their content."""
