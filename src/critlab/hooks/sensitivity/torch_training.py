"""A training of a torch module as the functions that forks need: model, optimiser, schedules and loader."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import MethodType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from critlab._core.errors import StudyError
from critlab.hooks.border.entries import Key, at, put
from critlab.hooks.sampler_epoch import sampler_epoch, tell_epoch

REPEAT = 100_003
"""Epochs between those that samplers are set to in two repeats."""

Step = Callable[[nn.Module, Any, int], Tensor]
"""``(model, batch, place in the epoch) -> loss``."""


class Parts(NamedTuple):
    """What a training changes.

    Args:
        model: the module.
        optimizer: of its parameters.
        schedules: of the learning rate.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedules: tuple[Any, ...]


@dataclass
class TorchTraining:
    """Trains copies of a module as its own training does: ``advance``, ``evaluate``, ``save`` and ``load`` of forks.

    A copy has its own optimiser and schedules; the loader, the data set and the sampler are the training's, and their
    epoch stands afterwards where it stood.

    Args:
        parts: the training's model, optimiser and schedules.
        loader: gives the batches of an epoch.
        step: the loss of a batch.
        evaluate: ``evaluate(model) -> accuracy``; called in evaluation mode without gradients.
        inputs: where a batch has its inputs, a tuple for a nested place; None for a batch that is its inputs.
        labels: where it has its labels; None where it has none.
        each_epoch: places of the schedules that step after an epoch; the others step after each step.
        accumulate: batches whose gradients make one step.
        clip: the norm to which gradients are clipped; None for no clipping.
        autocast: gives the context of a forward pass.
        prepare: what is done to each batch, such as moving it to a device.
    """

    parts: Parts
    loader: Any
    step: Step
    evaluate: Callable[[nn.Module], Any]
    inputs: Key | None = 0
    labels: Key | None = 1
    each_epoch: Sequence[int] = ()
    accumulate: int = 1
    clip: float | None = None
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
    prepare: Callable[[Any], Any] = field(default=lambda batch: batch)

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The four functions, as :func:`critlab.sensitivity` takes them by name; the state is ``parts``."""
        return {"advance": self.advance, "evaluate": self.score, "save": self.save, "load": self.load}

    def rates(self, epoch: int, total: int) -> tuple[float, ...] | None:
        """The learning rate that is planned for each epoch, the largest where there are several, at its beginning.

        Copies of the schedules are stepped as the training will step them.

        Args:
            epoch: epochs trained; those before get the rate of this one.
            total: epochs of the training.

        Returns:
            ``(total,)``; None where the schedules step after each step, and the loader has no length.
        """
        batches = _length(self.loader)
        if not batches and len(self.each_epoch) < len(self.parts.schedules):
            return None
        with _quiet():
            optimizer, schedules = copy.deepcopy((self.parts.optimizer, self.parts.schedules))
            found: list[float] = []
            for _ in range(epoch, total):
                found.append(max(float(group["lr"]) for group in optimizer.param_groups))
                for place, schedule in enumerate(schedules):
                    for _ in range(1 if place in self.each_epoch else -(-batches // self.accumulate)):
                        schedule.step()
        return (*[found[0]] * epoch, *found) if found else None

    def save(self, parts: Parts) -> dict[str, Any]:
        """Everything that the next epoch depends on."""
        return {
            "model": parts.model.state_dict(),
            "optimizer": parts.optimizer.state_dict(),
            "schedules": [_plain(one.state_dict()) for one in parts.schedules],
            "training": [module.training for module in parts.model.modules()],
        }

    def load(self, saved: Mapping[str, Any]) -> Parts:
        """A new model, optimiser and schedules in that state; the training's own are copied, not changed.

        Raises:
            StudyError: the model cannot be copied.
        """
        made = self._copied()
        made.model.load_state_dict(saved["model"])
        made.optimizer.load_state_dict(saved["optimizer"])
        for schedule, state in zip(made.schedules, saved["schedules"], strict=True):
            schedule.load_state_dict({**schedule.state_dict(), **state})
        for module, training in zip(made.model.modules(), saved["training"], strict=True):
            module.training = training
        return made

    def advance(self, parts: Parts, epoch: int, deprive: Any) -> dict[str, float]:
        """Trains one epoch; returns the mean loss of its batches."""
        parts.model.train()
        total, count = 0.0, 0
        parts.optimizer.zero_grad()
        # a sampler that derives the order from its epoch alone gets another one in each repeat
        with self._passed(epoch + REPEAT * getattr(deprive, "seed", 0)) as batches, _quiet(), torch.enable_grad():
            length = _length(self.loader)
            for place, raw in enumerate(batches):
                batch = self._deprived(self.prepare(raw), deprive)
                with self.autocast():
                    loss = self.step(parts.model, batch, place)
                (loss / self.accumulate).backward()
                total, count = total + float(loss.detach()), count + 1
                if count % self.accumulate == 0 or count == length:
                    self._moved(parts)
            for place in self.each_epoch:
                parts.schedules[place].step()
        return {"train_loss": total / max(1, count)}

    @torch.no_grad()
    def score(self, parts: Parts) -> Any:
        """What ``evaluate`` says of the model."""
        parts.model.eval()
        return self.evaluate(parts.model)

    def _moved(self, parts: Parts) -> None:
        if self.clip:
            clip_grad_norm_(parts.model.parameters(), self.clip)
        parts.optimizer.step()
        parts.optimizer.zero_grad()
        for place, schedule in enumerate(parts.schedules):
            if place not in self.each_epoch:
                schedule.step()

    def _deprived(self, batch: Any, deprive: Any) -> Any:
        if self.inputs is None:
            return deprive(batch, None)[0]
        try:
            inputs, labels = at(batch, self.inputs), None if self.labels is None else at(batch, self.labels)
        except (KeyError, IndexError, TypeError):
            raise StudyError(
                f"forks: a batch ({type(batch).__name__}) has nothing at {self.inputs!r} or {self.labels!r}; give "
                "the places of inputs and labels in a batch"
            ) from None
        new_inputs, new_labels = deprive(inputs, labels)
        changed = put(batch, self.inputs, new_inputs)
        return changed if self.labels is None else put(changed, self.labels, new_labels)

    @contextmanager
    def _passed(self, epoch: int) -> Iterator[Any]:
        """A pass over the loader whose sampler knows the epoch; afterwards it knows the training's again."""
        loader = _own_iterator(self.loader)
        before = sampler_epoch(loader)
        if before is not None:
            tell_epoch(loader, epoch)
        try:
            yield loader
        finally:
            if before is not None:
                tell_epoch(loader, before)

    def _copied(self) -> Parts:
        try:
            with _quiet():
                return copy.deepcopy(self.parts, _listeners(self.parts.model))
        except Exception as error:
            raise StudyError(
                f"forks: the model, its optimiser or its schedule cannot be copied ({type(error).__name__}: {error}); "
                "give advance, save and load of your own"
            ) from error


HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def _listeners(model: nn.Module) -> dict[int, Any]:
    """Objects outside of the model whose methods are hooks of it: copies of the model keep them, uncopied."""
    modules = set(map(id, model.modules()))
    hooks = (hook for module in model.modules() for name in HOOKS for hook in getattr(module, name, {}).values())
    owners = (hook.__self__ for hook in hooks if isinstance(hook, MethodType))
    return {id(owner): owner for owner in owners if id(owner) not in modules}


def _own_iterator(loader: Any) -> Any:
    """The loader itself, or a copy where it has workers that stay, whose iterator is the training's."""
    if getattr(loader, "_iterator", None) is None:
        return loader
    made = copy.copy(loader)
    object.__setattr__(made, "_iterator", None)
    return made


def _plain(state: Mapping[str, Any]) -> dict[str, Any]:
    """A schedule's state without functions and objects, which a copy has already."""
    kinds = (bool, int, float, str, Tensor, type(None))

    def plain(value: Any) -> bool:
        if isinstance(value, list | tuple):
            return all(map(plain, value))
        if isinstance(value, Mapping):
            return all(map(plain, value.values()))
        return isinstance(value, kinds)

    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in state.items() if plain(value)}


@contextmanager
def _quiet() -> Iterator[None]:
    """What frameworks warn of in a copy outside of their trainer is no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _length(loader: Any) -> int:
    try:
        return len(loader)
    except TypeError:
        return 0
