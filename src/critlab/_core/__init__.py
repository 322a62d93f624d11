"""The foundation: typed strict values, registries, names, keyed draws, errors; torch-free."""
