"""What a watch sums up between two records: samples of looks, losses, gradients, and the way of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from critlab.hooks.watch import ranks
from critlab.hooks.watch.looks.look import Sample
from critlab.hooks.watch.looks.refusals import WATCH
from critlab.hooks.watch.options import WatchOptions
from critlab.hooks.watch.records.record import Record, Sums, movement, shares
from critlab.hooks.watch.sums.groups import Groups, Watched
from critlab.hooks.watch.sums.training_loss import TrainingLoss
from critlab.hooks.watch.sums.weights_in_motion import GradientNoise, Reading, WeightPath
from critlab.measures.weights.parameter_groups import ParameterGroups


class Gathering:
    """Sums of the weights that learn now; where others begin to learn, it begins again.

    Args:
        model: unwrapped.
        groups, epoch_steps: of :class:`~critlab.hooks.watch.sums.groups.Watched`.
        options: of the watch.

    Raises:
        StudyError: the groups are wrong, or no parameter requires gradients.
    """

    def __init__(
        self, model: nn.Module, *, groups: Groups | None, epoch_steps: int | None, options: WatchOptions
    ) -> None:
        self.model, self.clip = model, options.clip
        self.groups = Watched(groups, model, epoch_steps)
        self.losses = TrainingLoss()
        self._reads, self._follows = options.gradients, options.path
        self._weights: ParameterGroups | None = None
        self._noise: GradientNoise | None = None
        self._path: WeightPath | None = None
        self._reading: Reading | None = None
        self._read_before = False
        #: whether gradients are still to be read for the next record
        self.wants_gradients = options.gradients
        # parameters without a shape get one when the model is first called
        if not any(isinstance(parameter, UninitializedParameter) for parameter in model.parameters()):
            self.follow(ParameterGroups.of(model, WATCH))

    @property
    def weights(self) -> ParameterGroups:
        """The weights that are followed."""
        if self._weights is None:
            self.follow(ParameterGroups.of(self.model, WATCH))
        assert self._weights is not None
        return self._weights

    @property
    def device(self) -> torch.device:
        """On which the model lies."""
        return next(self.model.parameters()).device

    @property
    def count(self) -> int:
        """Looks since the last record, of all processes."""
        return self._all.count if self._weights is not None else 0

    def others(self) -> ParameterGroups | None:
        """The weights that learn now, where they are not those that are followed.

        Raises:
            StudyError: none learn.
        """
        now, known = ParameterGroups.of(self.model, WATCH), self.weights
        same = [*map(id, now.parameters)] == [*map(id, known.parameters)]
        return None if same and now.owner.device == known.owner.device else now

    def follow(self, weights: ParameterGroups) -> None:
        """Begins to sum up these."""
        gone = self._path.advance() if self._path and self._path.parameters else 0.0
        self._weights = weights
        self._own, self._all = self._nothing(), self._nothing()
        self._noise = GradientNoise(weights.parameters, self.clip) if self._reads else None
        self.wants_gradients = self._reads
        self._path = WeightPath(weights.parameters, gone) if self._follows else None

    def add(self, sample: Sample) -> None:
        """Counts one look of this process."""
        (self._own if ranks.together() else self._all).add(sample)

    def share(self) -> None:
        """Adds up what all processes have; all of them must call it at the same step."""
        if self._weights is None:
            return
        self._all.values += ranks.summed(self._own.values, self.device)
        self.losses.share(self.device)
        self._own = self._nothing()

    def read(self, *, before_clipping: bool = False) -> None:
        """Takes in the gradients of a step once, until there are enough; not where the loop has emptied them.

        Args:
            before_clipping: whether the loop has not clipped them yet; then the end of the step reads nothing.
        """
        read_before, self._read_before = self._read_before, before_clipping
        if self._noise is None or not self.wants_gradients or read_before:
            return
        if not self._noise.there:
            self._noise.begin()
            # only consecutive steps are compared, and a loop that empties them will do so at the next step too
            self.wants_gradients = before_clipping
            return
        self._reading = self._noise.add(before_clipping=before_clipping)
        self.wants_gradients = self._reading is None

    def record(self, last: Record | None, **known: Any) -> Record:
        """Makes a record of what was summed up, and begins the next one.

        Args:
            last: the record before.
            known: further fields of the record.
        """
        *each, whole, uncertainty = self._all.estimates()
        layers = dict(zip(self.weights.layers, each, strict=False))
        groups = dict(zip(self.groups.groups, each[len(layers) :], strict=True))
        moved = movement(last.layers, layers) if last else None
        reading = self._reading
        record = Record(
            looks=self._all.count,
            trace=whole,
            uncertainty=uncertainty,
            loss=self.losses.mean(),
            layers=layers,
            shares=shares(layers),
            movement=moved[0] if moved else None,
            movement_by_chance=moved[1] if moved else None,
            gradient_norm=reading.norm if reading else None,
            gradient_signal_to_noise=reading.ratio if reading else None,
            gradient_clipped=reading.clipped if reading else None,
            path=self._path.advance() if self._path else None,
            groups=groups,
            windows=self.groups.follow(known["step"], groups),
            **known,
        )
        self._reading, self._all = None, self._nothing()
        self.wants_gradients = self._noise is not None
        return record

    def state(self) -> dict[str, Any]:
        """What :meth:`load` takes. Gradients of the steps just before are not in it: their reading begins again."""
        return {
            "layers": list(self.weights.layers),
            "own": self._own.values.clone(),
            "all": self._all.values.clone(),
            "losses": self.losses.state(),
            "reading": list(self._reading) if self._reading else None,
            "path": self._path.state() if self._path else None,
            "groups": self.groups.state(),
        }

    def load(self, state: Mapping[str, Any], *, own: bool) -> None:
        """Goes on from a state, with the weights where they are now.

        Args:
            state: from :meth:`state`; sums of other layers are left out.
            own: whether it is of this process, so that what had not been shared is its own.
        """
        if state["layers"] == self.weights.layers and state["all"].shape == self._all.values.shape:
            self._all.values = state["all"].clone()
            if own:
                self._own.values = state["own"].clone()
        self.losses.load(state["losses"], own=own)
        self.groups.load(state["groups"])
        self._reading = Reading(*state["reading"]) if state["reading"] else None
        self.wants_gradients = self._noise is not None and self._reading is None
        if self._path and state["path"]:
            self._path.load(state["path"])

    def _nothing(self) -> Sums:
        return Sums(len(self.weights.layers), self.groups.places(self.weights.layers))
