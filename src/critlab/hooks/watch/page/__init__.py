"""The page of one watched training: the answer, the ribbon of forks, the signals."""
