"""The kernels of an infinitely wide network, layer by layer: the baseline of every comparison."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from critlab.theory.kernels.averages.activations import Activation, Function
from critlab.theory.kernels.model import Prior, checked_inputs, checked_prior, input_kernel


def prior_kernels(
    inputs: Any,
    *,
    depth: int,
    weight_scale: float = 1.0,
    input_scale: float | None = None,
    readout_scale: float | None = None,
    bias_scale: float = 0.5,
    activation: str | Function | Activation = "erf",
) -> list[Tensor]:
    """The kernels of the network Gaussian process (NNGP).

    ``C^0 = g_0 X X^T / D + g_b`` and ``C^l = g_l <phi phi^T>_{h ~ N(0, C^{l-1})} + g_b``: C^l is the covariance of the
    pre-activations of layer l, built from phi of layer l - 1; C^L is the covariance of the outputs.

    Args:
        inputs: ``(P, D)``, finite.
        depth: L, the number of hidden layers, at least 1.
        weight_scale: g of the hidden layers: a weight's variance times the number of its inputs.
        input_scale: g_0; None is ``weight_scale``.
        readout_scale: g_L; None is ``weight_scale``.
        bias_scale: g_b, variance of every bias, the input layer's included.
        activation: "erf", "linear", "relu", "tanh", or any elementwise torch function.

    Returns:
        C^0 .. C^L, float64 ``(P, P)`` each.

    Raises:
        StudyError: data or a number out of range.

    Error: closed forms but for tanh and functions, see :mod:`critlab.theory.kernels.averages.activations`.
    Cost: of order L P^2. Source: Williams 1997 (erf), Cho and Saul 2009 (ReLU); the model: Fischer et al. 2024.
    """
    prior = checked_prior(depth, weight_scale, input_scale, readout_scale, bias_scale, activation)
    return propagated(input_kernel(checked_inputs(inputs), prior), prior)


def propagated(kernel: Tensor, prior: Prior) -> list[Tensor]:
    """C^0 .. C^L of infinite width from ``kernel`` = C^0."""
    found = [kernel]
    for scale in prior.scales[1:]:
        found.append(scale * prior.activation.moments(found[-1]).product + prior.bias)
    return found


def pulled_back(conjugate: Tensor, kernel: Tensor, scale: float, activation: Activation) -> Tensor:
    """The gradient of ``tr(T G(C))`` by C, ``G(C) = scale <phi phi^T>_{N(0, C)}``: the leading backward rule.

    ``scale [ E o T + diag_a( sum_b <phi''_a phi_b> T_ab ) ]``, every entry counted, off-diagonal pairs twice.

    Args:
        conjugate: T, ``(..., P, P)``, symmetric.
        kernel: C, ``(P, P)``.
        scale: g of the layer above.
        activation: phi.

    Source: ours.
    """
    moments = activation.moments(kernel)
    return scale * (moments.slopes * conjugate + torch.diag_embed((moments.curvature * conjugate).sum(-1)))


def tangent_kernel(kernels: list[Tensor], prior: Prior) -> Tensor:
    """The neural tangent kernel of infinite width over all weights in units of their prior deviation, ``(P, P)``.

    ``Theta^0 = C^0``, ``Theta^l = C^l + g_l Theta^{l-1} o <phi' phi'^T>``; its largest eigenvalue bounds the step of
    gradient descent and of Langevin dynamics. Source: Jacot et al. 2018.
    """
    found = kernels[0]
    for below, kernel, scale in zip(kernels, kernels[1:], prior.scales[1:], strict=False):
        found = kernel + scale * found * prior.activation.moments(below).slopes
    return found


def symmetric_root(kernel: Tensor) -> Tensor:
    """The symmetric square root of ``(..., P, P)``, eigenvalues clipped at 0.

    Symmetric on purpose: eigenvectors' signs flip from one call to the next, and with them fixed draws.
    """
    values, vectors = torch.linalg.eigh(kernel)
    root: Tensor = vectors * values.clamp_min(0).sqrt().unsqueeze(-2) @ vectors.mT
    return root
