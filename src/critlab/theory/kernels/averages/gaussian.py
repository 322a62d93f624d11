"""Averages over one layer's tilted single-unit measure, by importance weights over fixed normal draws."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from critlab._core.random_streams import generator
from critlab.theory.kernels.averages.activations import Activation
from critlab.theory.kernels.prior import symmetric_root

Mode = Literal["tilted", "leading"]


class Tilt(NamedTuple):
    """What tilts the measure of one layer.

    Args:
        conjugate: T^l, ``(P, P)``.
        scale: g_l.
        width: N, or the larger width at which annealing stands.
        mode: the full exponential weight, or its first order in 1/N.
    """

    conjugate: Tensor
    scale: float
    width: float
    mode: Mode


class Features(NamedTuple):
    """Draws of one layer: phi of the pre-activations, and what the backward rule needs.

    Args:
        root: the symmetric root of C^{l-1}, ``(P, P)``.
        normal: the standard normal draws, ``(M, P)``.
        hidden: h, ``(M, P)``.
        value: phi(h), ``(M, P)``.
    """

    root: Tensor
    normal: Tensor
    hidden: Tensor
    value: Tensor


class Weights(NamedTuple):
    """Importance weights of the draws.

    Args:
        tilted: w, ``(M,)``, sums to 1; uniform in mode "leading".
        excess: d, ``(M,)``, sums to 0: ``w - 1/M``, or its first order. As a control variate it leaves the
            infinite-width part exact.
        effective: ``1 / sum w^2``.
    """

    tilted: Tensor
    excess: Tensor
    effective: float


def fixed_draws(count: int, points: int, seed: int, batch: int = 0) -> Tensor:
    """``count`` standard normal draws and their mirror images, ``(2 count, points)``, with covariance exactly 1.

    Independent draws: over ten seeds scrambled Sobol points scattered the alignment no less (P = 12 and 24).

    Args:
        count: M, at least ``2 * points``.
        points: P.
        seed: keys the draws.
        batch: number of an independent set of draws.

    Source: ours.
    """
    indices = (3, batch) if batch else ()
    half = torch.randn(count, points, generator=generator(seed, "measure", *indices), dtype=torch.float64)
    factor = torch.linalg.cholesky(half.T @ half / count)
    half = torch.linalg.solve_triangular(factor, half.T, upper=False).T
    return torch.cat([half, -half])


def features(kernel: Tensor, normal: Tensor, activation: Activation) -> Features:
    """The draws of pre-activations of covariance ``kernel``.

    For an odd phi every average taken here is even in h, so the mirrored half of the draws is left out: the same
    numbers in half the time.
    """
    kept = normal[: len(normal) // 2] if activation.odd else normal
    root = symmetric_root(kernel)
    hidden = kept @ root
    return Features(root, kept, hidden, activation.value(hidden))


def weights(layer: Features, tilt: Tilt) -> Weights:
    """``w ~ exp((g / N) phi^T T phi)``, or in mode "leading" its first order in 1/N."""
    count = len(layer.value)
    exponent = tilt.scale / tilt.width * ((layer.value @ tilt.conjugate) * layer.value).sum(1)
    uniform = torch.full_like(exponent, 1 / count)
    if tilt.mode == "leading":
        return Weights(uniform, (exponent - exponent.mean()) / count, float(count))
    tilted = torch.softmax(exponent, 0)
    return Weights(tilted, tilted - uniform, float(1 / tilted.square().sum()))


def correction(layer: Features, found: Weights, scale: float) -> Tensor:
    """``g sum_m d_m phi_m phi_m^T``, ``(P, P)``: how far the layer's kernel leaves its infinite-width value."""
    return scale * layer.value.T @ (found.excess[:, None] * layer.value)


def pulled_further(layer: Features, found: Weights, tilt: Tilt, activation: Activation) -> Tensor:
    """What the tilted backward rule adds to the leading one, ``(P, P)``.

    With u = T phi and v = phi' u: ``g <phi' phi'^T>_d o T + diag(g <phi'' u>_d) + (2 g^2 / N) <v v^T>_w``. Where
    phi'' is no function, one integration by parts less gives the same in expectation, with more noise:
    ``g C^{-1} <h v^T>_d``, made symmetric.

    Source: ours.
    """
    slope = activation.slope(layer.hidden)
    field = layer.value @ tilt.conjugate
    pulled = slope * field
    if activation.curvature is None:
        mixed = layer.normal.T @ (found.excess[:, None] * pulled)
        one_sided: Tensor = tilt.scale * torch.linalg.pinv(layer.root, hermitian=True, rtol=1e-7) @ mixed
        return (one_sided + one_sided.T) / 2
    weighted = found.excess[:, None]
    slopes = slope.T @ (weighted * slope)
    bend = (weighted * activation.curvature(layer.hidden) * field).sum(0)
    square = pulled.T @ (found.tilted[:, None] * pulled)
    return tilt.scale * (slopes * tilt.conjugate + torch.diag(bend) + 2 * tilt.scale / tilt.width * square)


def linear_averages(kernel: Tensor, tilt: Tilt) -> tuple[Tensor, Tensor]:
    """For phi(h) = h, without draws: the correction of the kernel, and T^{l-1}, both ``(P, P)``.

    Tilted, ``<h h^T> = S (1 - (2 g / N) S T S)^-1 S`` with S the symmetric root of C^{l-1}; leading, its first order.
    ``T^{l-1} = g T + (2 g^2 / N) T <h h^T> T``, leading ``g T``. Not a number where T is so large that the average
    does not exist.

    Source: ours.
    """
    twice = 2 * tilt.scale / tilt.width
    if tilt.mode == "leading":
        return tilt.scale * twice * kernel @ tilt.conjugate @ kernel, tilt.scale * tilt.conjugate
    root = symmetric_root(kernel)
    precision = torch.eye(len(kernel), dtype=kernel.dtype) - twice * root @ tilt.conjugate @ root
    factor, failed = torch.linalg.cholesky_ex(precision)
    moment = root @ torch.cholesky_inverse(factor) @ root if failed == 0 else torch.full_like(kernel, math.nan)
    pulled = tilt.scale * (tilt.conjugate + twice * tilt.conjugate @ moment @ tilt.conjugate)
    return tilt.scale * (moment - kernel), pulled


def output_conjugate(kernel: Tensor, targets: Tensor, noise: float) -> Tensor:
    """``T^L = (A^{-1} Y Y^T A^{-1} - K A^{-1}) / 2`` with ``A = C^L + kappa``, for ``(..., P, P)``.

    The gradient of ``ln N(Y | 0, A)`` by C^L: here alone the data enter. K is the number of outputs. Not a number
    where A, of a kernel on the way to a solution, has lost its positive eigenvalues.
    """
    noisy = kernel + noise * torch.eye(kernel.shape[-1], dtype=kernel.dtype)
    factor, failed = torch.linalg.cholesky_ex(noisy)
    inverse = torch.cholesky_inverse(factor).masked_fill((failed != 0)[..., None, None], math.nan)
    solved = inverse @ targets
    return (solved @ solved.mT - targets.shape[1] * inverse) / 2
