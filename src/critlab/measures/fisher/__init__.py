"""The Fisher information: trace, log-determinant, noise estimate, empirical Fisher."""
