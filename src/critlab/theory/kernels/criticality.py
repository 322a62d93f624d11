"""The edge of chaos of a network's prior: susceptibility, its critical scale and the depth to which signals reach.

"Critical" means susceptibility 1 of the prior, not a developmental window.
"""

from __future__ import annotations

import math

import torch
from scipy.optimize import brentq

from critlab._core.errors import StudyError
from critlab._core.threads import one_thread
from critlab.theory.kernels.averages.activations import Activation, Function, Moments, activation_of
from critlab.theory.kernels.model import positive

LEAST_SCALE, LARGEST_SCALE = 0.01, 100.0
_LARGEST = 1e10
_SMALLEST = 1e-14
_CONVERGED = 1e-14


def fixed_point(weight_scale: float, bias_scale: float, activation: str | Function | Activation = "erf") -> float:
    """q*, the variance of pre-activations deep in the network: the largest root of ``q = g <phi^2>_{N(0, q)} + g_b``.

    Args:
        weight_scale: g, above 0.
        bias_scale: g_b, at least 0.
        activation: as in :func:`critlab.theory.kernels.prior_kernels`.

    Returns:
        q*; 0 where signals die out; infinity where the variance grows without bound.

    Raises:
        StudyError: a number out of range.

    Error: about 1e-12, relative. Source: Poole et al. 2016.
    """
    scale, bias = positive("weight_scale", weight_scale), positive("bias_scale", bias_scale, zero=True)
    phi = activation_of(activation)

    def excess(q: float) -> float:
        return scale * float(_moments(q, phi).product) + bias - q

    high = 1.0
    while excess(high) >= 0:
        high *= 4
        if high > _LARGEST:
            return math.inf
    low = high / 2
    while excess(low) < 0:
        low /= 2
        if low < _SMALLEST:
            return 0.0
    return float(brentq(excess, low, 2 * low, xtol=_CONVERGED, rtol=1e-13))


def susceptibility(weight_scale: float, bias_scale: float, activation: str | Function | Activation = "erf") -> float:
    """chi, the factor by which a small difference between two inputs grows from layer to layer, at the fixed point.

    ``chi = g <phi'(h)^2>_{h ~ N(0, q*)}``: below 1 inputs become equal with depth (ordered), above 1 they part
    (chaotic), 1 is the edge of chaos.

    Args, raises: as :func:`fixed_point`.

    Returns:
        chi. Where the variance has no fixed point (linear, ReLU) its limit for large variances.

    Error: as :func:`fixed_point`. Source: Poole et al. 2016, Schoenholz et al. 2017.
    """
    variance = fixed_point(weight_scale, bias_scale, activation)
    at = min(variance, _LARGEST)
    return float(weight_scale) * float(_moments(at, activation_of(activation)).slopes)


@one_thread()
def critical_scale(bias_scale: float, activation: str | Function | Activation = "erf") -> float:
    """The weight scale g at which chi is 1, for biases of variance ``bias_scale``.

    Raises:
        StudyError: chi does not rise through 1 between g = 0.01 and 100.

    Error: about 1e-10, relative. Source: ours.
    """

    def above(log_scale: float) -> float:
        return susceptibility(math.exp(log_scale), bias_scale, activation) - 1

    # walked up from below: far above the edge some averages by quadrature are of steep functions, and coarse
    step, low = 0.5, math.log(LEAST_SCALE)
    if above(low) < 0:
        while low < math.log(LARGEST_SCALE):
            if above(low + step) >= 0:
                return math.exp(brentq(above, low, low + step, xtol=1e-10))
            low += step
    raise StudyError(
        f"activation: chi does not rise through 1 for weight_scale from {LEAST_SCALE} to {LARGEST_SCALE:g}; "
        "there is no edge of chaos"
    )


def depth_scale(weight_scale: float, bias_scale: float, activation: str | Function | Activation = "erf") -> float:
    """``-1 / ln chi``, in layers: over it a small difference between two inputs shrinks by a factor of e.

    Returns:
        Above 0 in the ordered phase, infinite at the edge; below 0 in the chaotic phase, where differences grow by a
        factor of e over as many layers.

    Source: Schoenholz et al. 2017.
    """
    exponent = math.log(susceptibility(weight_scale, bias_scale, activation))
    return math.inf if exponent == 0 else -1 / exponent


def _moments(variance: float, activation: Activation) -> Moments:
    return activation.moments(torch.tensor([[variance]], dtype=torch.float64))
