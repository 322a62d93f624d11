"""Yes or no for each label: the likelihood of binary and multi-label classification."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab._core.errors import StudyError
from critlab.measures.likelihoods.likelihood import DiagonalLikelihood

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Bernoulli(DiagonalLikelihood):
    """Yes or no by the sigmoid of a logit; several logits are independent labels, as in multi-label classification.

    ``H = p (1 - p)`` for each logit, the expectation over both values. Labels are 0 or 1, of any type, or a
    probability between them; a negative one is missing and does not count.
    """

    name: ClassVar[str] = "bernoulli"
    citation: ClassVar[str] = "definition: Achille, Rovere and Soatto 2019, section 3; signs: ours"
    shapes: ClassVar[str] = "float logits (N,), (N, 1) or (N, labels)"

    def check(self, labels: Tensor, output: Tensor, measure: str) -> None:
        """Raises StudyError where a label is above 1 or not a number."""
        if not bool((labels <= 1).all()):
            raise StudyError(
                f"{measure}: labels: received {float(labels.max()):g}; must be 0 or 1, or negative where there is no "
                "label"
            )

    def counted(self, labels: Tensor) -> Tensor:
        """Those that are not negative."""
        return labels >= 0

    def roots(self, output: Tensor) -> Tensor:
        """Of ``p (1 - p)``, in which nothing cancels."""
        return (output.sigmoid() * (-output).sigmoid()).sqrt()

    def negative_log_likelihood(self, output: Tensor, labels: Tensor) -> Tensor:
        """Of both values, weighted by the label."""
        from torch.nn.functional import softplus

        logit, yes = output[..., 0], labels.to(output.dtype)
        loss = yes * softplus(-logit) + (1 - yes) * softplus(logit)
        return loss.where(labels >= 0, loss.new_zeros(()))

    def cross_entropy(self, output: Tensor, answers: Tensor) -> Tensor:
        """Of both values, weighted by their probabilities."""
        from torch.nn.functional import softplus

        logit, other = output[..., 0], answers[..., 0]
        return other.sigmoid() * softplus(-logit) + (-other).sigmoid() * softplus(logit)

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Int64, 0 or 1."""
        import torch

        chance = output.detach()[..., 0].double().sigmoid()
        uniform = torch.rand(chance.shape, generator=generator, device=generator.device, dtype=torch.float64)
        return (uniform.to(chance.device) < chance).to(torch.int64)
