"""The verdict of a study: named damages, the decision, what guards it, and where another seed or point helps."""
