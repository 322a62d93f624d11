"""What switches add to the state of a run: the optimiser of the window, and tensors such as averaged weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.optim import Optimizer

from critlab.study.optimizers.spec import OptimizerSpec
from critlab.study.runs.recipe import Recipe
from critlab.study.switches import switch_key
from critlab.training.optimizers import make_optimizer, pack_optimizer, unpack_optimizer

OPTIMIZER = "optimizer/"
"""Before the names of the tensors of the window's optimiser; no key of a switch has a slash."""


@dataclass
class Added:
    """What switches add to the state of a run; empty unless a window is open that adds something.

    Args:
        kept: tensors that switches keep, by the key of the switch and by name.
        optimizer: the optimiser that works in the window; None where it is the study's own.
        stored: the state of that optimiser from a checkpoint, until the next epoch says which optimiser it is.
    """

    kept: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    optimizer: Optimizer | None = None
    stored: dict[str, Tensor] = field(default_factory=dict)

    def begin(self, recipe: Recipe, model: nn.Module) -> None:
        """Prepares for the first step of an epoch: what has ended is dropped, what is new begins.

        What is kept of the weights begins again where an intervention has changed them.
        """
        if recipe.intervention is not None and recipe.intervention.changes_weights:
            self.kept = {}
        there = {switch_key(switch): switch for switch in recipe.switches}
        self.kept = {key: kept for key, kept in self.kept.items() if key in there}
        for key, switch in there.items():
            if key not in self.kept and (begun := switch.begun(model)):
                self.kept[key] = begun

    def chosen(self, recipe: Recipe, own: Optimizer, base: OptimizerSpec, model: nn.Module) -> Optimizer:
        """The optimiser of an epoch with its momentum; made where it works for the first time."""
        spec = base
        for switch in recipe.switches:
            spec = switch.optimizer(spec)
        if spec.shares_state(base):
            self.optimizer = None
        elif self.optimizer is None:
            self.optimizer = make_optimizer(spec, model)
            if self.stored:
                unpack_optimizer(self.optimizer, model, self.stored)
        self.stored = {}
        chosen = self.optimizer or own
        for group in chosen.param_groups:
            if "momentum" in group:
                group["momentum"] = spec.momentum or 0.0
        return chosen

    def stepped(self, recipe: Recipe) -> Callable[[nn.Module], None] | None:
        """What updates the kept tensors after a step on a network; None where nothing is kept."""
        followed = [(switch, self.kept[key]) for switch in recipe.switches if (key := switch_key(switch)) in self.kept]
        if not followed:
            return None

        def follow(model: nn.Module) -> None:
            for switch, kept in followed:
                switch.stepped(model, kept)

        return follow

    def tested(self, recipe: Recipe | None, model: nn.Module) -> nn.Module:
        """The network that is tested after an epoch of ``recipe``; None before the first."""
        for switch in recipe.switches if recipe else ():
            if (kept := self.kept.get(switch_key(switch))) is not None:
                model = switch.tested(model, kept)
        return model

    def tensors(self, model: nn.Module) -> dict[str, Tensor]:
        """Everything here by name, for a checkpoint."""
        found = {f"{key}/{name}": value for key, kept in self.kept.items() for name, value in kept.items()}
        packed = self.stored if self.optimizer is None else pack_optimizer(self.optimizer, model)
        return found | {f"{OPTIMIZER}{name}": value for name, value in packed.items()}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], model: nn.Module) -> Added:
        """What :meth:`tensors` gave, on the device of ``model``."""
        device = next(model.parameters()).device
        found = cls()
        for name, value in tensors.items():
            key, _, rest = name.partition("/")
            if name.startswith(OPTIMIZER):
                found.stored[rest] = value
            else:
                found.kept.setdefault(key, {})[rest] = value.to(device)
        return found
