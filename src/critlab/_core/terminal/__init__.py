"""What a person reads while a command works: text made safe, durations, progress, and values shown at a prompt."""
