"""Token shuffle: a sequence keeps its words and loses their order, within windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind
from critlab.deficits.sequences.tokens import Tokens, check_sequences, moved_along, staying
from critlab.deficits.target_form import CLASSES

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class TokenShuffle(Deficit):
    """Permutes the places of each sequence at random within windows, differently in each sequence and step.

    Labels with one entry for each place, as of a language model, move with their tokens.

    Padding must not move among the words: give the loader's mask, or ``spared``.

    Args:
        window: places of one window; the last one of a sequence may be shorter.
        spared: tokens that stay in their places, such as padding and separators.
        vocabulary: how many tokens there are; needed with ``spared`` where tokens are levels in [0, 1], as those of a
            study are.
    """

    name: ClassVar[str] = "token_shuffle"
    citation: ClassVar[str] = "the pre-registration critical-period-lm"
    input_kind: ClassVar[InputKind] = "any"
    neutral: ClassVar[dict[str, Any]] = {"spared": [], "vocabulary": None}
    window: int = Field(ge=2)
    spared: Tokens = ()
    vocabulary: int | None = Field(default=None, ge=2)

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless the examples are sequences of at least two places."""
        check_sequences(self.name, example_shape)
        if example_shape[0] < 2:
            raise StudyError(f"deficit 'token_shuffle' needs sequences of at least 2 places, received {example_shape}")

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Shuffled sequences ``(batch, places)`` or ``(batch, places, features)`` of any dtype.

        Raises:
            StudyError: tokens are to stay, but the values are no tokens.
        """
        stay = staying(images, self.spared, self.vocabulary, draws.mask)
        order = shuffled_places(len(images), images.shape[1], self.window, draws.step(), stay).to(images.device)
        together = draws.targets == CLASSES and follows(labels, images)
        return moved_along(images, order), moved_along(labels, order) if together else labels


def follows(labels: Any, sequences: Tensor) -> bool:
    """Whether ``labels``, of whatever kind, are a tensor with one entry for each place of each sequence."""
    import torch

    return isinstance(labels, torch.Tensor) and labels.ndim >= 2 and labels.shape[:2] == sequences.shape[:2]


def shuffled_places(
    sequences: int, places: int, window: int, generator: torch.Generator, stay: Tensor | None = None
) -> Tensor:
    """int64 ``(sequences, places)``: in each row a permutation that leaves every place in its window.

    Args:
        sequences: how many.
        places: of each.
        window: at least 1.
        generator: a CPU generator; it advances.
        stay: bool ``(sequences, places)``, the places that keep what they have; None for none.

    Source: windows of 16 tokens as a deficit of a language model: the pre-registration critical-period-lm.
    """
    import torch

    # whole numbers keep the windows in order, the fractions mix each
    window_of = torch.arange(places) // window
    key = window_of + torch.rand(sequences, places, generator=generator, dtype=torch.float64)
    if stay is None:
        return key.argsort(1)
    # those that move are sorted among themselves, and go in this order to the places that they leave
    stay = stay.cpu()
    order = torch.arange(places).repeat(sequences, 1)
    moving = stay.long().argsort(dim=1, stable=True)
    sorted_places = key.masked_fill(stay, float("inf")).argsort(1)
    return order.scatter(1, moving, sorted_places).where(~stay, order)
