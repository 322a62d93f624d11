"""Token bijection: every token goes by another one's name, consistently; a negative control, as nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind
from critlab.deficits.input_form import InputForm
from critlab.deficits.sequences.token_shuffle import follows
from critlab.deficits.sequences.tokens import Tokens, check_sequences
from critlab.deficits.target_form import CLASSES

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class TokenBijection(Deficit):
    """Renames all tokens by one random permutation of the vocabulary per run, never the identity.

    Labels with one entry for each place, as of a language model, are renamed in the same way. Values in [0, 1] count
    as the nearest of ``vocabulary`` even levels.

    Args:
        vocabulary: how many tokens there are.
        spared: tokens that keep their names, such as padding.
    """

    name: ClassVar[str] = "token_bijection"
    citation: ClassVar[str] = "the pre-registration critical-period-lm (negative control)"
    input_kind: ClassVar[InputKind] = "tokens"
    neutral: ClassVar = {"spared": []}
    vocabulary: int = Field(ge=2)
    spared: Tokens = ()

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless the examples are sequences."""
        check_sequences(self.name, example_shape)

    def check_form(self, form: InputForm) -> None:
        """Raises StudyError unless the tokens are ``vocabulary``, and padding is spared."""
        super().check_form(form)
        if form.values != "tokens":
            return
        if self.vocabulary != form.vocabulary:
            raise StudyError(
                f"deficit.vocabulary: received {self.vocabulary}; must be {form.vocabulary}, as in the data"
            )
        if form.padding is not None and form.padding not in self.spared:
            raise StudyError(
                f"deficit.spared: received {list(self.spared)}; must contain {form.padding}, the padding, or a token "
                "would be renamed to it and no longer be seen"
            )

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Renamed tokens, int64 ``(batch, places)``, or levels in [0, 1]; padding stays as it is.

        Raises:
            StudyError: a token is not below ``vocabulary``, or fewer than two are not spared.
        """
        import torch

        table = renaming(self.vocabulary, self.spared, draws.run()).to(images.device)
        renamed = labels
        if draws.targets == CLASSES and follows(labels, images):
            words = _seen(draws, torch.full_like(labels, -1), labels)
            renamed = _seen(draws, labels, renamed_labels(words, table, self.vocabulary))
        if images.is_floating_point():
            levels = (images * (self.vocabulary - 1)).round().long()
            return _seen(draws, images, (table[levels] / (self.vocabulary - 1)).to(images.dtype)), renamed
        # padding may bear a number that is no token
        tokens = _seen(draws, torch.zeros_like(images), images)
        _check_tokens(tokens, self.vocabulary)
        return _seen(draws, images, table[tokens.long()].to(images.dtype)), renamed


def _seen(draws: BatchContext, before: Tensor, after: Tensor) -> Tensor:
    """``after``, but ``before`` where there is padding."""
    if draws.mask is None:
        return after
    mask = draws.mask.to(after.device)
    return after.where(mask.reshape(*mask.shape, *[1] * (after.ndim - 2)), before)


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
        low, high = int(tokens.min()), int(tokens.max())
        raise StudyError(
            f"deficit.vocabulary: received {vocabulary}, but there is a token {low if low < 0 else high}; "
            "must be the number of tokens, which are numbered from 0"
        )
