"""Gradients: moments, covariance, squared norms, curvature."""
