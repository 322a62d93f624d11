"""Samples of the posterior over kernels: Langevin and Hamiltonian steps, annealing, importance weights, diagnostics."""
