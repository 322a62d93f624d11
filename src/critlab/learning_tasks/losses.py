"""The losses of tasks: negative log-likelihoods, each the mean over the labels that count."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross entropy in nats, computed in float32; 0 where no label counts.

    Args:
        logits: ``(..., classes)``, float.
        labels: int64 ``(...)``; -1 does not count.
        smoothing: the part of each target, in [0, 1), that is spread evenly over all classes.
    """
    from torch.nn.functional import cross_entropy as torch_cross_entropy

    flat, wanted = logits.flatten(0, -2), labels.flatten()
    # a tensor, so that reading it does not wait for the GPU
    counted = (wanted >= 0).sum().clamp(min=1)
    total = torch_cross_entropy(flat.float(), wanted, ignore_index=-1, reduction="sum", label_smoothing=smoothing)
    return total / counted


def binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy of yes and no in nats, computed in float32; 0 where no label counts.

    Args:
        logits: float, of yes, of any shape.
        labels: 1, 0, or -1, which does not count, in the same shape.
    """
    from torch.nn.functional import binary_cross_entropy_with_logits

    counted = labels >= 0
    wanted = labels.clamp(min=0).float()
    each = binary_cross_entropy_with_logits(logits.float(), wanted, reduction="none")
    return (each * counted).sum() / counted.sum().clamp(min=1)


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error over examples and outputs, computed in float32; both of the same shape."""
    return (outputs.float() - targets.float()).square().mean()


LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE = -20.0, 20.0
"""A learned log variance counts within these: a variance of 0 would have an infinite likelihood."""


def gaussian_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean negative log-likelihood of normal targets with a learned variance, without the constant; in float32.

    ``(log v + (y - m)^2 / v) / 2``, over examples and outputs.

    Args:
        outputs: ``(N, 2 D)``: D means, then D log variances, which count from -20 to 20.
        targets: ``(N, D)``, or ``(N,)`` where D is 1.

    Source: Nix and Weigend 1994.
    """
    mean, log_variance = outputs.float().chunk(2, dim=-1)
    log_variance = log_variance.clamp(LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE)
    error = (mean - targets.float().reshape(mean.shape)).square()
    return 0.5 * (log_variance + error * (-log_variance).exp()).mean()
