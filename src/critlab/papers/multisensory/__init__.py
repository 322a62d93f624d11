"""Paper 2, Critical Learning Periods for Multisensory Integration (Kleinman et al. 2023; arXiv 2210.04643)."""
