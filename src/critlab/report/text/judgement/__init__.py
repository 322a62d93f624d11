"""The words of a verdict: the answer, its named damages, the confounds, the guards and the looks."""
