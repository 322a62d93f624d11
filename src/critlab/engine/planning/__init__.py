"""Before a study is run: its cost, its precision, which checkpoints stay, and how many workers fit."""
