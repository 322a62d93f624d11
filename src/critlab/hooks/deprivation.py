"""A deficit on a user's batches: what a :class:`~critlab.deficits.Deficit` must know, as far as it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.deficits import BatchContext, Deficit, apply_deficit, kept_mask
from critlab.hooks.border.entries import Key, at, entry_of, inputs_in
from critlab.hooks.border.inputs import inputs_seen
from critlab.hooks.border.labels import class_numbers, labels_seen, numbers_seen
from critlab.hooks.border.masks import mask_seen, spread
from critlab.hooks.border.scale import Scale
from critlab.hooks.border.surroundings import plain_torch
from critlab.hooks.border.tensors import Seen, sized, taken


@dataclass(frozen=True)
class DataInfo:
    """What is known of the data that a deficit is applied to.

    Args:
        examples: how many training examples there are; 0 where it is not known.
        classes: how many classes there are; 0 where it is not known.
        normalised: mean and standard deviation by which inputs were normalised, so that the deficit sees them as they
            were before: numbers, one number a channel, or shaped to fit one example; None where they come as they are.
        labels: of all training examples, ``(examples,)`` in the order of their numbers; only deficits that withhold
            examples need them.
        key: which entry of the inputs the deficit is applied to, where they are a tuple or a mapping: a number, a name,
            or a tuple of these that leads into nested ones. None where there is only one; see
            :func:`~critlab.hooks.border.entries.entry_of`.
    """

    examples: int = 0
    classes: int = 0
    normalised: tuple[Any, Any] | None = None
    labels: Any = None
    key: Key | None = None

    def with_named(self, named: Mapping[str, Any]) -> DataInfo:
        """This with the values in ``named`` in place of its own, by names in :data:`NAMED`; None changes nothing."""
        return replace(self, **{NAMED[name]: value for name, value in named.items() if value is not None})


NAMED = {
    "examples": "examples",
    "classes": "classes",
    "normalised": "normalised",
    "all_labels": "labels",
    "key": "key",
}
"""The fields of :class:`DataInfo` by the names that functions with many arguments give them."""


class BatchDeficit:
    """Applies a deficit to the batches of one epoch, one after the other, or leaves them as they are.

    Args:
        deficit: what is applied; None for nothing.
        knowledge: what is known of the data.
        seed: of the run.
        epoch: epochs trained before this one.

    Raises:
        StudyError: ``normalised`` is no mean and deviation.
    """

    def __init__(self, deficit: Deficit | None, knowledge: DataInfo, *, seed: int, epoch: int) -> None:
        self.deficit, self.knowledge, self.seed, self.epoch = deficit, knowledge, seed, epoch
        self.position = 0
        self._scale = None if knowledge.normalised is None else Scale.of(knowledge.normalised)

    def __call__(
        self, inputs: Any, labels: Any, numbers: Any = None, mask: Any = None, key: Key | None = None
    ) -> tuple[Any, Any]:
        """The next batch after the deficit; what is given stays as it is.

        Args:
            inputs: ``(batch, ...)``, a tensor or numpy array; or a tuple, list or mapping that has one at ``key``; the
                other entries come back as they are. Float values are in [0, 1] unless ``normalised`` says
                otherwise; deficits that commute with scale and offset, such as blur, take any range. 8-bit images count
                as images / 255 and come back as 8-bit.
            labels: as the loss takes them; deficits of labels need class numbers ``(batch,)`` or ``(batch, heads)`` of
                any whole type, or float one-hot rows. None where there are none.
            numbers: ``(batch,)``: the examples' places in the training set, for deficits that treat each example
                the same all run long.
            mask: ``(batch, places)``: 0 or False where a sequence is padding; deficits of sequences leave it alone. By
                default ``attention_mask``, where it stands next to the entry in a mapping.
            key: the entry of the inputs that the deficit is applied to; by default the one of ``knowledge``.

        Returns:
            Inputs and labels in the form in which they came; fewer examples where the deficit withholds some.

        Raises:
            StudyError: the deficit needs to know more, or cannot be applied to such inputs or labels.
        """
        position, self.position = self.position, self.position + 1
        if self.deficit is None:
            return inputs, labels
        with plain_torch():
            return self._deprived(
                self.deficit, position, inputs, labels, numbers, mask, self.knowledge.key if key is None else key
            )

    def _deprived(
        self, deficit: Deficit, position: int, inputs: Any, labels: Any, numbers: Any, mask: Any, key: Key | None
    ) -> tuple[Any, Any]:
        shown = self.shown(numbers, inputs)
        if shown is not None:
            return taken(inputs, shown), taken(labels, shown)
        if deficit.input_kind == "unread" and deficit.source is None:
            seen = self._unread(deficit, inputs, labels)
        else:
            entry = entry_of(deficit, inputs, key)
            deficit, mask = entry.deficit, entry.mask if mask is None else mask
            seen = inputs_seen(deficit, entry.value, self._scale)
            back = seen.back
            seen = seen._replace(back=lambda new: entry.back(back(new)))
        if not seen.values.numel():
            return inputs, labels
        batch = len(seen.values)
        named = labels_seen(deficit, labels, batch, self.knowledge.classes)
        draws = self._draws(
            position, None if numbers is None else numbers_seen(numbers, batch, self.knowledge.examples)
        )
        words = None if mask is None else mask_seen(mask, seen.values)
        changed, renamed = apply_deficit(deficit, seen.values, named.values, self._known(draws, seen, words))
        if words is not None:
            changed = torch.where(spread(words, changed), changed, seen.values)
        return seen.back(changed), named.back(renamed)

    def _unread(self, deficit: Deficit, inputs: Any, labels: Any) -> Seen:
        """Stands for the inputs of a deficit of labels alone, which may be anything."""
        first = next(inputs_in(inputs), None)
        counted = inputs if labels is None else labels
        batch = None if first is None else sized(at(inputs, first))
        try:
            batch = len(counted) if batch is None else batch
        except TypeError:
            raise StudyError(
                f"deficit {deficit.name!r}: labels: received {type(counted).__name__}; must be (batch,) or "
                "(batch, heads)"
            ) from None
        return Seen(torch.zeros(batch), lambda _new: inputs)

    def _known(self, draws: BatchContext, seen: Seen, mask: Tensor | None) -> BatchContext:
        """``draws`` with what is known of this batch."""
        mean = None
        if self._scale is not None and seen.values.ndim > 1:
            shape = tuple(seen.values.shape[1:])
            mean = self._scale.fitted(shape).mean.to(seen.values).expand(shape)
        return replace(draws, mean=mean, mask=mask, unit=seen.unit)

    def shown(self, numbers: Any, inputs: Any) -> Tensor | None:
        """bool ``(batch,)``: which examples of a batch are not withheld; None where the deficit withholds none.

        Raises:
            StudyError: the examples' numbers or the labels of all examples are not known.
        """
        if self.deficit is None or not hasattr(self.deficit, "select"):
            return None
        if numbers is None or self.knowledge.labels is None:
            raise StudyError(
                f"deficit {self.deficit.name!r} withholds examples: it needs the number of each example in the batch "
                "(numbers=) and the labels of all training examples (all_labels=)"
            )
        examples = len(self.knowledge.labels)
        everything = class_numbers(self.knowledge.labels, examples, self.knowledge.classes, "all_labels").values.cpu()
        with plain_torch():
            found = kept_mask(self.deficit, everything, self._draws(0, torch.arange(examples), examples))
        assert found is not None, "it has a selection"
        batch = sized(inputs)
        return found[numbers_seen(numbers, len(numbers) if batch is None else batch, examples).cpu()]

    def _draws(self, position: int, numbers: Tensor | None, examples: int = 0) -> BatchContext:
        assert self.deficit is not None
        places: Any = Unnumbered(self.deficit.name) if numbers is None else numbers
        total = examples or self.knowledge.examples
        return BatchContext(self.seed, self.epoch, position, places, total, self.knowledge.classes)


class Unnumbered:
    """In place of the examples' numbers where they are unknown; a deficit that looks at them is refused."""

    device = torch.device("cpu")

    def __init__(self, deficit: str) -> None:
        self._deficit = deficit

    def __getitem__(self, places: Tensor | Sequence[int]) -> Unnumbered:
        return self

    def __getattr__(self, name: str) -> Any:
        raise StudyError(
            f"deficit {self._deficit!r} treats each example the same way in the whole run: it needs "
            "the number of each example in the "
            "batch (numbers=); let the data set return it with inputs and labels"
        )


def __getattr__(name: str) -> object:
    """The names of version 0.1.0, kept for one release."""
    earlier = {"Deprivation": BatchDeficit, "Knowledge": DataInfo}
    if name in earlier:
        return earlier[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
