"""A data loader whose batches suffer a deficit for a while; the loop around it stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from critlab.deficits import Deficit
from critlab.errors import StudyError
from critlab.hooks.deprivation import Deprivation, Knowledge

Key = int | str
"""The place of something in a batch: a number where batches are tuples or lists, a name where they are mappings."""


class DeficitLoader:
    """Gives the batches of ``loader``, with ``deficit`` in the window ``[start, stop)``.

    Every pass over it is an epoch. What is done to a batch depends on seed, epoch and place in the epoch alone, and on
    no global random state.

    Args:
        loader: any iterable of batches that can be passed over again and again: tensors, tuples or lists, mappings.
        deficit: of images, sequences, tables or labels; its option ``when`` has no meaning here, as the batches come
            augmented.
        start: where the window begins.
        stop: where it ends; half-open.
        per: whether the window is in epochs or in steps, that is batches since the beginning.
        seed: of the deficit's draws.
        inputs: where a batch has its inputs.
        labels: where it has its labels; None where it has none.
        numbers: where it has the examples' places in the training set, int64 ``(batch,)``; None where it has none.
        examples: how many training examples there are; the length of ``loader.dataset`` by default.
        classes: how many classes there are; deficits of labels need it.
        normalised: mean and standard deviation by which the inputs were normalised; see
            :class:`~critlab.hooks.deprivation.Knowledge`.
        all_labels: of all training examples; only deficits that withhold examples need them.

    Raises:
        StudyError: the window is not one; while iterating, the batches are not what was said, or the deficit needs to
            know more.
    """

    def __init__(
        self,
        loader: Iterable[Any],
        deficit: Deficit,
        *,
        stop: int,
        start: int = 0,
        per: Literal["epoch", "step"] = "epoch",
        seed: int = 0,
        inputs: Key = 0,
        labels: Key | None = 1,
        numbers: Key | None = None,
        examples: int | None = None,
        classes: int = 0,
        normalised: tuple[Any, Any] | None = None,
        all_labels: Tensor | None = None,
    ) -> None:
        if not 0 <= start <= stop:
            raise StudyError(f"DeficitLoader: received the window [{start}, {stop}); must have 0 <= start <= stop")
        if per not in ("epoch", "step"):
            raise StudyError(f"DeficitLoader: per: received {per!r}; must be 'epoch' or 'step'")
        if not isinstance(deficit, Deficit):
            raise StudyError(
                f"DeficitLoader: deficit: received {type(deficit).__name__}; must be one of critlab.deficits"
            )
        self.loader, self.deficit, self.window, self.per, self.seed = loader, deficit, range(start, stop), per, seed
        self.inputs, self.labels, self.numbers = inputs, labels, numbers
        total = examples if examples is not None else _length(getattr(loader, "dataset", None))
        self.knowledge = Knowledge(total, classes, normalised, all_labels)
        #: the epoch that the next pass is, and the batches given so far
        self.epoch = self.steps = 0

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]  # a loader without a length says so itself

    def set_epoch(self, epoch: int, steps: int | None = None) -> None:
        """The next pass is epoch number ``epoch``, such as when training goes on from a checkpoint.

        Args:
            epoch: epochs before it.
            steps: batches before it, for a window in steps; by default as many as that many epochs have.
        """
        self.epoch = epoch
        if steps is not None or self.per == "step":
            self.steps = epoch * len(self) if steps is None else steps

    def __iter__(self) -> Iterator[Any]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        deprive = Deprivation(self.deficit, self.knowledge, seed=self.seed, epoch=epoch)
        for position, batch in enumerate(self.loader):
            suffers = (epoch if self.per == "epoch" else self.steps) in self.window
            self.steps += 1
            if not suffers:
                yield batch
                continue
            deprive.position = position
            deprived = self._deprived(batch, deprive)
            if deprived is not None:
                yield deprived

    def _deprived(self, batch: Any, deprive: Deprivation) -> Any:
        """The batch after the deficit, in its own form; None where nothing of it is left."""
        if isinstance(batch, Tensor):
            return deprive(batch, torch.zeros(len(batch), dtype=torch.int64))[0]
        inputs = _item(batch, self.inputs, "inputs")
        labels = None if self.labels is None else _item(batch, self.labels, "labels")
        numbers = None if self.numbers is None else _item(batch, self.numbers, "numbers")
        shown = deprive.shown(numbers)
        if shown is not None:
            return _filtered(batch, shown) if bool(shown.any()) else None
        stand_in = torch.zeros(len(inputs), dtype=torch.int64) if labels is None else labels
        new_inputs, new_labels = deprive(inputs, stand_in, numbers)
        changed = {self.inputs: new_inputs, **({} if self.labels is None else {self.labels: new_labels})}
        return _with(batch, changed)


def _length(data_set: Any) -> int:
    try:
        return len(data_set)
    except TypeError:
        return 0


def _item(batch: Any, key: Key, what: str) -> Tensor:
    try:
        found = batch[key]
    except (KeyError, IndexError, TypeError):
        found = None
    if not isinstance(found, Tensor):
        there = list(batch) if isinstance(batch, Mapping) else f"{type(batch).__name__} of {_length(batch)}"
        raise StudyError(
            f"DeficitLoader: {what}: a batch has no tensor at {key!r}; it is {there}; say {what}= where it lies"
        )
    return found


def _with(batch: Any, changed: Mapping[Any, Tensor]) -> Any:
    if isinstance(batch, Mapping):
        return {**batch, **changed}
    items = [changed.get(place, item) for place, item in enumerate(batch)]
    return type(batch)(*items) if hasattr(batch, "_fields") else type(batch)(items)


def _filtered(batch: Any, shown: Tensor) -> Any:
    def few(item: Any) -> Any:
        fits = isinstance(item, Tensor) and item.ndim and len(item) == len(shown)
        return item[shown.to(item.device)] if fits else item

    if isinstance(batch, Mapping):
        return {name: few(item) for name, item in batch.items()}
    return _with(batch, {place: few(item) for place, item in enumerate(batch)})
