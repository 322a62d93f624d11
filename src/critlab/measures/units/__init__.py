"""Units: dead ones, rank of their answers, information, what source they answer to."""
