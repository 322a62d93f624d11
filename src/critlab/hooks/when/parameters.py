"""Which parameters a user's training has, and which of them an optimiser knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn, optim

from critlab._core.errors import StudyError

DEPTH = 4
"""How deep modules and optimisers are looked for in attributes, mappings and sequences."""

MOST_PARTS = 64
"""How many parts of a mapping or a sequence are looked into: longer ones are data."""

MOST_NAMES = 5
"""How many parameters a message lists."""


@dataclass(frozen=True)
class Parameters:
    """The parameters of a training, by identity.

    Args:
        trainable: names of those that require gradients.
        every: those of every module.
        known: those that some optimiser has.
        optimisers: whether there is an optimiser at all.
    """

    trainable: Mapping[int, str]
    every: frozenset[int]
    known: frozenset[int]
    optimisers: bool

    @classmethod
    def of(cls, training: Any) -> Parameters:
        """What is found in the attributes, mappings and sequences of ``training``."""
        parts = list(_parts(training, DEPTH, set()))
        modules = [one for one in parts if isinstance(one, nn.Module)]
        optimisers = [one for one in parts if isinstance(one, optim.Optimizer)]
        named = [(name, one) for module in modules for name, one in module.named_parameters()]
        known = {id(one) for each in optimisers for group in each.param_groups for one in group["params"]}
        trainable = {id(one): name for name, one in named if one.requires_grad}
        return cls(trainable, frozenset(id(one) for _, one in named), frozenset(known), bool(optimisers))

    def refuse_unknown(self, before: Parameters, where: str) -> None:
        """Refuses parameters that a switch has added without an optimiser, or taken away from under one.

        A training in which no module and no optimiser can be found is not checked.

        Args:
            before: the parameters before the switch.
            where: which flip it was.

        Raises:
            StudyError: an optimiser does not know a parameter that trains now and did not before, or it still has one
                that no module has any more.
        """
        if not (self.optimisers and self.every):
            return
        added = [name for one, name in self.trainable.items() if one not in self.known and one not in before.trainable]
        if added:
            raise StudyError(
                f"when: switch: the optimiser does not know {_listed(added)}, which can be trained after the switch "
                f"({where}); add them with optimizer.add_param_group, or give the optimiser all parameters in make"
            )
        lost = (self.known - self.every) - (before.known - before.every)
        if lost:
            raise StudyError(
                f"when: switch: the optimiser still has {len(lost)} parameters that no module has after the switch "
                f"({where}); make the optimiser again with those of the module"
            )


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    return f"{len(names)} parameters ({shown}{', ...' if len(names) > MOST_NAMES else ''})"


def _parts(value: Any, depth: int, seen: set[int]) -> Iterator[nn.Module | optim.Optimizer]:
    """Modules and optimisers in ``value``, each once; modules are not looked into."""
    if id(value) in seen or depth < 0:
        return
    seen.add(id(value))
    if isinstance(value, nn.Module | optim.Optimizer):
        yield value
        return
    if isinstance(value, Mapping):
        inner = list(value.values())
    elif isinstance(value, list | tuple):
        inner = list(value)
    elif hasattr(value, "__dict__"):
        inner = list(vars(value).values())
        yield from (part for one in inner for part in _parts(one, depth - 1, seen))
        return
    else:
        return
    for one in inner if len(inner) <= MOST_PARTS else ():
        yield from _parts(one, depth - 1, seen)
