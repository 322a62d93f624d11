"""Charts with a slider over the points of the sweep."""
