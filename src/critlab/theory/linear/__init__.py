"""Deep linear networks, paper 3: exact and simulated critical periods, whole sweeps as one batched computation.

The public names are loaded when they are first used: a process that only multiplies matrices starts without torch.
"""

from critlab._core.loading.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
