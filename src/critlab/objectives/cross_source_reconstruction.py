"""Cross-source reconstruction: hidden patches of one source are predicted from the other source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.objectives.objective import Learned, Objective

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class CrossSourceReconstruction(Objective):
    """The mean squared error of hidden patches of one source, given the rest of it and all other sources.

    For each example one source is drawn, and of it some patches, in each step. The error is per number of a patch,
    in units of the normalised images: 1 is about what the mean colour would give. Labels are not used.

    Args:
        hidden: the part of the source's patches that are hidden, rounded to whole patches, at least one; 1 hides the
            source.

    Source: Kleinman, Achille and Soatto 2023, self-supervised training by masked prediction of the other view. No code
    of it is public; the part hidden is that of He et al. 2022, Masked Autoencoders.
    """

    name: ClassVar[str] = "cross_source_reconstruction"
    citation: ClassVar[str] = "Kleinman, Achille and Soatto 2023, masked prediction of the other view"
    hidden: float = Field(default=0.75, gt=0, le=1)

    def check_model(self, model: Any) -> None:
        """Raises StudyError where a registered model is built without the head for patches."""
        if not getattr(model, "reconstruction", ":" in model.name):
            raise StudyError(
                f"objective {self.name!r} needs a model with a head for patches, received {model.name!r} without one; "
                'take model.name = "two_stream_transformer" and set reconstruction = true'
            )

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The loss; there are no logits.

        Args:
            model: has ``patch``, the side of a patch, and ``reconstructed(cut, hidden)``, as
                :class:`~critlab.models.blocks.streams.TwoStreamNetwork` has.
            images: float ``(batch, sources, channels, height, width)``.
            labels: not used.
            generator: draws sources and patches.

        Raises:
            StudyError: the model has no head for patches.
        """
        from critlab.models.blocks.streams import patches

        if not (hasattr(model, "patch") and hasattr(model, "reconstructed")):
            raise StudyError(
                f"objective {self.name!r} needs a model with 'patch' and 'reconstructed(cut, hidden)', received "
                f"{type(model).__name__}; take two_stream_transformer with reconstruction = true"
            )
        network: Any = model
        cut = patches(images, network.patch)
        unseen = hidden_patches(len(cut), cut.shape[1], cut.shape[2], self.hidden, generator).to(cut.device)
        error = (network.reconstructed(cut, unseen).float() - cut.float())[unseen]
        return Learned(error.square().mean())


def hidden_patches(count: int, sources: int, tokens: int, share: float, generator: torch.Generator) -> Tensor:
    """bool ``(count, sources, tokens)``: of one source each, drawn evenly, so many patches; of the others none.

    Args:
        count: examples.
        sources: of an example.
        tokens: patches of a source.
        share: of the patches, rounded, at least one.
        generator: on the CPU; it advances.
    """
    import torch

    chosen = torch.randint(sources, (count,), generator=generator)
    order = torch.rand(count, tokens, generator=generator).argsort(1).argsort(1)
    few = order < max(1, round(share * tokens))
    hidden = torch.zeros(count, sources, tokens, dtype=torch.bool)
    hidden[torch.arange(count), chosen] = few
    return hidden
