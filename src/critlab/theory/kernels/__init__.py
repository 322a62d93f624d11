"""Paper 4: how strongly a network's kernels adapt to data, in theory and by sampling the posterior.

"Critical" here means the edge of chaos of the network's prior (susceptibility 1). It is NOT a critical period in
training; whether the two are connected is asked by the figure ``prior-and-plasticity``.

All functions are pure, take arrays or tensors, compute in float64 on the CPU and are loaded when first used.
"""

from critlab._core.loading.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
