"""Paper 1, Critical Learning Periods in Deep Neural Networks (Achille, Rovere, Soatto 2019; arXiv 1711.08856)."""
