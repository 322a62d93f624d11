"""The recorded step, run on the CPU: the same training as torch's own, and nothing that a recording could not hold."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from critlab._core.errors import Diverged
from critlab.data import load
from critlab.deficits import Blur
from critlab.objectives import Learned
from critlab.objectives.cross_entropy import CrossEntropy, cross_entropy
from critlab.study.optimizers.spec import OptimizerSpec
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe
from critlab.study.schedules.course import Phase, PhasedCourse
from critlab.study.specs import AugmentSpec
from critlab.study.switches.optimisation.gradient_clip import GradientClip
from critlab.training.cuda_graph import step_program
from critlab.training.cuda_graph.step_program import StepProgram
from critlab.training.cuda_graph.updates import UpdateRule, decayed, shrunk, update_rule
from critlab.training.inputs.batches import EpochSize
from critlab.training.learner import NetworkLearner
from critlab.training.loop import train_epoch
from critlab.training.optimizers import make_optimizer, pack_optimizer
from critlab.training.tally import RunningMetrics, Score
from studies import small

OPTIMIZERS: list[dict[str, Any]] = [
    {"name": "sgd", "momentum": 0.9},
    {"name": "sgd", "momentum": 0.0},
    {"name": "adam"},
    {"name": "adamw"},
]
CNN = {"name": "all_cnn", "width": 2}
DROPPING = {"name": "mlp", "hidden": [12], "dropout": 0.3}
RECIPES = [
    Recipe(0.05, 0.001, AugmentSpec(flip=True, shift=2), Blur(factor=4)),
    Recipe(0.04, 0.002, AugmentSpec(flip=True, shift=2)),
    Recipe(0.01, 0.0, course=PhasedCourse((Phase(0.0, 1.0, 0.5, 1.0),))),
]
CLIPPED = Recipe(0.01, 0.001, switches=(GradientClip(value=0.5),))


def learner(recorded: bool, optimizer: dict[str, Any] | None = None, model: dict[str, Any] = CNN) -> NetworkLearner:
    chosen: dict[str, Any] = {"lr": 0.05, "batch": 50, **(optimizer or OPTIMIZERS[0])}
    study = small(optimizer=chosen, model=model)
    return NetworkLearner(study, load(study.data), Numerics(), recorded=recorded)


def run(taught: NetworkLearner, seed: int = 0) -> tuple[Any, list[Any]]:
    state = taught.start({"seed": seed})
    return state, [taught.advance(state, recipe, epoch) for epoch, recipe in enumerate(RECIPES)]


def assert_alike(taught: NetworkLearner, left: Any, right: Any, **how: Any) -> None:
    first, second = taught.pack(left), taught.pack(right)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_allclose(value, second[name], err_msg=name, **how)


def rule_of(spec: OptimizerSpec) -> UpdateRule:
    rule = update_rule(spec)
    assert rule is not None
    return rule


class Exact(nn.Module):
    """A network in float64, where rounding is too small to be amplified by what comes after."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model.double()

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.model(images.double())
        return logits


@pytest.mark.slow
@pytest.mark.parametrize("model", [CNN, DROPPING])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_it_trains_as_torchs_own_optimiser_does(optimizer: dict[str, Any], model: dict[str, Any]) -> None:
    """Over epochs of other rates, decays and deficits and a smaller last batch, with what a network draws itself."""
    taught = learner(False, optimizer, model)
    spec, networks = taught.base.optimizer, [Exact(taught.start({"seed": 0}).model) for _ in range(2)]
    optimizers = [make_optimizer(spec, network) for network in networks]
    program = StepProgram(Exact(taught.start({"seed": 1}).model), rule_of(spec), nullcontext, 3)
    for epoch, recipe in enumerate([*RECIPES, CLIPPED]):
        slower = replace(recipe, lr=recipe.lr * (0.02 if spec.name in ("adam", "adamw") else 1.0))
        how: Any = {"seed": 0, "epoch": epoch, "size": EpochSize(120, 50)}
        scores = [
            train_epoch(network, own, taught.examples, slower, program=used, **how)
            for network, own, used in zip(networks, optimizers, (None, program), strict=True)
        ]
        assert scores[0].loss == pytest.approx(scores[1].loss, rel=1e-6)
        assert isinstance(scores[0], Score)
        assert isinstance(scores[1], Score)
        assert scores[0].accuracy == scores[1].accuracy
    for name, value in networks[0].state_dict().items():
        torch.testing.assert_close(networks[1].state_dict()[name], value, rtol=1e-5, atol=1e-7)
    kept = [pack_optimizer(own, network) for own, network in zip(optimizers, networks, strict=True)]
    for name, value in kept[0].items():
        torch.testing.assert_close(kept[1][name], value, rtol=1e-5, atol=1e-7)


RULES: tuple[dict[str, Any], ...] = (
    {"name": "sgd", "momentum": 0.9, "batch": 30},
    {"name": "sgd", "nesterov": True},
    {"name": "adam", "betas": [0.8, 0.99], "eps": 1e-6},
    {"name": "adamw"},
)


@pytest.mark.parametrize("optimizer", RULES, ids=lambda optimizer: str(optimizer["name"]))
def test_an_update_against_torchs_in_float64(optimizer: dict[str, Any]) -> None:
    spec = OptimizerSpec(lr=0.1, **optimizer)
    torch.manual_seed(0)
    weights = [torch.randn(4, 3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)]
    twins = [nn.Parameter(weight.clone()) for weight in weights]
    more: dict[str, Any] = {"momentum": 0.9} if spec.name == "sgd" else {}
    theirs = spec.options.found()(twins, lr=0.1, weight_decay=0.01, **more, **spec.options.arguments())
    rule = rule_of(spec)
    slots = [rule.slots(weight) for weight in weights]
    lr, decay = (torch.tensor(value, dtype=torch.float64) for value in (0.1, 0.01))
    for _ in range(5):
        gradients = [torch.randn_like(weight) for weight in weights]
        for twin, gradient in zip(twins, gradients, strict=True):
            twin.grad = gradient.clone()
        theirs.step()
        if rule.decoupled:
            shrunk(weights, lr, decay)
        rule.apply(weights, gradients if rule.decoupled else decayed(weights, gradients, decay), slots, lr)
    for weight, twin in zip(weights, twins, strict=True):
        torch.testing.assert_close(weight, twin.detach(), rtol=1e-6, atol=1e-7)


@pytest.mark.slow
def test_runs_that_take_turns_on_one_seat_do_not_meet() -> None:
    taught = learner(True)
    together = [taught.start({"seed": seed}) for seed in (0, 1)]
    for epoch, recipe in enumerate(RECIPES):
        for state in together:
            taught.advance(state, recipe, epoch)
    for state, seed in zip(together, (0, 1), strict=True):
        assert_alike(taught, state, run(learner(True), seed)[0], rtol=0, atol=0)


@pytest.mark.slow
def test_a_stored_place_inside_an_epoch_goes_on_bit_for_bit() -> None:
    taught, other = learner(True), learner(True)
    expected, losses = run(taught)
    state, found = taught.start({"seed": 0}), []
    for epoch, recipe in enumerate(RECIPES):
        while (learned := taught.advance(state, recipe, epoch, pause=lambda: True)) is None:
            state = other.unpack(taught.pack(state))
            taught, other = other, taught
        found.append(learned)
    assert found == losses
    assert_alike(taught, state, expected, rtol=0, atol=0)


def test_a_loss_that_is_not_finite_is_told_with_its_step() -> None:
    taught = learner(True)
    state = taught.start({"seed": 0})
    with pytest.raises(Diverged, match=r"not finite in step [123] of epoch 1"):
        taught.advance(state, Recipe(1e38, 0.0), 0)


def test_labels_that_do_not_count_are_not_counted() -> None:
    program, images = program_of(nn.Linear(6, 3)), torch.randn(5, 6)
    labels = torch.tensor([0, -1, 2, 1, -1])
    step = program.step(images, labels, CrossEntropy())
    logits = program.model(images)
    step.take(images, labels, torch.Generator())
    tally = RunningMetrics()
    assert program.read(tally) is None
    right = int((logits.argmax(1) == labels).sum())
    assert (tally.counted, tally.right) == (3, right)
    assert tally.loss == pytest.approx(3 * cross_entropy(logits, labels).item())


def program_of(model: nn.Module) -> StepProgram:
    return StepProgram(model, rule_of(OptimizerSpec(name="sgd", lr=0.1, batch=5)), nullcontext, 4)


class Drawing(CrossEntropy):
    """Draws on the CPU, as what cannot be recorded does."""

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        noise = torch.rand(images.shape, generator=generator)
        return super().learn(model, images + noise, labels, generator)


class Recorder:
    """Stands for a GPU's: counts recordings, and runs them without the generator, which a recording does not know."""

    def __init__(self) -> None:
        self.recorded = 0

    def warm_up(self, step: Callable[[Any], None], generator: torch.Generator) -> None:
        step(generator)

    def __call__(self, step: Callable[[Any], None], generator: torch.Generator) -> Callable[[Any], None]:
        self.recorded += 1
        return lambda _: step(generator)


@pytest.mark.slow
def test_one_recording_serves_all_runs_and_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(step_program, "_recorder", lambda device: recorder)
    taught = learner(True)
    states = [run(taught, seed)[0] for seed in (0, 1)]
    assert recorder.recorded == 2, "for whole batches, and for the last one"
    for seed, state in enumerate(states):
        assert_alike(taught, state, run(learner(True), seed)[0], rtol=0, atol=0)


def test_what_draws_on_the_cpu_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(step_program, "_recorder", lambda device: recorder)
    program, images, labels = program_of(nn.Linear(6, 3)), torch.randn(5, 6), torch.arange(5) % 3
    seen = []
    for seed in (1, 1, 2):
        program.begin(nn.Linear(6, 3).requires_grad_(True), torch.optim.SGD(nn.Linear(1, 1).parameters()), Recipe(0, 0))
        with torch.no_grad():
            for value in program.model.parameters():
                value.fill_(0.1).view(-1)[0] = 1
        program.step(images, labels, Drawing()).take(images, labels, torch.Generator().manual_seed(seed))
        tally = RunningMetrics()
        program.read(tally)
        seen.append(tally.loss)
    assert recorder.recorded == 0
    assert seen[0] == seen[1] != seen[2]


def test_preparing_a_step_leaves_everything_as_it_was() -> None:
    program = program_of(nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)))
    program.lr.fill_(0.5)
    watched = [
        *program.model.parameters(),
        *program.model.buffers(),
        program.place,
        program.slots[0]["momentum_buffer"],
    ]
    before = [value.detach().clone() for value in watched]
    program.step(torch.randn(5, 6), torch.arange(5) % 3, CrossEntropy())
    for value, old in zip(watched, before, strict=True):
        assert torch.equal(value, old)


class Unread(TorchDispatchMode):
    """Refuses what a GPU would be waited for: looking at a number, and shapes that depend on numbers."""

    refused = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "unique")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert not any(name in str(func) for name in self.refused), f"{func} looks at numbers"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_step_looks_at_a_number(optimizer: dict[str, Any]) -> None:
    """Neither what makes the batch nor the step, before the epoch ends; the draws of an augmentation are shapes."""
    taught, recipe = learner(True, optimizer), RECIPES[0]
    state, program = taught.start({"seed": 0}), taught._program
    program.begin(state.model, state.optimizer, recipe)
    with Unread():  # type: ignore[no-untyped-call]
        for position in range(2):
            images, labels = taught.examples.training_batch(torch.arange(40), recipe, 0, 0, position)
            program.step(images, labels, recipe.objective).take(images, labels, torch.Generator())


def test_the_cross_entropy_is_what_it_was() -> None:
    logits, labels = torch.randn(64, 10), torch.randint(-1, 10, (64,))
    summed = nn.functional.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")
    assert torch.equal(cross_entropy(logits, labels), summed / int((labels >= 0).sum()))
    assert cross_entropy(logits, torch.full((64,), -1)) == 0
