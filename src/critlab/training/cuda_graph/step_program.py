"""The whole training step as one program: on a GPU recorded once for each shape, and replayed for every batch.

A step of a small network is hundreds of kernels of a few microseconds, each started from Python; replayed, they start
as one. A recorded program always reads and writes the same memory, so it has a network and an optimiser of its own: a
run takes its seat for an epoch, and all runs of a worker use one recording. What changes lies in tensors: the batch,
learning rate and weight decay, and the losses, which are read when the epoch ends, so that nothing waits for the GPU
before. Batches are made outside the program, as any deficit may make them; so a deficit that ends changes no recording.

On a CPU the same function runs without being recorded, which is how the tests see it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from critlab.objectives import Objective
from critlab.study.runs.recipe import Recipe
from critlab.training.cuda_graph.updates import UpdateRule, decayed, shortened, shrunk
from critlab.training.tally import RunningMetrics

WARM_UP = 3
"""Steps before a recording, in which libraries choose and set up what must not be set up while recording."""

Step = Callable[[torch.Generator], None]
"""Trains on the batch in its own tensors; the generator is the objective's."""


@dataclass(frozen=True)
class PreparedStep:
    """A step for batches of one shape.

    Args:
        images: where it reads the images.
        labels: where it reads the labels.
        run: does it.
    """

    images: Tensor
    labels: Tensor
    run: Step

    def take(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        """One step on a batch of the same shape; on a GPU it is queued without waiting."""
        self.images.copy_(images)
        self.labels.copy_(labels)
        self.run(generator)


class StepProgram:
    """One network in training, in memory that stays where it is.

    Args:
        model: the seat, a network like those that will be trained, on its device; it belongs to the program.
        rule: how weights follow gradients.
        forward: makes the context of each forward pass.
        steps: of an epoch, at most.
    """

    def __init__(
        self, model: nn.Module, rule: UpdateRule, forward: Callable[[], AbstractContextManager[Any]], steps: int
    ) -> None:
        self.model, self.rule, self.forward = model.train(), rule, forward
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.slots = [rule.slots(parameter.detach()) for parameter in self.parameters]
        device = self.parameters[0].device
        self.lr, self.decay, self.clip = (torch.zeros((), device=device) for _ in range(3))
        self.clips = False
        self.place = torch.zeros(1, dtype=torch.int64, device=device)
        # a warm-up may go beyond the last step
        room = steps + WARM_UP
        self.losses = torch.zeros(room, dtype=torch.float64, device=device)
        self.counts = torch.zeros(room, 2, dtype=torch.int64, device=device)
        self.names_classes: list[bool] = []
        self._prepared: dict[tuple[Any, ...], tuple[PreparedStep, bool]] = {}

    def begin(self, model: nn.Module, optimizer: Optimizer, recipe: Recipe) -> None:
        """Takes over a run's weights, buffers and optimiser, and what ``recipe`` says of the epoch."""
        _copy(_tensors(model), _tensors(self.model))
        trained = (parameter for parameter in model.parameters() if parameter.requires_grad)
        for parameter, kept in zip(trained, self.slots, strict=True):
            known = optimizer.state.get(parameter, {})
            for kind, value in kept.items():
                value.copy_(known[kind]) if kind in known else value.zero_()
        self.lr.fill_(recipe.lr)
        self.decay.fill_(recipe.weight_decay)
        clips = [clip for switch in recipe.switches if (clip := switch.clip()) is not None]
        self.clips = bool(clips)
        self.clip.fill_(min(clips, default=0.0))
        self.place.zero_()
        self.names_classes.clear()

    def step(self, images: Tensor, labels: Tensor, objective: Objective) -> PreparedStep:
        """The step for such batches, prepared when first asked for; weights are as they were."""
        key = (repr(objective), images.shape, images.dtype, labels.shape, self.clips)
        if key not in self._prepared:
            self._prepared[key] = self._prepare(images, labels, objective)
        prepared, names_classes = self._prepared[key]
        self.names_classes.append(names_classes)
        return prepared

    def read(self, tally: RunningMetrics) -> int | None:
        """Adds the losses since :meth:`begin` to ``tally``; waits for the GPU.

        Returns:
            The place, from 0 since :meth:`begin`, of the first step whose loss was not finite; else None.
        """
        taken = len(self.names_classes)
        losses, counts = self.losses[:taken].tolist(), self.counts[:taken].tolist()
        for place, (loss, (counted, right), named) in enumerate(zip(losses, counts, self.names_classes, strict=True)):
            tally.count(loss, counted, right if named else None)
            if not math.isfinite(loss):
                return place
        return None

    def end(self, model: nn.Module, optimizer: Optimizer) -> None:
        """Gives everything back to the run that :meth:`begin` took it from."""
        _copy(_tensors(self.model), _tensors(model))
        trained = (parameter for parameter in model.parameters() if parameter.requires_grad)
        for parameter, kept in zip(trained, self.slots, strict=True):
            optimizer.state[parameter].update({kind: value.clone() for kind, value in kept.items()})

    def _prepare(self, images: Tensor, labels: Tensor, objective: Objective) -> tuple[PreparedStep, bool]:
        """Warms up on the batch, puts everything back, and records where there is a GPU and the step allows it."""
        own_images, own_labels = images.clone(), labels.clone()
        named: list[bool] = []

        def step(generator: torch.Generator) -> None:
            named.append(self._trained_on(own_images, own_labels, objective, generator))

        state = [*_tensors(self.model), *(value for kept in self.slots for value in kept.values()), self.place]
        kept = [value.detach().clone() for value in state]
        drawn = torch.Generator().manual_seed(0)
        untouched = drawn.get_state()
        run: Step = step
        try:
            record = _recorder(own_images.device)
            for _ in range(WARM_UP):
                record.warm_up(step, drawn)
            # what is drawn on the CPU would be drawn once and for all
            if torch.equal(drawn.get_state(), untouched):
                run = record(step, drawn)
        finally:
            _copy(kept, state)
        return PreparedStep(own_images, own_labels, run), named[0]

    def _trained_on(self, images: Tensor, labels: Tensor, objective: Objective, generator: torch.Generator) -> bool:
        """One step; whether the objective names classes. Nothing in it looks at a number."""
        with self.forward():
            learned = objective.learn(self.model, images, labels, generator)
        found = torch.autograd.grad(learned.loss, self.parameters, allow_unused=True)
        moved = [
            (parameter, gradient, kept)
            for parameter, gradient, kept in zip(self.parameters, found, self.slots, strict=True)
            if gradient is not None
        ]
        with torch.no_grad():
            parameters, gradients, slots = map(list, zip(*moved, strict=True))
            if self.clips:
                shortened(gradients, self.clip)
            if self.rule.decoupled:
                shrunk(parameters, self.lr, self.decay)
            else:
                gradients = decayed(parameters, gradients, self.decay)
            self.rule.apply(parameters, gradients, slots, self.lr)
            counted = torch.full((), len(labels), device=labels.device)
            right = torch.zeros_like(counted)
            if learned.logits is not None:
                counted, right = (labels >= 0).sum(), (learned.logits.argmax(-1) == labels).sum()
            self.losses.index_copy_(0, self.place, learned.loss.detach().double().reshape(1))
            self.counts.index_copy_(0, self.place, torch.stack([counted, right])[None])
            self.place.add_(1)
        return learned.logits is not None


class _Eager:
    """Where nothing can be recorded the step itself is the program."""

    def warm_up(self, step: Step, generator: torch.Generator) -> None:
        step(generator)

    def __call__(self, step: Step, generator: torch.Generator) -> Step:
        return step


class _Recorder:
    """Warms up and records on one stream of the GPU: libraries keep what they set up by stream."""

    def __init__(self, device: torch.device) -> None:
        self.stream = torch.cuda.Stream(device)

    def warm_up(self, step: Step, generator: torch.Generator) -> None:
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            step(generator)
        torch.cuda.current_stream().wait_stream(self.stream)

    def __call__(self, step: Step, generator: torch.Generator) -> Step:
        """The recording; the step itself where something in it needs the CPU, as a network that looks at numbers."""
        recorded = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(recorded, stream=self.stream):
                step(generator)
        except RuntimeError:
            return step
        return lambda generator: recorded.replay()


def _recorder(device: torch.device) -> _Recorder | _Eager:
    return _Recorder(device) if device.type == "cuda" else _Eager()


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


@torch.no_grad()
def _copy(sources: Iterable[Tensor], targets: Iterable[Tensor]) -> None:
    for source, target in zip(sources, targets, strict=True):
        target.copy_(source)
