"""Averages of activations over Gaussian fields, exact or by quadrature."""
