"""Mixup: cross entropy of mixed images."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.learning_tasks.losses import cross_entropy
from critlab.objectives.objective import Learned, Objective, check_logits

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from critlab.deficits.input_form import InputForm


class Mixup(Objective):
    """Cross entropy in nats of images that are mixed with others of their batch, against both labels.

    In each step a weight is drawn from Beta(alpha, alpha). Each image is mixed with another one of the batch at this
    weight, and the losses against both labels are added at the same weight. Training accuracy counts the label of the
    first image. Labels may have several heads; -1 does not count.

    Args:
        alpha: of the Beta distribution; small values mix little.
        smoothing: the part of each target, in [0, 1), that is spread evenly over all classes.

    Source: Zhang et al. 2018, "mixup: Beyond empirical risk minimization".
    """

    name: ClassVar[str] = "mixup"
    citation: ClassVar[str] = "Zhang et al. 2018"
    likelihoods: ClassVar[tuple[str, ...]] = ("categorical",)
    alpha: float = Field(default=0.2, gt=0, le=100)
    smoothing: float = Field(default=0.0, ge=0, lt=1)

    def check_form(self, form: InputForm) -> None:
        """Raises StudyError for tokens."""
        if form.values == "tokens":
            raise StudyError(f"received {self.name!r}, but the examples are tokens, which cannot be mixed; omit it")

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The loss and the logits of the mixed images."""
        weight, partners = mixing(len(images), self.alpha, generator)
        partners = partners.to(images.device)
        logits = check_logits(model(images.lerp(images[partners], 1 - weight)), labels)
        own = cross_entropy(logits, labels, self.smoothing)
        other = cross_entropy(logits, labels[partners], self.smoothing)
        return Learned(weight * own + (1 - weight) * other, logits)


def mixing(count: int, alpha: float, generator: torch.Generator) -> tuple[float, Tensor]:
    """A weight in [0, 1] from Beta(alpha, alpha), and for each image of a batch the one that it is mixed with.

    Args:
        count: images of the batch.
        alpha: above 0.
        generator: on the CPU; it advances.

    Returns:
        The weight of an image itself, and int64 ``(count,)``, on the CPU.
    """
    import torch

    shape = torch.full((2,), alpha, dtype=torch.float64)
    one, other = torch._standard_gamma(shape, generator=generator).tolist()
    # both are 0 only where alpha is so small that one of the weights is 1
    weight = one / (one + other) if one + other else 1.0
    return weight, torch.randperm(count, generator=generator)
