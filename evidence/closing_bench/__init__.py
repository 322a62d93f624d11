"""The bench of closings: networks, data, training, signals and design of its set-ups."""
