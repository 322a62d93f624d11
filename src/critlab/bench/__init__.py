"""The bench: trainings whose sensitivity was measured, and the judging of rules that claim to know it."""
