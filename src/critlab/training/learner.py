"""The learner of papers 1 and 2: a network trained by gradient descent on labelled images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import astuple
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab._core.random_streams import generator, key
from critlab.data.image_set import ImageSet
from critlab.measures.correct_images import CorrectImages
from critlab.measures.reading import Probe, Reading
from critlab.measures.weights.norms import weight_norms
from critlab.models import MODELS
from critlab.models.blocks.strided_pointwise import sound_convolutions
from critlab.study.ingredients.measurement import TEST, Measurement
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe
from critlab.study.study import Setup
from critlab.study.switches.switch import Trained
from critlab.training.cuda_graph.step_program import StepProgram
from critlab.training.cuda_graph.updates import UpdateRule, update_rule
from critlab.training.evaluation import recomputed, score_test_images
from critlab.training.heads import built_model, likelihood_of_task
from critlab.training.inputs.batches import EpochSize, batches
from critlab.training.inputs.examples import Examples
from critlab.training.inputs.probe_images import ProbeImages
from critlab.training.interventions import intervene
from critlab.training.loop import autocast, selected, train_epoch
from critlab.training.optimizers import drop_state, make_optimizer, pack_optimizer, unpack_optimizer
from critlab.training.seeding import kept_generators, seed_all, seeded
from critlab.training.states.arrays import array_of, marked, unmarked
from critlab.training.states.network_state import NetworkState, entries_below, followed_metrics
from critlab.training.states.outside import only_tensors, outside, packed, restore, untouched
from critlab.training.states.packing import pack, unpack
from critlab.training.switching.acting import batch_size, ordered, switched
from critlab.training.switching.added import Added
from critlab.training.tally import Progress, Score


class NetworkLearner:
    """Starts, advances, measures, packs and unpacks networks of one study.

    Args:
        base: data, model, optimiser and augmentation.
        images: the images that ``base`` names.
        numerics: how numbers are computed.
        device: where.
        recorded: whether steps are taken by one recorded program; None is on a GPU only.
    """

    def __init__(
        self, base: Setup, images: ImageSet, numerics: Numerics, device: str = "cpu", recorded: bool | None = None
    ) -> None:
        self.base, self.numerics, self.device = base, numerics, torch.device(device)
        self.recorded = self.device.type == "cuda" if recorded is None else recorded
        self.examples = Examples.of(images, self.device, base.task)
        self.probe_images = ProbeImages(self.examples, base.optimizer.batch)
        self.length = base.data.epoch or len(images.train_labels)
        self.built_in = not is_path(base.model.name) and MODELS.find(base.model.name).__module__.startswith("critlab.")

    def start(self, origin: Mapping[str, Any]) -> NetworkState:
        """The untrained network of ``origin["seed"]``."""
        seed = int(origin["seed"])
        model = self._untrained(key(seed, "init"))
        fresh = {} if self.built_in else outside(model)
        return NetworkState(model, make_optimizer(self.base.optimizer, model), seed, 0, fresh=fresh)

    def advance(
        self, state: NetworkState, recipe: Recipe, epoch: int, pause: Callable[[], bool] = lambda: False
    ) -> dict[str, float] | None:
        """Trains ``state`` for one epoch, or for what is left of it, in place.

        Returns:
            ``train_loss`` (of cross entropy: nats) and the task's metrics, such as ``train_accuracy`` (a fraction; not
            there where the objective gives no outputs) over the epoch's batches, and ``weight_displacement``, how far
            the weights are from where the epoch's first step found them; None where ``pause``, asked after every step
            of the optimiser, ended the call inside the epoch.

        Raises:
            Diverged: a loss or a weight is not finite.
        """
        if state.progress is None:
            self._begin(state, recipe, epoch)
        optimizing = self.base.optimizer
        optimizer = state.added.chosen(recipe, state.optimizer, optimizing, state.model)
        score = train_epoch(
            state.model,
            optimizer,
            self.examples,
            recipe,
            seed=state.seed,
            epoch=epoch,
            size=EpochSize(self.length, batch_size(recipe, optimizing.batch), optimizing.accumulate),
            forward=self.forward,
            since=state.progress,
            pause=pause,
            program=self._program if self._records(recipe) else None,
            stepped=state.added.stepped(recipe),
        )
        if isinstance(score, Progress):
            state.progress = score
            return None
        learned = _quantities("train", score)
        if state.began:  # not where the place inside the epoch was stored before it was kept
            learned["weight_displacement"] = weight_norms(state.model, state.began)[""]
        state.epoch, state.progress, state.began = epoch + 1, None, {}
        return learned

    def _records(self, recipe: Recipe) -> bool:
        """Whether the steps of such an epoch are recorded: a program takes a batch in a step and knows few switches."""
        known = self.base.optimizer.accumulate == 1 and all(switch.recorded for switch in recipe.switches)
        return self.recorded and known and self._can_be_recorded and self._rule is not None

    def _begin(self, state: NetworkState, recipe: Recipe, epoch: int) -> None:
        """What is done once before the first step of an epoch."""
        if recipe.intervention is not None:
            fresh = self._untrained(key(state.seed, "intervention", epoch))
            intervene(state.model, state.optimizer, recipe.intervention, fresh)
        dropped = recipe.intervention is not None and recipe.intervention.optimizer == "dropped"
        if dropped or recipe.fresh_optimizer:
            drop_state(state.optimizer, self.base.optimizer, state.model)
        state.added.begin(recipe, state.model)
        state.began = {name: value.detach().clone() for name, value in state.model.named_parameters()}

    def measure(self, state: NetworkState, spec: Measurement) -> list[Reading]:
        """Reads one measure of ``state``; changes nothing."""
        kept = nullcontext() if self.built_in else untouched(state.model)
        trained = Trained(state.model, state.optimizer, state.seed, state.epoch - 1)
        on = nullcontext() if spec.recipe is None else switched(spec.recipe, trained, measured=True)
        with seeded(key(state.seed, "measure", state.epoch)), kept, on, sound_convolutions(self.device):
            return self._read(state, spec)

    def _read(self, state: NetworkState, spec: Measurement) -> list[Reading]:
        if spec.options is None:
            score, correct = score_test_images(self._tested(state, spec.recipe), self.examples, self.forward)
            kept = CorrectImages.of(correct.numpy()) if spec.by_image and correct is not None else None
            return [
                Reading(quantity, "", value, 0.0, correct=kept if quantity == "test_accuracy" else None)
                for quantity, value in _quantities(TEST, score).items()
            ]
        probe = self._probe(state, spec)
        state.model.eval()
        return spec.options.measure(state.model, probe)

    def pack(self, state: NetworkState) -> dict[str, NDArray[Any]]:
        """A copy of everything that a state is, as named arrays; a state needs no generator.

        Raises:
            StudyError: the model holds something that a checkpoint cannot hold; the message names it.
        """
        saved = state.model.state_dict()
        tensors = {f"model.{name}": value for name, value in saved.items() if isinstance(value, Tensor)}
        optimizer = pack_optimizer(state.optimizer, state.model)
        tensors |= {f"optimizer.{name}": value for name, value in optimizer.items()}
        tensors |= {f"began.{name}": value for name, value in state.began.items()}
        tensors |= {f"switch.{name}": value for name, value in state.added.tensors(state.model).items()}
        arrays = {marked(name, value): array_of(value, name) for name, value in tensors.items()}
        others = {name: value for name, value in saved.items() if not isinstance(value, Tensor)}
        arrays |= {f"extra.{name}": value for name, value in (pack(others) if others else {}).items()}
        if not self.built_in:
            arrays |= {f"outside.{name}": value for name, value in packed(outside(state.model), state.fresh).items()}
        if state.progress is not None:
            # sums are exact: the counts are far below 2^53
            *sums, further, followed = astuple(state.progress)
            arrays["progress"] = np.asarray([*sums, *further], dtype=np.float64)
            if followed not in (None, ("accuracy",)):
                arrays["followed"] = np.frombuffer("".join(f"{one}\n" for one in ("", *followed)).encode(), np.uint8)
        return {**arrays, "run": np.asarray([state.seed, state.epoch], dtype=np.int64)}

    def unpack(self, tensors: Mapping[str, NDArray[Any]]) -> NetworkState:
        """The state that :meth:`pack` packed; the arrays are copied into live parameters.

        Raises:
            StudyError: the model that is made now does not take what the checkpoint holds.
        """
        seed, epoch = (int(value) for value in tensors["run"])
        state = self.start({"seed": seed})
        kept = {name: value for name, value in tensors.items() if not name.startswith(("extra.", "outside."))}
        found = dict(unmarked(name, value) for name, value in kept.items())
        extra = entries_below("extra.", tensors)
        try:
            state.model.load_state_dict({**entries_below("model.", found), **(unpack(extra) if extra else {})})
        except RuntimeError as error:
            raise StudyError(
                f"model: the state of a trained model does not fit a new one: {' '.join(f'{error}'.split())}; make "
                "every parameter and buffer, in its full size, where the model is made"
            ) from None
        restore(state.model, entries_below("outside.", tensors))
        unpack_optimizer(state.optimizer, state.model, entries_below("optimizer.", found))
        state.added = Added.of(entries_below("switch.", found), state.model)
        state.epoch = epoch
        if "progress" in tensors:
            step, loss, right, counted, *further = tensors["progress"].tolist()
            followed = followed_metrics(tensors, tuple(further))
            state.progress = Progress(int(step), loss, int(right), int(counted), tuple(further), followed)
            state.began = {name: value.to(self.device) for name, value in entries_below("began.", found).items()}
        return state

    @cached_property
    def _rule(self) -> UpdateRule | None:
        """How a recorded program moves weights; None where only torch's own optimiser can."""
        return update_rule(self.base.optimizer)

    @cached_property
    def _program(self) -> StepProgram:
        """The program of all runs; its network is only a seat."""
        steps = -(-len(self.examples.train_labels) // self.base.optimizer.batch)
        assert self._rule is not None, "asked before"
        return StepProgram(self._untrained(0), self._rule, self.forward, steps)

    def _untrained(self, seed: int) -> nn.Module:
        """The study's network, initialised from ``seed``; the global generators stay as they are."""
        with kept_generators(torch.device("cpu")):
            seed_all(seed, torch.device("cpu"))
            model = built_model(self.base, self.examples.shape, self.examples.outputs)
            model = model.to(self.device)
            if not self.built_in and any(map(is_lazy, (*model.parameters(), *model.buffers()))):
                self._shape(model)
        if self.numerics.layout == "channels_last" and len(self.examples.shape) == 3:
            model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return model

    @torch.no_grad()
    def _shape(self, model: nn.Module) -> None:
        """Gives parameters without a shape theirs, by one look at a few images in evaluation mode."""
        model.eval()
        model(self.examples.ready(self.examples.train_images[:2]))
        model.train()

    @cached_property
    def _can_be_recorded(self) -> bool:
        """Whether a step is nothing but operations on tensors: a recorded program runs no Python."""
        # a recorded program counts right answers alone
        if self.base.task.followed != ("accuracy",) or not self.base.task.names_classes:
            return False
        if self.built_in:
            return True
        model = self._untrained(0).train()
        images = self.examples.ready(self.examples.train_images[: self.base.optimizer.batch])
        with torch.no_grad(), self.forward(), kept_generators(self.device):
            return only_tensors(model, lambda: model(images))

    def _tested(self, state: NetworkState, recipe: Recipe | None) -> nn.Module:
        """The network as it is tested after an epoch of ``recipe``; None before the first."""
        model = state.added.tested(recipe, state.model)
        if self.base.evaluation.batch_norm == "running" or recipe is None:
            return model
        return recomputed(model, self._shown(state.seed, state.epoch - 1, recipe), self.forward)

    def _shown(self, seed: int, epoch: int, recipe: Recipe) -> Iterator[Tensor]:
        """The images of an epoch's batches, as the network was trained on them."""
        examples = self.examples
        order = ordered(recipe, examples, seed, epoch, self.length)
        size = batch_size(recipe, self.base.optimizer.batch)
        chosen = batches(selected(recipe, examples, seed, epoch, order), size)
        for position, indices in enumerate(chosen):
            yield examples.training_batch(indices, recipe, seed, epoch, position)[0]

    @contextmanager
    def forward(self) -> Iterator[None]:
        """The context of each forward pass."""
        with autocast(self.numerics.precision, self.device), sound_convolutions(self.device):
            yield

    def _probe(self, state: NetworkState, spec: Measurement) -> Probe:
        images, labels = self.probe_images.read(spec, state.seed, state.epoch)
        return Probe(
            images,
            labels,
            lambda index: generator(state.seed, "measure", state.epoch, index),
            lambda: self._untrained(key(state.seed, "init")),
            self.forward,
            self.numerics.precision != "float32",
            likelihood_of_task(self.base.task),
        )


def _quantities(split: str, score: Score) -> dict[str, float]:
    metrics = {f"{split}_{name}": value for name, value in score.metrics.items()}
    return {**metrics, f"{split}_loss": score.loss}
