"""Sweeps of matrix completion: the matrix, gradient descent, the tree of a sweep, its table."""
