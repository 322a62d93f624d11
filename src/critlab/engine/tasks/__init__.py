"""What a store lacks of a study, as tasks; in which order they are done, and how one is executed and written."""
