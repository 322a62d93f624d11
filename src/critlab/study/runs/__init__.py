"""The runs of a study: recipes, the tree of states, named damages as contrasts of runs, seeds and points in stages."""
