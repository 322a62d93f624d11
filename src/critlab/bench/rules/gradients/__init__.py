"""Rules that look at gradients and curvature."""
