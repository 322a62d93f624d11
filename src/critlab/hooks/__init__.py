"""critlab inside somebody else's training: watch it, give it a deficit, fork it, ask whether it was harmed."""
