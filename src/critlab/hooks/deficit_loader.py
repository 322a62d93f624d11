"""A data loader with a deficit in its batches for a while; the loop around it stays as it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from torch import Tensor

from critlab._core.errors import StudyError
from critlab._core.user_code.values import flag, is_whole, whole
from critlab.deficits import Deficit
from critlab.hooks.border.entries import Key, at, put
from critlab.hooks.border.tensors import taken
from critlab.hooks.deprivation import NAMED, BatchDeficit, DataInfo
from critlab.hooks.named_options import check_data_info, check_key, given_options
from critlab.hooks.refilling import Refilled
from critlab.hooks.sampler_epoch import make_tellable, sampler_epoch, tell_epoch


class DeficitLoader:
    """Gives the batches of ``loader``, with ``deficit`` in the window ``[start, stop)``.

    Every pass over it is an epoch. What is done to a batch depends on seed, epoch and place in the epoch alone, and on
    no global random state. Batches come in the form in which ``loader`` gives them. All other attributes are those of
    ``loader``: ``dataset``, ``batch_size``, ``sampler``, and whatever else it has, to read and to set.

    When training goes on from a checkpoint, the epoch must be known, or the window opens again. Call :meth:`set_epoch`,
    or let the framework do it: once ``loader.sampler.set_epoch`` was called, as Lightning and accelerate do, its epoch
    counts (a sampler without that method gets one). Lightning stores :meth:`state_dict`. accelerate's
    ``skip_first_batches`` and ``prepare_data_loader`` build another loader from the parts of the one inside, without
    the deficit, and are refused: wrap what they build.

    Args:
        loader: any iterable of batches that can be passed over again and again: tensors, tuples or lists, mappings.
        deficit: of images, sequences, tables or labels; its option ``when`` has no meaning here, as the batches come
            augmented.
        start: where the window begins.
        stop: where it ends; half-open.
        per: whether the window is in epochs or in steps, that is batches since the beginning.
        seed: of the deficit's draws.
        inputs: where a batch has its inputs: a number where batches are tuples or lists, a name where they are
            mappings, a tuple of these for a nested place; by default the first entry of a tuple. Where the inputs are a
            tuple or a mapping themselves, ``key`` says which of their entries the deficit is applied to.
        labels: where it has its labels; None where it has none.
        numbers: where it has the examples' places in the training set, whole numbers ``(batch,)``; None where it has
            none.
        mask: where it has 0 for padding, ``(batch, places)``; by default ``attention_mask``, where it has one.
        knowledge: what is known of the data; ``examples`` is the length of ``loader.dataset`` by default.
        named: fields of :class:`~critlab.hooks.deprivation.DataInfo` by name, which replace those of ``knowledge``:
            ``examples``, ``classes`` (deficits of labels need it), ``normalised``, ``key``, and ``all_labels`` for
            ``labels`` (deficits that withhold examples need them). ``refill``: a deficit that withholds examples makes
            batches smaller; with True, what is left of several batches is put together to batches of the full size, in
            order, and a pass has fewer of them, as an epoch of a study has. Mappings then come as dictionaries.

    Raises:
        TypeError: there is no such field.
        StudyError: the window is not one; while iterating, the batches are not what was said, or the deficit needs to
            know more or cannot be applied to them; accelerate is given this loader to build another one from.
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
        inputs: Key | None = None,
        labels: Key | None = 1,
        numbers: Key | None = None,
        mask: Key | None = None,
        knowledge: DataInfo | None = None,
        **named: Any,
    ) -> None:
        self.refill = flag(named.pop("refill", False), "DeficitLoader: refill")
        if unknown := sorted(set(named) - set(NAMED)):
            raise TypeError(
                f"DeficitLoader() has no argument {unknown[0]!r} (further ones: {', '.join([*NAMED, 'refill'])})"
            )
        if not hasattr(loader, "__iter__") and not hasattr(loader, "__getitem__"):
            raise StudyError(f"DeficitLoader: loader: received {type(loader).__name__}; must give batches")
        start, stop = whole(start, "DeficitLoader: start", 0), whole(stop, "DeficitLoader: stop", 0)
        if not is_whole(seed):
            raise StudyError(f"DeficitLoader: seed: received {seed!r}; must be a whole number")
        if start > stop:
            raise StudyError(f"DeficitLoader: received the window [{start}, {stop}); must have 0 <= start <= stop")
        for name, key in (("inputs", inputs), ("labels", labels), ("numbers", numbers), ("mask", mask)):
            check_key(key, f"DeficitLoader: {name}")
        if per not in ("epoch", "step"):
            raise StudyError(f"DeficitLoader: per: received {per!r}; must be 'epoch' or 'step'")
        if not isinstance(deficit, Deficit):
            raise StudyError(
                f"DeficitLoader: deficit: received {type(deficit).__name__}; must be one of critlab.deficits"
            )
        self.loader, self.deficit, self.window, self.per, self.seed = loader, deficit, range(start, stop), per, seed
        self.inputs, self.labels, self.numbers, self.mask = inputs, labels, numbers, mask
        known = given_options(DataInfo, knowledge, "DeficitLoader", "knowledge").with_named(named)
        check_data_info(known, "DeficitLoader")
        self.knowledge = known if known.examples else replace(known, examples=_length(getattr(loader, "dataset", None)))
        BatchDeficit(deficit, self.knowledge, seed=seed, epoch=0)  # says at once what is wrong with ``normalised``
        #: the epoch that the next pass is, and the batches given so far
        self.epoch = self.steps = 0
        self._given = 0
        make_tellable(loader)
        self._heard = sampler_epoch(loader)
        self._follows = False

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]  # a loader without a length says so itself

    def __getattr__(self, name: str) -> Any:
        # only what is not found here arrives; while an instance is unpickled or copied there is no loader yet
        if name.startswith("__") or "loader" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if sys._getframe(1).f_globals.get("__name__") == "accelerate.data_loader":
            raise StudyError(
                "DeficitLoader: accelerate builds another loader from this one's parts, and would leave the deficit "
                "out; give it the loader inside, and wrap what it builds, as in "
                "DeficitLoader(accelerate.skip_first_batches(loader.loader, n), ...)"
            )
        return getattr(self.loader, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN or "loader" not in self.__dict__ or not hasattr(self.loader, name):
            object.__setattr__(self, name, value)
        else:
            setattr(self.loader, name, value)

    def set_epoch(self, epoch: int, steps: int | None = None) -> None:
        """The next pass is epoch number ``epoch``, such as when training goes on from a checkpoint.

        The inner loader and its sampler follow where they have ``set_epoch``.

        Args:
            epoch: epochs before it.
            steps: batches before it, for a window in steps; by default as many as that many epochs have.
        """
        if steps is not None or (self.per == "step" and epoch != self.epoch):
            self.steps = epoch * len(self) if steps is None else steps
        self.epoch, self._given = epoch, 0
        tell_epoch(self.loader, epoch)
        self._heard = sampler_epoch(self.loader)

    def state_dict(self) -> dict[str, Any]:
        """The epoch and the batches so far, and the state of the loader inside where it has one.

        A pass that has not given all its batches counts as one to be begun again.
        """
        inner = getattr(self.loader, "state_dict", None)
        begun = 0 < self._given < _length(self.loader)
        mine = {"epoch": self.epoch - begun, "steps": self.steps - self._given * begun}
        return {**mine, "loader": inner()} if callable(inner) else mine

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The next pass is the one after those that :meth:`state_dict` has counted."""
        if "loader" in state:
            self.loader.load_state_dict(state["loader"])  # type: ignore[attr-defined]  # it gave that state
        self.set_epoch(int(state["epoch"]), int(state["steps"]))

    def __iter__(self) -> Iterator[Any]:
        self._listen()
        epoch, self.epoch, self._given = self.epoch, self.epoch + 1, 0
        deprive = BatchDeficit(self.deficit, self.knowledge, seed=self.seed, epoch=epoch)
        refilled = Refilled()
        for position, batch in enumerate(self.loader):
            suffers = (epoch if self.per == "epoch" else self.steps) in self.window
            self.steps += 1
            self._given = position + 1
            if not suffers:
                yield from refilled.rest()
                yield batch
                continue
            deprive.position = position
            shown = self._shown(batch, deprive)
            if shown is None:
                yield self._deprived(batch, deprive)
            elif self.refill:
                yield from refilled.add(batch, shown)
            elif bool(shown.any()):
                yield _filtered(batch, shown)
        yield from refilled.rest()

    def _listen(self) -> None:
        """Takes over the sampler's epoch once it was set, since that is what resuming frameworks do."""
        told = sampler_epoch(self.loader)
        self._follows = self._follows or told != self._heard
        if self._follows and told is not None and told != self.epoch:
            self.set_epoch(told)
        self._heard = told

    def _shown(self, batch: Any, deprive: BatchDeficit) -> Tensor | None:
        """bool ``(batch,)``: which examples the deficit does not withhold; None where it withholds none."""
        if isinstance(batch, Tensor | np.ndarray):
            return None
        numbers = None if self.numbers is None else _item(batch, self.numbers, "numbers")
        return deprive.shown(numbers, _item(batch, self._inputs_of(batch), "inputs"))

    def _deprived(self, batch: Any, deprive: BatchDeficit) -> Any:
        """The batch after the deficit, in its own form."""
        if isinstance(batch, Tensor | np.ndarray):
            return deprive(batch, None)[0]
        place = self._inputs_of(batch)
        inputs = _item(batch, place, "inputs")
        labels = None if self.labels is None else _item(batch, self.labels, "labels")
        numbers = None if self.numbers is None else _item(batch, self.numbers, "numbers")
        new_inputs, new_labels = deprive(inputs, labels, numbers, self._mask_of(batch, inputs))
        changed = put(batch, place, new_inputs)
        return changed if self.labels is None else put(changed, self.labels, new_labels)

    def _inputs_of(self, batch: Any) -> Key:
        """Where the batch has its inputs.

        Raises:
            StudyError: that was not said, and there are several places.
        """
        if self.inputs is not None:
            return self.inputs
        if self.labels == 1 and not isinstance(batch, Mapping) and len(batch) > 2 and _alike(batch[0], batch[1]):
            raise StudyError(
                "DeficitLoader: inputs: entries 0 and 1 of a batch may both be its inputs; give inputs= and labels=, "
                "the places in a batch"
            )
        return 0

    def _mask_of(self, batch: Any, inputs: Any) -> Any:
        if self.mask is not None:
            return _item(batch, self.mask, "mask")
        found = batch.get("attention_mask") if isinstance(batch, Mapping) else None
        # models of images and of pairs have masks of other shapes under this name
        fits = (
            isinstance(found, Tensor | np.ndarray)
            and found.ndim == 2
            and found.shape == getattr(inputs, "shape", ())[:2]
        )
        return found if fits else None


_OWN = frozenset(
    {"loader", "deficit", "window", "per", "seed", "inputs", "labels", "numbers", "mask", "knowledge"}
    | {"refill", "epoch", "steps", "_given", "_heard", "_follows"}
)
"""Attributes of a DeficitLoader itself; setting any other that the loader inside has sets it there."""


def _length(data_set: Any) -> int:
    try:
        return len(data_set)
    except TypeError:
        return 0


def _item(batch: Any, key: Key, what: str) -> Any:
    try:
        return at(batch, key)
    except (KeyError, IndexError, TypeError):
        there = list(batch) if isinstance(batch, Mapping) else f"{type(batch).__name__} of {_length(batch)}"
        raise StudyError(
            f"DeficitLoader: {what}: a batch has nothing at {key!r}; it is {there}; give {what}=, the place in a batch"
        ) from None


def _alike(one: Any, other: Any) -> bool:
    """Whether two entries may both be inputs: numbers of any range with the same axes, more than one."""
    kinds = [getattr(value, "dtype", None) for value in (one, other)]
    floats = all(kind is not None and "float" in str(kind) for kind in kinds)
    return floats and one.ndim == other.ndim and one.ndim > 1


def _filtered(batch: Any, shown: Tensor) -> Any:
    for place in list(batch) if isinstance(batch, Mapping) else range(len(batch)):
        batch = put(batch, place, taken(batch[place], shown))
    return batch
