"""Every optimiser and every schedule: forks, resumed and shared epochs are those of a run from scratch, bit for bit."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import torch

from critlab.data import load
from critlab.data.image_set import ImageSet
from critlab.store.checkpoint import decode, encode
from critlab.study import Study
from critlab.study.optimizers import OPTIMIZERS, REFUSED
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe, recipes
from critlab.study.runs.tree import build
from critlab.study.schedules import CLOCKS
from critlab.training.learner import NetworkLearner
from critlab.training.states.network_state import NetworkState
from studies import small

Arrays = Mapping[str, Any]
FORK = 1
"""Epochs that both runs share."""
WINDOWS: dict[str, Any] = {"kind": "window", "onsets": [FORK, FORK + 1], "length": 1, "total": 4}

OPTIONS: dict[str, dict[str, Any]] = {
    "sgd": {"nesterov": True},
    "adam": {"amsgrad": True},
    "rmsprop": {"momentum": 0.5, "centered": True},
    "nadam": {"decoupled_weight_decay": True},
    "adagrad": {"initial_accumulator_value": 0.1, "rate_decay": 0.01},
    "asgd": {"t0": 2.0},
    "muon": {"adamw_lr": 0.01},
    "own_optimizers:SignMomentum": {"beta": 0.8},
    "own_optimizers:without_decay_of_biases": {"momentum": 0.9},
}
"""Options with which an optimiser keeps all that it can keep."""
EVERY = [*OPTIMIZERS, *(name for name in OPTIONS if name not in OPTIMIZERS)]

SCHEDULES: dict[str, dict[str, Any]] = {
    "absolute": {"lr_decay": 0.8},
    "since_removal": {"lr_decay": 0.8},
    "cosine_restart": {"lr_decay": 0.8},
    "wsd": {"decay": 1, "warmup": 1},
    "wsd_restart": {"decay": 1, "warmup": 1},
    "warmup_cosine": {"warmup": 1},
    "warmup_cosine_restart": {"warmup": 1},
    "step": {"milestones": [2], "gamma": 0.5, "warmup": 1},
    "step_restart": {"milestones": [2], "gamma": 0.5, "warmup": 1},
    "polynomial": {"power": 2.0},
    "polynomial_restart": {"power": 2.0},
    "function": {"function": "own_rates:linear"},
    "function_restart": {"function": "own_rates:linear"},
}
"""Options of the clocks that have some."""


def asked(optimizer: Mapping[str, Any], **parts: Any) -> Study:
    """A network with weights of every shape, also of one number; four epochs of two steps."""
    return small(
        **{
            "data": {"name": "sample", "train": 20, "test": 20},
            "model": {"name": "mlp", "hidden": [3, 1]},
            "optimizer": {"lr": 0.05, "batch": 10, "weight_decay": 0.01, **optimizer},
            "seeds": 1,
            "sweep": {"kind": "removal", "at": [FORK, FORK + 1], "total": 4},
            "controls": {"delay": False, "clocks": []},
            "statistics": {"final_epochs": 1},
            "measures": {},
        }
        | parts
    )


def of_optimizer(name: str) -> dict[str, Any]:
    decay = {"weight_decay": 0.0} if name == "rprop" else {}
    return {"name": name, **decay, **OPTIONS.get(name, {})}


def of_clock(clock: str) -> dict[str, Any]:
    return {"name": "adamw", "lr": 0.01, "clock": clock, **SCHEDULES.get(clock, {})}


CASES = [of_optimizer(name) for name in EVERY] + [of_clock(clock) for clock in CLOCKS]
THROUGHOUT: dict[str, dict[str, Any]] = {
    "gradient_clip": {"optimizer": {"gradient_clip": 0.05}},
    "accumulate": {"optimizer": {"batch": 5, "accumulate": 3}},
    "accumulate, in every step": {"optimizer": {"batch": 4, "accumulate": 2, "clock": "warmup_cosine"}},
    "ema": {"evaluation": {"ema": 0.5}},
    "ema, restarted": {"evaluation": {"ema": 0.5}, "intervention": {"shrink": 0.5}},
    "dropped sums": {"optimizer": {"name": "adagrad"}, "intervention": {"optimizer": "dropped"}},
    "dropped counts": {"optimizer": {"name": "own_optimizers:SignMomentum"}, "intervention": {"optimizer": "dropped"}},
    "cutmix": {"objective": {"name": "cutmix", "probability": 0.8, "smoothing": 0.1}},
    "all": {
        "optimizer": {"name": "adamw", "batch": 5, "accumulate": 2, "gradient_clip": 0.1, "clock": "one_cycle"},
        "evaluation": {"ema": 0.9, "batch_norm": "recomputed"},
        "objective": {"name": "mixup", "smoothing": 0.1},
    },
}
"""Settings of the whole training."""
SWITCHED = [{"name": name, **OPTIONS.get(name, {})} for name in EVERY if name not in ("sgd", "rprop")]


@cache
def images() -> ImageSet:
    torch.set_num_threads(1)
    return load(asked({"name": "sgd"}).data)


def learner(study: Study) -> NetworkLearner:
    return NetworkLearner(study, images(), Numerics())


def through_a_file(taught: NetworkLearner, state: NetworkState) -> NetworkState:
    return taught.unpack(decode("state", encode("state", taught.pack(state))))


def trained(
    taught: NetworkLearner, state: NetworkState, steps: list[Recipe], interrupted: bool = False
) -> list[Arrays]:
    """The state after each epoch; ``interrupted``: through a file after every step and every epoch."""
    after: list[Arrays] = []
    for recipe in steps:
        while taught.advance(state, recipe, state.epoch, lambda: interrupted) is None:
            state = through_a_file(taught, state)
        after.append(taught.pack(state))
        state = through_a_file(taught, state) if interrupted else state
    return after


def same(one: Arrays, other: Arrays) -> bool:
    return one.keys() == other.keys() and all(one[key].tobytes() == other[key].tobytes() for key in one)


def weights_of(state: Arrays) -> Arrays:
    return {key: value for key, value in state.items() if key.startswith("model.")}


def check(study: Study) -> Arrays:
    """Runs from scratch, forks, interrupted runs; returns the last state of the first run."""
    taught, tree = learner(study), build(study)
    runs = [run for run in study.runs if not run.clean]
    steps = {run.name: recipes(run, study) for run in runs}
    scratch = {run.name: trained(taught, taught.start({"seed": 0}), steps[run.name]) for run in runs}
    first, second = (run.name for run in runs)
    assert all(map(same, trained(taught, taught.start({"seed": 0}), steps[first], interrupted=True), scratch[first]))
    fork = taught.unpack(scratch[first][FORK - 1])
    assert all(map(same, trained(taught, fork, steps[second][FORK:]), scratch[second][FORK:])), "a fork"
    one, other = tree.paths(first), tree.paths(second)
    for epoch, (a, b) in enumerate(zip(one, other, strict=True)):
        if epoch:
            equal = same(scratch[first][epoch - 1], scratch[second][epoch - 1])
            assert equal == (a == b), "one name where the states are equal, and only there"
    return scratch[first][-1]


@cache
def last(case: int) -> Arrays:
    """The last state of a case, after all checks."""
    return check(asked(CASES[case]))


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda case: str(CASES[case].get("clock", CASES[case]["name"])))
def test_forks_resumed_and_shared_epochs_are_those_of_a_run_from_scratch(case: int) -> None:
    assert set(last(case)) > {"run"}


@pytest.mark.parametrize("parts", THROUGHOUT.values(), ids=[*THROUGHOUT])
def test_so_they_are_with_settings_of_the_whole_training(parts: dict[str, Any]) -> None:
    rest = {key: value for key, value in parts.items() if key != "optimizer"}
    found = check(asked({"name": "sgd", **parts.get("optimizer", {})}, **rest))
    plain = check(asked({"name": "sgd"}))
    assert any("switch.ema" in key for key in found) == ("evaluation" in parts)
    assert ("evaluation" in parts) or not same(weights_of(found), weights_of(plain))


@pytest.mark.parametrize("switch", SWITCHED, ids=lambda switch: str(switch["name"]))
def test_so_they_are_with_another_optimiser_in_the_window(switch: dict[str, Any]) -> None:
    check(asked({"name": "sgd"}, deficit=None, switch={"optimizer": switch}, sweep=WINDOWS))


def test_each_differs_from_its_neighbours() -> None:
    weights = [
        {key: value for key, value in last(case).items() if key.startswith("model.")} for case in range(len(CASES))
    ]
    alike = [CASES[place] for place, (one, other) in enumerate(pairwise(weights)) if same(one, other)]
    assert alike == []
    for name in ("sgd", "adam", "rmsprop", "adagrad", "own_optimizers:SignMomentum"):
        plain = {key: value for key, value in of_optimizer(name).items() if key not in OPTIONS[name]}
        study = asked(plain)
        taught = learner(study)
        run = next(run for run in study.runs if not run.clean)
        state = trained(taught, taught.start({"seed": 0}), recipes(run, study))[-1]
        assert not same(weights_of(state), weights_of(last(EVERY.index(name)))), name


def test_every_optimiser_of_torch_is_a_row_or_refused() -> None:
    there = {
        name.lower()
        for name, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
    }
    assert there <= {*OPTIMIZERS, *REFUSED}
    options = {"params", "lr", "momentum", "weight_decay", "lr_decay"}
    left_out = {"foreach", "fused", "capturable", "differentiable", "maximize", "decoupled_weight_decay"}
    for name in set(OPTIMIZERS) & there:
        kind = OPTIMIZERS[name]
        known = set(inspect.signature(getattr(torch.optim, kind.torch_class)).parameters)
        assert known - options - left_out <= set(kind.model_fields), name
        made = kind().arguments()
        for key, parameter in inspect.signature(getattr(torch.optim, kind.torch_class)).parameters.items():
            if key in made and parameter.default is not None:
                assert made[key] == parameter.default, (name, key)
