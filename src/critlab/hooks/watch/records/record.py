"""What a watch knows of a stretch of training: means over looks with their errors, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from critlab._core.estimate import Estimate
from critlab.analysis.sources.prime_window import PrimeWindow
from critlab.hooks.watch.looks.look import Sample


@dataclass(frozen=True)
class Record:
    """A stretch of training; quantities that were not read are None.

    Args:
        step: the optimiser's steps so far.
        looks: how many looks the means are of.
        examples: how many examples the latest look took.
        trace: the Fisher trace of all weights, per example, in nats squared.
        uncertainty: mean entropy of the model's answers to the probe, in nats; per head or position, where it gives
            several.
        loss: mean of the losses that the loop reported since the record before.
        layers: each layer's.
        shares: each layer's share of the trace.
        movement: total variation between these shares and those of the record before, from 0 to 1.
        movement_by_chance: about what the errors alone would give; a movement like it is none.
        gradient_norm: root mean square norm of the gradients in ``.grad``.
        gradient_signal_to_noise: squared norm of the mean gradient per variance of one batch's gradient.
        gradient_clipped: whether both are of gradients that the loop had clipped before they were read.
        path: distance that the weights went so far, from record to record.
        lr: the learning rate, the largest where there are several.
        seconds: of the clock on the wall since the training began, without the time between its restarts.
        overhead: seconds of watching per second of training so far.
        groups: the trace of each group of parameters.
        windows: the prime learning window of each group.
    """

    step: int
    looks: int
    examples: int
    trace: Estimate
    uncertainty: Estimate
    loss: Estimate | None
    layers: Mapping[str, Estimate]
    shares: Mapping[str, float]
    movement: float | None
    movement_by_chance: float | None
    gradient_norm: float | None
    gradient_signal_to_noise: float | None
    gradient_clipped: bool | None
    path: float | None
    lr: float | None
    seconds: float
    overhead: float
    groups: Mapping[str, Estimate] = field(default_factory=dict)
    windows: Mapping[str, PrimeWindow] = field(default_factory=dict)

    def scalars(self) -> dict[str, float]:
        """The numbers by name, as loggers take them; what was not read is left out."""
        found: dict[str, float | None] = {
            "trace": self.trace.value,
            "trace_stderr": self.trace.stderr,
            "uncertainty": self.uncertainty.value,
            "loss": None if self.loss is None else self.loss.value,
            "movement": self.movement,
            f"gradient_norm{self._clipped}": self.gradient_norm,
            f"gradient_signal_to_noise{self._clipped}": self.gradient_signal_to_noise,
            "path": self.path,
            "lr": self.lr,
            "seconds": self.seconds,
            "overhead": self.overhead,
        }
        found |= {f"share/{name or '(root)'}": share for name, share in self.shares.items()}
        for name, window in self.windows.items():
            found |= {
                f"group/{name}/trace": self.groups[name].value,
                f"group/{name}/growth": None if window.growth is None else window.growth.value,
                f"group/{name}/window_open": None if window.open is None else float(window.open),
            }
        return {name: value for name, value in found.items() if value is not None and math.isfinite(value)}

    def document(self) -> dict[str, Any]:
        """The record as JSON values; a number that is not finite is None."""
        return {
            "step": self.step,
            "looks": self.looks,
            "examples": self.examples,
            "trace": _finite(self.trace.value),
            "trace_stderr": _finite(self.trace.stderr),
            "uncertainty": _finite(self.uncertainty.value),
            "uncertainty_stderr": _finite(self.uncertainty.stderr),
            "loss": None if self.loss is None else _finite(self.loss.value),
            "loss_stderr": None if self.loss is None else _finite(self.loss.stderr),
            "layers": {
                name or "(root)": {
                    "trace": _finite(one.value),
                    "trace_stderr": _finite(one.stderr),
                    "share": _finite(self.shares.get(name)),
                }
                for name, one in self.layers.items()
            },
            "movement": _finite(self.movement),
            "movement_by_chance": _finite(self.movement_by_chance),
            "gradient_norm": _finite(self.gradient_norm),
            "gradient_signal_to_noise": _finite(self.gradient_signal_to_noise),
            "gradient_clipped": self.gradient_clipped,
            "path": _finite(self.path),
            "lr": _finite(self.lr),
            "seconds": self.seconds,
            "overhead": _finite(self.overhead),
            "groups": {name: self._group(name) for name in self.groups},
        }

    @property
    def _clipped(self) -> str:
        """What the names of readings of clipped gradients end in."""
        return "_after_clipping" if self.gradient_clipped else ""

    def _group(self, name: str) -> dict[str, Any]:
        trace, window = self.groups[name], self.windows[name]
        return {
            "trace": _finite(trace.value),
            "trace_stderr": _finite(trace.stderr),
            "growth": _finite(window.growth.value) if window.growth else None,
            "growth_stderr": _finite(window.growth.stderr) if window.growth else None,
            "prime_window": window.name,
            "prime_window_since": window.since,
        }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


class Sums:
    """Running sums of looks: traces of layers, groups and all, and uncertainty; sums of several processes add up.

    Args:
        layers: how many there are.
        groups: the places of each group's layers.
    """

    def __init__(self, layers: int, groups: Sequence[Sequence[int]] = ()) -> None:
        self._groups = [list(group) for group in groups]
        #: count, then the sums of each layer, of each group, of the total and of the uncertainty, then of their squares
        self.values = torch.zeros(1 + 2 * (layers + len(groups) + 2), dtype=torch.float64, device="cpu")

    @property
    def count(self) -> int:
        """How many samples there are."""
        return round(float(self.values[0]))

    def add(self, sample: Sample) -> None:
        """Counts one look."""
        traces, uncertainty = sample.traces, sample.traces.new_tensor(sample.uncertainty)
        sums = [*(traces[group].sum() for group in self._groups), traces.sum()]
        wide = torch.cat([traces, torch.stack([*sums, uncertainty])])
        self.values += torch.cat([wide.new_ones(1), wide, wide.square()])

    def estimates(self) -> list[Estimate]:
        """The mean of each layer, then of each group, of the total, and last of the uncertainty.

        Error: ``stderr`` is the spread of the samples, which holds labels, signs and which examples were looked at; it
        is infinite for one sample. It is too large rather than too small where the trace moves meanwhile.
        """
        n, width = self.count, (len(self.values) - 1) // 2
        means, squares = self.values[1 : 1 + width] / n, self.values[1 + width :] / n
        if n < 2:
            return [Estimate(float(mean), math.inf) for mean in means]
        deviations = ((squares - means.square()).clamp(min=0) / (n - 1)).sqrt()
        return [Estimate(float(mean), float(error)) for mean, error in zip(means, deviations, strict=True)]


def shares(layers: Mapping[str, Estimate]) -> dict[str, float]:
    """Each layer's share of the sum; none where the sum is not positive."""
    total = math.fsum(one.value for one in layers.values())
    return {name: one.value / total for name, one in layers.items()} if 0 < total < math.inf else {}


def movement(old: Mapping[str, Estimate], new: Mapping[str, Estimate]) -> tuple[float, float] | None:
    """Total variation between two readings' shares, and about what their errors alone would give.

    The second is ``1/2 sum over layers sqrt(2/pi) sqrt(se(old)^2 + se(new)^2)`` with errors in shares and totals taken
    as known. None where either has no shares.
    """
    before, after = shares(old), shares(new)
    if not before or not after:
        return None
    totals = [math.fsum(one.value for one in layers.values()) for layers in (old, new)]
    distance = chance = 0.0
    for name in before.keys() | after.keys():
        distance += abs(after.get(name, 0.0) - before.get(name, 0.0)) / 2
        errors = [
            layers[name].stderr / total if name in layers else 0.0
            for layers, total in zip((old, new), totals, strict=True)
        ]
        chance += math.sqrt(2 / math.pi) * math.hypot(*errors) / 2
    return distance, chance
