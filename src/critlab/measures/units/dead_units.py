"""Units that no image wakes: rectified units that are zero on all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from critlab._core.errors import StudyError
from critlab.measures.estimates import ROOT
from critlab.measures.eval_guard import eval_guard
from critlab.measures.measure import ProbeMeasure
from critlab.measures.reading import Probe, Reading

AT_ONCE = 256
"""Images of one forward pass."""

RECTIFIERS: frozenset[Callable[..., Any]] = frozenset(
    {functional.relu, functional.relu6, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}
)


@dataclass(frozen=True)
class DeadUnits:
    """How many of a layer's units are dead.

    Args:
        dead: units that are zero on every image.
        units: all of them.
    """

    dead: int
    units: int

    @property
    def share(self) -> float:
        """A fraction."""
        return self.dead / self.units


def dead_units(model: nn.Module, images: Tensor) -> dict[str, DeadUnits]:
    """The rectified units that are zero on every image, at every position.

    Every ReLU that the model calls is seen, as a module or as a function of torch. A unit is a feature: the second
    dimension of what the ReLU gives, ``(N, features, ...)``; of ``(N, positions, features)`` the last.

    Args:
        model: any module of one argument; it is left as it was. Evaluation mode.
        images: ``(N, ...)`` as the model takes them.

    Returns:
        One count for each call of a ReLU, under the name of the module that makes it (of the ``nn.ReLU`` itself, where
        there is one; ``"(root)"`` for the model); further calls by the same module are ``"name (2)"``, ``"name (3)"``.

    Raises:
        StudyError: there are no images, or the model calls no ReLU.

    Error: none; with more images fewer units are dead.

    Cost: a forward pass for each image; at 1,024 of them, All-CNN of width 24, 28 x 28, one thread, 0.04 of a training
    epoch of 10,000 images.

    Source: Dohare et al. 2024, who count them through continual learning.
    """
    if not isinstance(model, nn.Module):
        raise StudyError(f"dead_units: model: received {type(model).__name__}; must be a torch.nn.Module")
    if len(images) < 1:
        raise StudyError("dead_units: received 0 images; must be at least 1")
    awake: dict[str, Tensor] = {}
    with eval_guard(model, 0), torch.no_grad(), _callers(model) as callers:
        for part in images.split(AT_ONCE):
            with _Watching(callers) as watching:
                model(part)
            for name, found in watching.awake.items():
                awake[name] = found | awake.get(name, torch.zeros_like(found))
    if not awake:
        raise StudyError("dead_units: model: calls no ReLU, so it has no dead units; omit this measure")
    return {name: DeadUnits(int((~found).sum()), found.numel()) for name, found in awake.items()}


def measure(model: nn.Module, probe: Probe, options: ProbeMeasure) -> list[Reading]:
    """The share of dead units, a fraction: of all units (``layer=""``), then of each layer; see :func:`dead_units`."""
    found = dead_units(model, probe.images)
    whole = DeadUnits(sum(one.dead for one in found.values()), sum(one.units for one in found.values()))
    return [Reading("dead_units", layer, one.share, 0.0) for layer, one in {"": whole, **found}.items()]


@contextmanager
def _callers(model: nn.Module) -> Iterator[list[str]]:
    """The names of the modules that are being called, the innermost last."""
    stack: list[str] = []

    def enter(name: str) -> Callable[..., None]:
        return lambda module, inputs: stack.append(name)

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        stack.pop()

    handles = []
    for name, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(enter(name or ROOT)))
        handles.append(module.register_forward_hook(leave))
    try:
        yield stack
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class _Watching(TorchFunctionMode):
    """Notes which units of each ReLU are awake in one forward pass."""

    callers: list[str]
    awake: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        if func in RECTIFIERS:
            self._note(found)
        return found

    def _note(self, output: Tensor) -> None:
        # at once, as what follows may change the output in place
        features = 2 if output.ndim == 3 else min(1, output.ndim - 1)
        others = [place for place in range(output.ndim) if place != features]
        name, calls = self.callers[-1], 1
        while (key := name if calls == 1 else f"{name} ({calls})") in self.awake:
            calls += 1
        self.awake[key] = (output != 0).any(dim=others) if others else output != 0
