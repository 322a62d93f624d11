"""Token shuffle: a sequence keeps its words and loses their order, within windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab.deficits.deficit import Deficit, Draws
from critlab.deficits.sequences import check_sequences, moved_along
from critlab.errors import StudyError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class TokenShuffle(Deficit):
    """Permutes the places of each sequence at random within windows, anew for each sequence and step.

    Labels with one entry for each place, as of a language model, move with their tokens.

    Args:
        window: places of one window; the last one of a sequence may be shorter.
    """

    name: ClassVar[str] = "token_shuffle"
    window: int = Field(ge=2)

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless the examples are sequences of at least two places."""
        check_sequences(self.name, example_shape)
        if example_shape[0] < 2:
            raise StudyError(f"deficit 'token_shuffle' needs sequences of at least 2 places, received {example_shape}")

    def apply(self, images: Tensor, labels: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Shuffled sequences ``(batch, places)`` or ``(batch, places, features)`` of any dtype."""
        order = shuffled_places(len(images), images.shape[1], self.window, draws.step()).to(images.device)
        return moved_along(images, order), moved_along(labels, order) if follows(labels, images) else labels


def follows(labels: Tensor, sequences: Tensor) -> bool:
    """Whether ``labels`` have one entry for each place of each sequence."""
    return labels.ndim >= 2 and labels.shape[:2] == sequences.shape[:2]


def shuffled_places(sequences: int, places: int, window: int, generator: torch.Generator) -> Tensor:
    """int64 ``(sequences, places)``: in each row a permutation that leaves every place in its window.

    Args:
        sequences: how many.
        places: of each.
        window: at least 1.
        generator: a CPU generator; it advances.

    Source: windows of 16 tokens as a deficit of a language model: the pre-registration critical-period-lm.
    """
    import torch

    # whole numbers keep the windows in order, the fractions mix each
    window_of = torch.arange(places) // window
    return (window_of + torch.rand(sequences, places, generator=generator, dtype=torch.float64)).argsort(1)
