"""The data sets that critlab knows by name: one class a file."""
