"""What it means: the tidy table, curves with intervals, verdicts, closing epochs, plasticity; torch-free."""
