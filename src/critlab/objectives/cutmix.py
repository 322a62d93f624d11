"""CutMix: cross entropy of images in which a rectangle comes from another image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.learning_tasks.losses import cross_entropy
from critlab.objectives.mixup import mixing
from critlab.objectives.objective import Learned, Objective, check_logits

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from critlab.deficits.input_form import InputForm


class CutMix(Objective):
    """Cross entropy in nats of images in which a rectangle comes from another one of the batch, against both labels.

    In each step the part of the image's own is drawn from Beta(alpha, alpha), and a rectangle of the rest at a random
    place; at a border it is cut off. The losses against both labels are added in proportion to the areas. Training
    accuracy counts the label of the first image. Labels may have several heads; -1 does not count.

    Args:
        alpha: of the Beta distribution; 1 draws all parts evenly.
        probability: of the steps in which images are cut; the others are plain.
        smoothing: the part of each target, in [0, 1), that is spread evenly over all classes.

    Source: Yun et al. 2019, "CutMix: Regularization strategy to train strong classifiers with localizable features".
    """

    name: ClassVar[str] = "cutmix"
    citation: ClassVar[str] = "Yun et al. 2019"
    likelihoods: ClassVar[tuple[str, ...]] = ("categorical",)
    alpha: float = Field(default=1.0, gt=0, le=100)
    probability: float = Field(default=1.0, gt=0, le=1)
    smoothing: float = Field(default=0.0, ge=0, lt=1)

    def check_examples(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError for examples without height and width."""
        if len(example_shape) < 3:
            raise StudyError(
                f"received {self.name!r}, but examples of shape {example_shape} have no channels, height and width; "
                "omit it"
            )

    def check_form(self, form: InputForm) -> None:
        """Raises StudyError for tokens."""
        if form.values == "tokens":
            raise StudyError(f"received {self.name!r}, but the examples are tokens, which cannot be mixed; omit it")

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The loss and the logits of the images with rectangles."""
        import torch

        weight, partners = mixing(len(images), self.alpha, generator)
        top, bottom, left, right = rectangle((images.shape[-2], images.shape[-1]), weight, generator)
        if float(torch.rand((), generator=generator)) >= self.probability:
            bottom = top
        partners = partners.to(images.device)
        cut = images.clone()
        cut[..., top:bottom, left:right] = images[partners][..., top:bottom, left:right]
        own = 1 - (bottom - top) * (right - left) / (images.shape[-2] * images.shape[-1])
        logits = check_logits(model(cut), labels)
        first = cross_entropy(logits, labels, self.smoothing)
        other = cross_entropy(logits, labels[partners], self.smoothing)
        return Learned(own * first + (1 - own) * other, logits)


def rectangle(size: tuple[int, int], own: float, generator: torch.Generator) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a rectangle with ``1 - own`` of an image's area, before it is cut off at borders.

    Args:
        size: height and width of the image.
        own: the part of the image that stays, in [0, 1].
        generator: on the CPU; it advances. The middle of the rectangle is drawn evenly.
    """
    import torch

    found: list[int] = []
    for length in size:
        half = int(length * (1 - own) ** 0.5) // 2
        middle = int(torch.randint(length, (), generator=generator))
        found += [max(middle - half, 0), min(middle + half, length)]
    return found[0], found[1], found[2], found[3]
