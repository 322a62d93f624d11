"""critlab: the laboratory for critical learning periods in deep networks.

The public names are those of ``__init__.pyi``. They are loaded when they are first used, so that importing critlab
costs nothing.
"""

from critlab._core.loading.lazy import attach
from critlab._core.version import VERSION

__version__ = VERSION

_EARLIER = {
    "Background": ("critlab.study", "BackgroundDeficit"),
    "Base": ("critlab.study", "Setup"),
    "Switch": ("critlab.study", "WindowOverride"),
    "curvature": ("critlab.measures", "hessian_top_eigenvalue"),
    "dead_units": ("critlab.measures", "dead_units"),
    "effective_rank": ("critlab.measures", "effective_rank"),
    "fisher_empirical": ("critlab.measures", "fisher_empirical"),
    "fisher_log_determinant": ("critlab.measures", "fisher_log_determinant"),
    "fisher_noise": ("critlab.measures", "fisher_noise"),
    "gradient_covariance": ("critlab.measures", "gradient_covariance"),
    "gradients": ("critlab.measures", "gradient_moments"),
    "harm": ("critlab.hooks.own_loop.lasting_damage", "lasting_damage"),
    "partial_information": ("critlab.measures", "partial_information"),
    "removal": ("critlab.study", "removal"),
    "total": ("critlab.measures", "total"),
    "usable_information": ("critlab.measures", "usable_information"),
    "windows": ("critlab.study", "windows"),
}
"""Names of version 0.1.0, kept for one release."""

__getattr__, __dir__, __all__ = attach(__name__, __file__, _EARLIER)
