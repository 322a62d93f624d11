"""The learner of papers 1 and 2: a network trained by gradient descent on labelled images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from critlab.data.image_set import ImageSet
from critlab.data.subset import balanced
from critlab.measures import MEASURES
from critlab.measures.reading import Probe, Reading
from critlab.randomness import generator, key
from critlab.study.measurement import Measurement
from critlab.study.origin import Numerics
from critlab.study.recipe import Recipe
from critlab.study.study import Base
from critlab.training.examples import Examples, unit
from critlab.training.loop import Progress, casting, score_test_images, train_epoch
from critlab.training.optimizers import make_optimizer, pack_optimizer, unpack_optimizer


@dataclass
class NetworkState:
    """A network in training: changed in place by :meth:`NetworkLearner.advance`.

    ``progress`` says how far it is inside an epoch; None between two epochs.
    """

    model: nn.Module
    optimizer: Optimizer
    seed: int
    epoch: int
    progress: Progress | None = None


class NetworkLearner:
    """Starts, advances, measures, packs and unpacks networks of one study.

    Args:
        base: data, model, optimiser and augmentation.
        images: the images that ``base`` names.
        numerics: how numbers are computed.
        device: where.
    """

    def __init__(self, base: Base, images: ImageSet, numerics: Numerics, device: str = "cpu") -> None:
        self.base, self.numerics, self.device = base, numerics, torch.device(device)
        self.examples = Examples.of(images, self.device)
        self.length = base.data.epoch or len(images.train_labels)

    def start(self, origin: Mapping[str, Any]) -> NetworkState:
        """The untrained network of ``origin["seed"]``."""
        seed = int(origin["seed"])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(key(seed, "init"))
            model = self.base.model.build(self.examples.shape, self.examples.classes)
        model = model.to(self.device)
        if self.numerics.layout == "channels_last" and len(self.examples.shape) == 3:
            model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return NetworkState(model, make_optimizer(self.base.optimizer, model), seed, 0)

    def advance(
        self, state: NetworkState, recipe: Recipe, epoch: int, pause: Callable[[], bool] = lambda: False
    ) -> dict[str, float] | None:
        """Trains ``state`` for one epoch, or for what is left of it, in place.

        Returns:
            ``train_loss`` (nats) and ``train_accuracy`` (a fraction) over the epoch's batches; None where ``pause``,
            asked after every step, ended the call inside the epoch.

        Raises:
            Diverged: a loss or a weight is not finite.
        """
        score = train_epoch(
            state.model,
            state.optimizer,
            self.examples,
            recipe,
            seed=state.seed,
            epoch=epoch,
            length=self.length,
            batch=self.base.optimizer.batch,
            forward=self._forward,
            since=state.progress,
            pause=pause,
        )
        if isinstance(score, Progress):
            state.progress = score
            return None
        state.epoch, state.progress = epoch + 1, None
        return {"train_accuracy": score.accuracy, "train_loss": score.loss}

    def measure(self, state: NetworkState, spec: Measurement) -> list[Reading]:
        """Reads one measure of ``state``; changes nothing."""
        if spec.name == "test":
            score = score_test_images(state.model, self.examples, self._forward)
            return [
                Reading("test_accuracy", "", score.accuracy, 0.0),
                Reading("test_loss", "", score.loss, 0.0),
            ]
        probe = self._probe(state, spec)
        state.model.eval()
        readings: list[Reading] = MEASURES.find(spec.name).load()(state.model, probe, spec.options)
        return readings

    def pack(self, state: NetworkState) -> dict[str, NDArray[Any]]:
        """A copy of everything that a state is, as named arrays; a state needs no generator."""
        tensors = {f"model.{name}": value for name, value in state.model.state_dict().items()}
        optimizer = pack_optimizer(state.optimizer, state.model)
        tensors |= {f"optimizer.{name}": value for name, value in optimizer.items()}
        arrays = {name: np.array(value.detach().cpu().numpy(), order="C") for name, value in tensors.items()}
        if state.progress is not None:
            # sums are exact: the counts are far below 2^53
            arrays["progress"] = np.asarray(astuple(state.progress), dtype=np.float64)
        return {**arrays, "run": np.asarray([state.seed, state.epoch], dtype=np.int64)}

    def unpack(self, tensors: Mapping[str, NDArray[Any]]) -> NetworkState:
        """The state that :meth:`pack` packed; the arrays are copied into live parameters."""
        seed, epoch = (int(value) for value in tensors["run"])
        state = self.start({"seed": seed})
        found = {name: torch.from_numpy(value.copy()) for name, value in tensors.items()}
        state.model.load_state_dict(_below("model.", found))
        unpack_optimizer(state.optimizer, state.model, _below("optimizer.", found))
        state.epoch = epoch
        if "progress" in tensors:
            step, loss, right, counted = tensors["progress"].tolist()
            state.progress = Progress(int(step), loss, int(right), int(counted))
        return state

    def _forward(self) -> AbstractContextManager[Any]:
        return casting(self.numerics.precision, self.device)

    def _probe(self, state: NetworkState, spec: Measurement) -> Probe:
        split = getattr(spec.options, "split", "train")
        there = len(self.examples.test_labels if split == "test" else self.examples.train_labels)
        count = min(getattr(spec.options, "images", there), there)
        indices, images, labels = self._clean_probe(count, getattr(spec.options, "split", "train"))
        if getattr(spec.options, "inputs", "clean") == "as_trained" and spec.recipe is not None:
            deprived = Recipe(spec.recipe.lr, spec.recipe.weight_decay, None, spec.recipe.deficit)
            images, labels = self.examples.training_batch(indices, deprived, state.seed, state.epoch, 0)
        return Probe(images, labels, lambda index: generator(state.seed, "measure", state.epoch, index))

    @cache  # noqa: B019 - lives as long as the one learner of a worker process
    def _clean_probe(self, count: int, split: str) -> tuple[Tensor, Tensor, Tensor]:
        """Class-balanced clean images of one split, the same for every run and epoch."""
        labels = self.examples.test_labels if split == "test" else self.examples.train_labels
        indices = torch.from_numpy(np.asarray(balanced(labels.cpu().numpy(), count), dtype=np.int64))
        if split == "test":
            places = indices.to(labels.device)
            return indices, self.examples.normalised(unit(self.examples.test_images[places])), labels[places]
        plain = Recipe(lr=1.0, weight_decay=0.0)
        images, labels = self.examples.training_batch(indices, plain, 0, 0, 0)
        return indices, images, labels


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
