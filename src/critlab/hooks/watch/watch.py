"""Watching one training: is its period of plasticity still open? Two lines in a loop that is the user's own."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from critlab.analysis.prime_window import PrimeWindow
from critlab.errors import Diverged, StudyError
from critlab.hooks.watch import ranks
from critlab.hooks.watch.budget import MOST_EXAMPLES, Ledger, Size, clock, finish
from critlab.hooks.watch.groups import Groups, Watched
from critlab.hooks.watch.looks.inputs import Forward, Inputs, chosen, count, logits_of, unwrapped, without_labels
from critlab.hooks.watch.looks.look import WATCH, look
from critlab.hooks.watch.phase import LOSS, Phase
from critlab.hooks.watch.record import Record, Sums, movement, phase_by, shares
from critlab.hooks.watch.training_loss import TrainingLoss
from critlab.hooks.watch.weights_in_motion import GradientNoise, WeightPath
from critlab.hooks.watch.writers import Writer, writer
from critlab.measures.weights import Weights, refuse_mixing
from critlab.randomness import key

LOOKS = 8
"""Looks that make a record."""

MOST_PAUSE = 1000
"""Steps after which the ledger is read again at the latest, as the training may have become slower or faster."""


class Watch:
    """Looks at a model while somebody else's loop trains it, within a budget, and leaves no trace in the training.

    Call :meth:`step` after every step of the optimiser. A look is one forward and one backward pass of a few examples
    in evaluation mode; eight looks make a :class:`~critlab.hooks.watch.record.Record`.
    Weights, ``.grad``, buffers, modes and the global random states stay as they are: a training that is watched ends
    with the same bits as one that is not.

    Args:
        model: a classifier or a causal language model: logits ``(N, classes)`` or ``(N, heads, classes)``, a tensor or
            in the output's ``logits``. Also wrapped by ``DistributedDataParallel`` or ``torch.compile``.
        log: where records go, one or several; see :func:`~critlab.hooks.watch.writers.writer`.
        budget: the share of the training's time that watching may take, above 0 and at most 1.
        probe: the examples to look at, as the model takes them; None is the first batches that :meth:`step` is shown.
        examples: how many examples are kept of what :meth:`step` is shown.
        seed: of labels, signs and the choice of examples.
        forward: ``(model, inputs) -> logits``, where calling the model with the inputs does not give them.
        autocast: the type in which a look's forward pass runs; None is the type of the weights.
        gradients: whether norm and signal to noise are read from ``.grad``; needs a copy of the gradients.
        path: whether the distance that the weights go is followed; needs a copy of the weights.
        groups: names of modules by group, such as ``{"audio": "audio_tower", "video": "video_tower"}``; for each the
            prime learning window is followed (:mod:`~critlab.analysis.prime_window`).
        epoch_steps: steps of an epoch, in which that window is defined; needed where there are groups.

    Raises:
        StudyError: an argument is not what it should be; from :meth:`step` at the first call, where the model or the
            inputs are not.

    Error: each record's values have standard errors over labels, signs and examples; they are unbiased for the mean
    over the record's steps of the Fisher trace on the probe.

    Cost: the budget. Measured on one thread with the default of 0.03: 0.0300 in 1,000 steps of 48 ms (All-CNN of width
    8, batch 128, 32 x 32; a look every 6 steps) and 0.0301 in 20,000 steps of 1.8 ms (MLP 784-256-10, batch 128; a look
    every 33).

    Source: the trace: Achille, Rovere and Soatto 2019; samples spread over steps, the rule on the loss
    (:mod:`~critlab.hooks.watch.phase`) and its test in ``evidence/watch.py``: ours.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        log: Any = (),
        budget: float = 0.03,
        probe: Inputs | None = None,
        examples: int = 128,
        seed: int = 0,
        forward: Forward | None = None,
        autocast: torch.dtype | None = None,
        gradients: bool = True,
        path: bool = True,
        groups: Groups | None = None,
        epoch_steps: int | None = None,
    ) -> None:
        if not 0 < budget <= 1:
            raise StudyError(f"watch: budget: received {budget}; must be above 0 and at most 1, a share of the time")
        if examples < 1:
            raise StudyError(f"watch: examples: received {examples}; must be at least 1")
        if not isinstance(model, nn.Module):
            raise StudyError(f"watch: model: received {type(model).__name__}; must be a torch.nn.Module")
        self.model, self.steps, self.seed = unwrapped(model), 0, seed
        refuse_mixing(self.model, WATCH)
        self.forward, self.autocast, self.examples = forward or logits_of, autocast, examples
        self.follows = (gradients, path)
        self._history: list[Record] = []
        self._writers: list[Writer] = [writer(to) for to in (log if isinstance(log, list | tuple) else [log])]
        self._probe = None if probe is None else without_labels(probe)
        self._groups = Watched(groups, self.model, epoch_steps)
        self._follow(Weights.of(self.model, WATCH))
        self.device = self.weights.owner.device
        self._ledger, self._size = Ledger(budget, clock(self.device)), Size(MOST_EXAMPLES // 2, examples)
        self._gradients_seen: tuple[float, float | None] | None = None
        self._told = TrainingLoss()
        self._looked = self._lost = False
        self._wake = 0
        #: looks that this process has taken, without the first one, which is not counted
        self.taken = 0

    @property
    def history(self) -> Sequence[Record]:
        """The records so far."""
        return tuple(self._history)

    @property
    def phase(self) -> Phase:
        """What the rule says now."""
        return self._history[-1].phase if self._history else Phase("unknown", None, None, None, LOSS)

    @property
    def windows(self) -> Mapping[str, PrimeWindow]:
        """For each group whether its prime learning window is open, and since which step."""
        return dict(self._groups.windows)

    @property
    def overhead(self) -> float:
        """Seconds of watching per second of training so far; processor time on a CPU, wall time elsewhere."""
        return self._ledger.share

    def step(self, inputs: Inputs | None = None, loss: Tensor | float | None = None) -> None:
        """One step of the optimiser was made.

        Args:
            inputs: of its batch, as the model takes them: a tensor, a tuple of arguments, or a mapping of arguments by
                name, of which ``labels`` is left out. May be left out where there is a ``probe``.
            loss: of its batch, which tells the phase; without it, the trace does.
        """
        self.steps += 1
        if loss is not None:
            self._told.tell(loss)
        if self.steps < self._wake:
            return
        self._ledger.arrive()
        self._take(inputs)
        self._gather()
        if not self._lost and (not self._looked or self._ledger.allows(self._size.cost())):
            self._look()
        if ranks.together() and self.steps % ranks.EVERY == 0:
            self._sum_up()
        if self._all.count >= LOOKS:
            self._record()
        self._ledger.leave()
        self._wake = self.steps + self._pause()

    def close(self) -> None:
        """Makes a record of the looks since the last one; where several processes train, all must call it."""
        if ranks.together():
            self._sum_up()
        if self._all.count > 1:
            self._record()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # where one process broke, the others would wait for it for ever
        if kind is None or not ranks.together():
            self.close()

    def report(self, path: str | Path, name: str = "") -> Path | None:
        """Writes the page of this training, as far as it is known.

        Args:
            path: of the HTML file.
            name: of the training; the model's class by default.

        Returns:
            The path; None in all processes but the first.

        Raises:
            StudyError: there is no record yet, or vl-convert-python is not installed.
        """
        if ranks.rank():
            return None
        from critlab.hooks.watch.page import findings
        from critlab.report import report

        return report(findings(self._history, name or type(self.model).__name__), path)

    def _follow(self, weights: Weights) -> None:
        """Begins to follow these parameters."""
        gradients, path = self.follows
        self.weights = weights
        self._own, self._all = self._sums(), self._sums()
        self._noise = GradientNoise(weights.parameters) if gradients else None
        self._gathers = gradients
        self._path = WeightPath(weights.parameters) if path else None

    def _sums(self) -> Sums:
        """Nothing yet of each layer and group."""
        return Sums(len(self.weights.layers), self._groups.places(self.weights.layers))

    def _take(self, inputs: Inputs | None) -> None:
        """Keeps examples until there are enough."""
        there = 0 if self._probe is None else count(self._probe)
        if inputs is None:
            if not there:
                raise StudyError("watch: step: received no inputs; give the batch's, or probe= when making the watch")
            return
        if there:
            return
        given = without_labels(inputs)
        places = torch.arange(min(count(given), self.examples))
        self._probe = chosen(given, places)

    def _gather(self) -> None:
        """Takes in the gradients, until there are enough for a record; not where the loop has emptied them."""
        if self._noise is None or not self._gathers:
            return
        self._gathers = self._noise.there
        if not self._gathers:
            self._noise.begin()
        else:
            self._gradients_seen = self._noise.add()
            self._gathers = self._gradients_seen is None

    def _pause(self) -> int:
        """Steps until there is something to do again; in between, a step costs next to nothing."""
        if self._gathers and not self._lost:
            return 1  # gradients are compared between consecutive steps
        owed = self._ledger.owed(self._size.cost())
        steps = MOST_PAUSE if self._lost else math.ceil(owed / (self._ledger.worked / max(1, self.steps - 1) or 1e-9))
        if ranks.together():
            steps = min(steps, ranks.EVERY - self.steps % ranks.EVERY)
        return max(1, min(steps, MOST_PAUSE))

    def _look(self) -> None:
        assert self._probe is not None, "inputs were taken before the first look"
        finish(self.device)
        self._ledger.arrive()
        first, seed = not self._looked, key(self.seed, "measure", self.steps, ranks.rank())
        examples = 1 if first else self._size.examples
        order = torch.randperm(count(self._probe), generator=torch.Generator().manual_seed(seed))
        try:
            sample = look(
                self.model,
                self.weights,
                chosen(self._probe, order[:examples]),
                self.forward,
                seed=seed,
                autocast=self.autocast,
                first=first,
            )
        except Diverged as diverged:
            self._lost = True
            warnings.warn(f"the watch looks no more at this training, at step {self.steps}: {diverged}", stacklevel=3)
            return
        finish(self.device)
        took = self._ledger.leave()
        if first:
            # the first call of a model pays for much that the next ones do not; it tells how large its answers are
            self._looked = True
            self._size.limit(sample.logits)
            return
        self._size.learn(took, self._ledger.worked / max(1, self.steps - 1), self._ledger.budget)
        (self._own if ranks.together() else self._all).add(sample)
        self.taken += 1

    def _sum_up(self) -> None:
        self._all.values += ranks.summed(self._own.values, self.device)
        self._told.share(self.device)
        self._own = self._sums()

    def _record(self) -> None:
        *each, whole, uncertainty = self._all.estimates()
        layers = dict(zip(self.weights.layers, each, strict=False))
        groups = dict(zip(self._groups.groups, each[len(layers) :], strict=True))
        loss = self._told.mean()
        moved = movement(self._history[-1].layers, layers) if self._history else None
        norm, ratio = self._gradients_seen or (None, None)
        record = Record(
            step=self.steps,
            looks=self._all.count,
            examples=self._size.examples,
            trace=whole,
            uncertainty=uncertainty,
            loss=loss,
            layers=layers,
            shares=shares(layers),
            movement=moved[0] if moved else None,
            movement_by_chance=moved[1] if moved else None,
            gradient_norm=norm,
            gradient_signal_to_noise=ratio,
            path=self._path.advance() if self._path else None,
            overhead=self._ledger.share,
            phase=phase_by(self._history, self.steps, whole, loss),
            groups=groups,
            windows=self._groups.follow(self.steps, groups),
        )
        self._history.append(record)
        if not ranks.rank():
            for write in self._writers:
                write(record)
        self._gradients_seen, self._all = None, self._sums()
        self._gathers = self._noise is not None
        now = Weights.of(self.model, WATCH)
        if [*map(id, now.parameters)] != [*map(id, self.weights.parameters)]:
            self._follow(now)
