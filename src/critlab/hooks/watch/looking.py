"""The looks of a watch: which examples, how many of them at a time, and whether they can be taken at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab._core.random_streams import key
from critlab.hooks.watch import ranks
from critlab.hooks.watch.budget import MOST_EXAMPLES, Size
from critlab.hooks.watch.looks.inputs import (
    LABELS,
    Call,
    Forward,
    Inputs,
    call_of,
    chosen,
    count,
    needs_labels,
    tensors,
    without_labels,
)
from critlab.hooks.watch.looks.logits import LogitsOf
from critlab.hooks.watch.looks.look import Sample, fisher_snapshot, rehearse
from critlab.hooks.watch.looks.refusals import WATCH, refuse_model
from critlab.hooks.watch.options import WatchOptions
from critlab.measures.likelihoods import likelihood_of
from critlab.measures.likelihoods.categorical import Categorical
from critlab.measures.weights.parameter_groups import ParameterGroups

Given = Inputs | Callable[[], Inputs | None] | None
"""Inputs, or what gives them when they are needed."""


class Looking:
    """Looks at a model, a few of the kept examples at a time.

    Args:
        model: unwrapped.
        options: of the watch.

    Raises:
        StudyError: the model cannot be looked at.
    """

    def __init__(self, model: nn.Module, options: WatchOptions) -> None:
        self.likelihood = likelihood_of(options.likelihood, WATCH)
        refuse_model(model, calls_forward=options.forward is None, likelihood=self.likelihood)
        self.model, self.seed, self.examples = model, options.seed, options.examples
        self.autocast = options.autocast
        self.forward: Forward = options.forward or LogitsOf(self.likelihood)
        self.size = Size(MOST_EXAMPLES // 2, options.examples)
        self.rehearsed = False
        self._labels = False
        self._probe: Inputs | None = None
        self._came_from = ""
        if options.probe is not None:
            self._keep(options.probe)

    def take(self, inputs: Given) -> None:
        """Keeps examples of a batch, where there are none yet.

        Raises:
            StudyError: there is no batch, or nothing in it that could be an example.
        """
        if self._probe is not None:
            return
        given: Inputs | None = inputs() if callable(inputs) else inputs
        if given is None:
            raise StudyError(
                "watch: step: received no inputs; give those of the batch, or probe= when creating the watch"
            )
        self._keep(chosen(given, torch.arange(min(count(given), self.examples), device="cpu")))

    def rehearse(self, weights: ParameterGroups) -> None:
        """Takes a first look, which does not count, and checks that looks will be right.

        Raises:
            StudyError: they will not.
        """
        probe, device = self._on(weights.owner.device), weights.owner.device
        try:
            self._try(probe, weights)
        except StudyError:
            raise
        except Exception:
            # some models give their logits only where they can compute a loss
            if self._labels or LABELS not in call_of(probe).names:
                raise
            self._labels = True
            self._try(probe, weights)
        rehearse(self.model, self._given(probe), self.forward, device=device, autocast=self.autocast)
        self.rehearsed = True

    def fisher_snapshot(self, weights: ParameterGroups, step: int) -> Sample:
        """One look at some of the examples, which depend on seed and step alone.

        Raises:
            Diverged: the logits are not finite.
        """
        probe, seed = self._on(weights.owner.device), key(self.seed, "measure", step, ranks.rank())
        generator = torch.Generator("cpu").manual_seed(seed)
        order = torch.randperm(count(probe), generator=generator, device="cpu")
        few = self._given(chosen(probe, order[: self.size.examples]))
        return self._snapshot(weights, few, seed)

    def state(self) -> dict[str, Any]:
        """What :meth:`load` takes; examples that are no tensors and plain values are left out."""
        found, first = _packed(self._probe), None if self._probe is None else next(tensors(self._probe))
        device = first.device.type if first is not None else ""
        return {"probe": found, "device": device, "size": self.size.state(), "likelihood": repr(self.likelihood)}

    def load(self, state: Mapping[str, Any], *, own: bool) -> None:
        """Goes on from a state.

        Args:
            state: from :meth:`state`.
            own: whether it is of this process, and so are the examples.

        Raises:
            StudyError: it is of another likelihood, whose trace is another quantity.
        """
        before = state.get("likelihood", repr(Categorical()))
        if before != repr(self.likelihood):
            raise StudyError(f"watch: state: is of the likelihood {before}; must be {self.likelihood!r}")
        self.size.load(state["size"])
        if own and state["probe"] is not None:
            self._keep(_unpacked(state["probe"]))
            self._came_from = str(state["device"])

    def _keep(self, probe: Inputs) -> None:
        count(probe)
        self._probe = probe
        self._labels = needs_labels(self.model, probe)

    def _on(self, device: torch.device) -> Inputs:
        """The examples; those of a checkpoint go back to the kind of device that they were on."""
        assert self._probe is not None, "examples are set before the first look"
        if self._came_from == device.type:
            self._probe = _moved(self._probe, device)
        self._came_from = ""
        return self._probe

    def _given(self, probe: Inputs) -> Inputs:
        return probe if self._labels else without_labels(probe)

    def _try(self, probe: Inputs, weights: ParameterGroups) -> None:
        few = chosen(probe, torch.arange(min(count(probe), self.size.least), device="cpu"))
        given = self._given(few)
        self.size.limit(self._snapshot(weights, given, 0).outputs)

    def _snapshot(self, weights: ParameterGroups, inputs: Inputs, seed: int) -> Sample:
        return fisher_snapshot(
            self.model, weights, inputs, self.forward, self.likelihood, seed=seed, autocast=self.autocast
        )


def _packed(value: Any) -> Any:
    """Inputs as tensors, plain values, lists and dictionaries, each with its kind; None where something is neither."""
    try:
        return _part(value)
    except TypeError:
        return None


def _part(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str) or type(value) is Tensor:
        return value
    if isinstance(value, Call):
        return {"kind": "call", "parts": [_part(value.places), _part(value.names)]}
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {"kind": "names", "parts": {name: _part(one) for name, one in value.items()}}
    if isinstance(value, tuple | list):
        return {"kind": "places", "parts": [_part(one) for one in value]}
    raise TypeError


def _unpacked(packed: Any) -> Any:
    if not isinstance(packed, Mapping):
        return packed
    kind, parts = packed["kind"], packed["parts"]
    if kind == "names":
        return {name: _unpacked(one) for name, one in parts.items()}
    values = tuple(_unpacked(one) for one in parts)
    return Call(*values) if kind == "call" else values


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, Call):
        return Call(_moved(value.places, device), _moved(value.names, device))
    if isinstance(value, Mapping):
        return {name: _moved(one, device) for name, one in value.items()}
    return tuple(_moved(one, device) for one in value) if isinstance(value, tuple) else value
