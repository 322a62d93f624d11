"""What a store remembers of a study: its record, the names of its states, its code and the machines that ran it."""
