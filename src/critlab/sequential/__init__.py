"""Seeds and points that are chosen while a study runs: train, judge, remember the look, and go on."""
