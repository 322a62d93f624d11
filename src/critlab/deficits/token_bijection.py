"""Token bijection: every token goes by another one's name, consistently; a negative control, as nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BeforeValidator, Field

from critlab.deficits.deficit import Deficit, Draws
from critlab.deficits.sequences import check_sequences
from critlab.deficits.token_shuffle import follows
from critlab.errors import StudyError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class TokenBijection(Deficit):
    """Renames all tokens by one random permutation of the vocabulary per run, never the identity.

    Labels with one entry for each place, as of a language model, are renamed alike. Values in [0, 1] count as the
    nearest of ``vocabulary`` even levels.

    Args:
        vocabulary: how many tokens there are.
        spared: tokens that keep their names, such as padding.
    """

    name: ClassVar[str] = "token_bijection"
    neutral: ClassVar = {"spared": []}
    vocabulary: int = Field(ge=2)
    spared: Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_listed)] = ()

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless the examples are sequences."""
        check_sequences(self.name, example_shape)

    def apply(self, images: Tensor, labels: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Renamed tokens, int64 ``(batch, places)``, or levels in [0, 1].

        Raises:
            StudyError: a token is not below ``vocabulary``, or fewer than two are not spared.
        """
        table = renaming(self.vocabulary, self.spared, draws.run()).to(images.device)
        renamed = renamed_labels(labels, table, self.vocabulary) if follows(labels, images) else labels
        if images.is_floating_point():
            levels = (images * (self.vocabulary - 1)).round().long()
            return (table[levels] / (self.vocabulary - 1)).to(images.dtype), renamed
        _check_tokens(images, self.vocabulary)
        return table[images.long()].to(images.dtype), renamed


def renaming(vocabulary: int, spared: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """int64 ``(vocabulary,)``: uniform among the permutations that keep ``spared`` and move at least one token.

    Raises:
        StudyError: fewer than two tokens are not spared, or a spared one is none of the vocabulary.

    Source: a fixed bijection as a negative control of a language model: the pre-registration critical-period-lm.
    """
    import torch

    kept = set(spared)
    free = torch.tensor([token for token in range(vocabulary) if token not in kept], dtype=torch.int64)
    if len(free) < 2 or len(free) + len(kept) != vocabulary:
        raise StudyError(
            f"deficit.spared: received {list(spared)}; must be tokens below {vocabulary}, and leave at least two"
        )
    table = torch.arange(vocabulary)
    while torch.equal(table, torch.arange(vocabulary)):
        table[free] = free[torch.randperm(len(free), generator=generator)]
    return table


def renamed_labels(labels: Tensor, table: Tensor, vocabulary: int) -> Tensor:
    """``table[label]``; negative labels (no loss there) stay as they are."""
    import torch

    _check_tokens(labels.clamp(min=0), vocabulary)
    return torch.where(labels < 0, labels, table.to(labels.device)[labels.clamp(min=0)])


def _check_tokens(tokens: Tensor, vocabulary: int) -> None:
    if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < vocabulary:
        raise StudyError(
            f"deficit.vocabulary: received {vocabulary}, but there is a token {int(tokens.max())}; "
            "must be the number of tokens"
        )
