"""A deficit on somebody else's batches: what a :class:`~critlab.deficits.Deficit` must know, as far as it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from critlab.deficits import Deficit, Draws, kept, suffer
from critlab.errors import StudyError


@dataclass(frozen=True)
class Knowledge:
    """What is known of the data that suffer.

    Args:
        examples: how many training examples there are; 0 where it is not known.
        classes: how many classes there are; 0 where it is not known.
        normalised: mean and standard deviation, each shaped to fit one example, by which inputs were normalised, so
            that the deficit sees them as they were before; None where they come as they are.
        labels: of all training examples, int64 ``(examples,)`` in the order of their numbers; only deficits that
            withhold examples need them.
    """

    examples: int = 0
    classes: int = 0
    normalised: tuple[Any, Any] | None = None
    labels: Tensor | None = None


class Deprivation:
    """Applies a deficit to the batches of one epoch, one after the other, or leaves them as they are.

    Args:
        deficit: what is suffered; None for nothing.
        knowledge: what is known of the data.
        seed: of the run.
        epoch: epochs trained before this one.
    """

    def __init__(self, deficit: Deficit | None, knowledge: Knowledge, *, seed: int, epoch: int) -> None:
        self.deficit, self.knowledge, self.seed, self.epoch = deficit, knowledge, seed, epoch
        self.position = 0

    def __call__(self, inputs: Tensor, labels: Tensor, numbers: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The next batch as the deprived model sees it; what is given stays as it is.

        Args:
            inputs: ``(batch, ...)``.
            labels: ``(batch, ...)``.
            numbers: int64 ``(batch,)``: the examples' places in the training set, for deficits that treat each example
                alike all run long.

        Returns:
            Inputs and labels of the same shapes; fewer examples where the deficit withholds some.

        Raises:
            StudyError: the deficit needs to know more, or cannot be suffered by such inputs.
        """
        position, self.position = self.position, self.position + 1
        if self.deficit is None:
            return inputs, labels
        self.deficit.check_examples(tuple(inputs.shape[1:]))
        if hasattr(self.deficit, "select"):
            shown = self._shown(numbers)
            return inputs[shown.to(inputs.device)], labels[shown.to(labels.device)]
        draws = self._draws(position, numbers)
        if self.knowledge.normalised is None:
            return suffer(self.deficit, inputs, labels, draws)
        mean, deviation = (torch.as_tensor(one).to(inputs) for one in self.knowledge.normalised)
        given, renamed = suffer(self.deficit, inputs * deviation + mean, labels, draws)
        return (given - mean) / deviation, renamed

    def shown(self, numbers: Tensor | None) -> Tensor | None:
        """bool ``(batch,)``: which examples of a batch are not withheld; None where the deficit withholds none."""
        return self._shown(numbers) if self.deficit is not None and hasattr(self.deficit, "select") else None

    def _shown(self, numbers: Tensor | None) -> Tensor:
        assert self.deficit is not None
        if numbers is None or self.knowledge.labels is None:
            raise StudyError(
                f"deficit {self.deficit.name!r} withholds examples: it needs the number of each in the batch "
                "(numbers=) and the labels of all training examples (all_labels=)"
            )
        everything = self.knowledge.labels.cpu()
        found = kept(self.deficit, everything, self._draws(0, torch.arange(len(everything)), len(everything)))
        assert found is not None, "it has a selection"
        return found[numbers.cpu()]

    def _draws(self, position: int, numbers: Tensor | None, examples: int = 0) -> Draws:
        mean = None if self.knowledge.normalised is None else torch.as_tensor(self.knowledge.normalised[0])
        assert self.deficit is not None
        places: Any = Unnumbered(self.deficit.name) if numbers is None else numbers
        total = examples or self.knowledge.examples
        return Draws(self.seed, self.epoch, position, places, total, self.knowledge.classes, mean)


class Unnumbered:
    """In place of the examples' numbers where nobody knows them; a deficit that looks at them is refused."""

    device = torch.device("cpu")

    def __init__(self, deficit: str) -> None:
        self._deficit = deficit

    def __getitem__(self, places: Tensor | Sequence[int]) -> Unnumbered:
        return self

    def __getattr__(self, name: str) -> Any:
        raise StudyError(
            f"deficit {self._deficit!r} treats each example alike all run long: it needs the number of each in the "
            "batch (numbers=); let the data set give it beside inputs and labels"
        )
