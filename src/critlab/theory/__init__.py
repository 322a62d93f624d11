"""The theories of papers 3 and 4: pure functions over arrays, whole sweeps in one call."""
