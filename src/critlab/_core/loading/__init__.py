"""How modules are found and loaded: by path, on first use, from the working folder last."""
