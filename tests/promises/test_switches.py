"""Every switch and both sweeps over time: forks equal runs from scratch, resumed runs those that never stopped."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import critlab
from critlab.data import load
from critlab.engine.maintenance.verify import verify
from critlab.report.documents.study_text import study_text
from critlab.report.text.names import switch_words
from critlab.store import Store
from critlab.study import Study
from critlab.study.ingredients.measurement import TEST, Measurement
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe, recipes
from critlab.study.runs.run import Run
from critlab.study.switches import SWITCHES
from critlab.study.switches.switch import EpochImages
from critlab.training.learner import NetworkLearner
from critlab.training.states.network_state import NetworkState
from studies import small

TOTAL, FLIP = 3, 1
VALUES: dict[str, Any] = {
    "weight_decay": 0.1,
    "lr_factor": 0.5,
    "augment": {"flip": False},
    "objective": "smoothed_cross_entropy",
    "select": {"name": "data_subset", "fraction": 0.5},
    "batch": 5,
    "resolution": 14,
    "mixture": {"weights": {"low": 3, "high": 1}, "classes": {"low": [0, 1, 2, 3, 4], "high": [5, 6, 7, 8, 9]}},
    "mixup": 0.4,
    "cutmix": 0.5,
    "label_smoothing": 0.1,
    "dropout": 0.2,
    "freeze": "block1*",
    "optimizer": {"name": "adam", "lr": 0.001},
    "gradient_clip": 0.05,
    "ema": 0.9,
    "call": "toy_switches:no_shortcut",
}
"""A value of every switch that changes the training of :func:`asked`."""

FURTHER = [
    ("optimizer", {"name": "adam", "state": "dropped"}),
    ("optimizer", {"name": "sgd", "momentum": 0.5}),
    ("optimizer", {"name": "sgd", "state": "dropped"}),
    ("mixture", {"weights": {"odd": 1, "even": 0}, "by": "toy_switches:part"}),
    ("toy_switches:HalfDecay", 0.5),
]
EVERY = [*VALUES.items(), *FURTHER]
MODEL = {"name": "depth_family", "width": 2, "dropout": 0.5}
KINDS = ("onset", "switch_off")


def asked(switch: Mapping[str, Any] | None, kind: str = "onset", **changes: Any) -> Study:
    return small(
        **{
            "model": MODEL,
            "data": {"name": "sample", "train": 20, "test": 20},
            "optimizer": {"name": "sgd", "lr": 0.02, "batch": 10, "momentum": 0.9, "weight_decay": 0.001},
            "seeds": 1,
            "deficit": None,
            "switch": switch,
            "sweep": {"kind": kind, "at": [FLIP], "total": TOTAL},
            "statistics": {"final_epochs": 1},
            "measures": {},
        }
        | changes
    )


@cache
def learner() -> NetworkLearner:
    """One for all studies here: they differ in their windows alone."""
    torch.set_num_threads(1)
    study = asked({"ema": 0.5})
    return NetworkLearner(study, load(study.data), Numerics())


def run_at(study: Study, at: object) -> Run:
    return next(run for run in study.runs if run.at == at and not run.clean)


def clean(study: Study) -> Run:
    return next(run for run in study.runs if run.clean)


def trained(state: NetworkState, steps: list[Recipe]) -> NetworkState:
    for recipe in steps:
        learner().advance(state, recipe, state.epoch)
    return state


def from_scratch(steps: list[Recipe]) -> NetworkState:
    return trained(learner().start({"seed": 0}), steps)


@cache
def trunk_at(epochs: int) -> dict[str, Any]:
    """The clean run after so many epochs, as a checkpoint."""
    study = asked({"ema": 0.5})
    return dict(learner().pack(from_scratch(recipes(clean(study), study)[:epochs])))


def stored(state: NetworkState) -> NetworkState:
    return learner().unpack(learner().pack(state))


def same(one: NetworkState, other: NetworkState) -> bool:
    first, second = learner().pack(one), learner().pack(other)
    return first.keys() == second.keys() and all(first[key].tobytes() == second[key].tobytes() for key in first)


def test_every_switch_has_a_value_here() -> None:
    assert set(VALUES) == set(SWITCHES.rows)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "value"), EVERY, ids=lambda value: str(value)[:30])
def test_a_fork_equals_a_run_from_scratch_and_a_resumed_run_one_that_never_stopped(
    name: str, value: Any, kind: str
) -> None:
    study = asked({name: value}, kind)
    steps = recipes(run_at(study, FLIP), study)
    straight = from_scratch(steps)
    trunk = recipes(run_at(study, "never"), study) if kind == "switch_off" else recipes(clean(study), study)
    assert steps[:FLIP] == trunk[:FLIP], "the first epochs are those of the trunk"
    begun = stored(from_scratch(trunk[:FLIP])) if kind == "switch_off" else learner().unpack(trunk_at(FLIP))
    assert same(trained(begun, steps[FLIP:]), straight)
    state, stops = learner().start({"seed": 0}), count()
    while state.epoch < TOTAL:
        # stopped and stored after every other step
        learner().advance(state, steps[state.epoch], state.epoch, lambda: next(stops) % 2 == 0)
        state = stored(state)
    assert same(state, straight)
    if (name, kind) == ("ema", "switch_off"):
        assert same(learner().unpack(trunk_at(TOTAL)), straight), "nothing of the average is left"
    else:
        assert not same(learner().unpack(trunk_at(TOTAL)), straight), "the switch changes training or its state"
    if kind == "switch_off":
        nothing_left(straight)


@pytest.mark.parametrize(("name", "value"), EVERY, ids=lambda value: str(value)[:30])
def test_a_switch_that_is_never_on_is_the_study_without_it(name: str, value: Any) -> None:
    plain = recipes(clean(asked({"ema": 0.5})), asked({"ema": 0.5}))
    for kind in KINDS:
        study = asked({name: value}, kind)
        assert recipes(clean(study), study) == plain
        on = recipes(run_at(study, FLIP), study)
        before, after = (on[:FLIP], on[FLIP:]) if kind == "onset" else (on[FLIP:], on[:FLIP])
        assert not any(recipe.switches for recipe in before)
        assert after != plain[: len(after)]


def nothing_left(state: NetworkState) -> None:
    """A switch that is off leaves no trace but the weights."""
    assert not state.added.tensors(state.model)
    assert all(module.training for module in state.model.modules())
    assert [module.p for module in state.model.modules() if isinstance(module, nn.Dropout)] == [0.5, 0.5]
    assert all(parameter.requires_grad for parameter in state.model.parameters())
    assert state.optimizer.param_groups[0]["momentum"] == 0.9
    assert not state.optimizer._optimizer_step_pre_hooks
    assert not state.optimizer._optimizer_step_post_hooks


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dropout", "gradient_clip", "ema", "batch", "mixup"])
def test_a_recorded_program_does_what_it_knows_and_leaves_the_rest_to_ordinary_steps(name: str) -> None:
    study = asked({name: VALUES[name]})
    recorded = NetworkLearner(study, load(study.data), Numerics(), recorded=True)
    steps = recipes(run_at(study, 0), study)[:1]
    state = recorded.start({"seed": 0})
    recorded.advance(state, steps[0], 0)
    ordinary = from_scratch(steps)
    if not all(switch.recorded for switch in steps[0].switches):
        assert "_program" not in vars(recorded), "no program was made"
        assert same(state, ordinary)
        return
    assert "_program" in vars(recorded)
    found, expected = ({**one.model.state_dict(), **one.added.tensors(one.model)} for one in (state, ordinary))
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-4, atol=1e-5)


NULLS = {"call": "toy_switches:nothing", "gradient_clip": 1e30}


@pytest.mark.slow
@pytest.mark.parametrize("name", NULLS)
def test_a_switch_that_does_nothing_gives_the_run_without_it(name: str) -> None:
    study = asked({name: NULLS[name]})
    runs = [from_scratch(recipes(run_at(study, at), study)) for at in (0, FLIP)]
    assert all(same(one, learner().unpack(trunk_at(TOTAL))) for one in runs)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_sweep_in_a_store_equals_each_run_by_itself(kind: str, tmp_path: Path) -> None:
    """A second point is added later, so it forks from a checkpoint that holds what the switches add."""
    switch = {"ema": 0.7, "freeze": "block1*", "optimizer": VALUES["optimizer"]}
    means: dict[str, Any] = {"engine": "inline", "device": "cpu", "precision": "float32"}
    critlab.run(asked(switch, kind), tmp_path / "store", **means)
    study = asked(switch, sweep={"kind": kind, "at": [FLIP, FLIP + 1], "total": TOTAL})
    results = critlab.run(study, tmp_path / "store", **means)
    assert {outcome.status for outcome in results.outcomes} == {"done"}
    assert len(study.runs) == 4, "never on, at each point, and always on"
    for run in study.runs:
        steps = recipes(run, study)
        state = from_scratch(steps)
        read = {one.quantity: one.value for one in learner().measure(state, Measurement(TEST, None, steps[-1]))}
        rows = results.by_run[run.identifier(0)]
        found = {row.quantity: row.value for row in rows if row.epoch == TOTAL and row.quantity in read}
        assert found == read
    assert results.verdict().reasons == ("asks_when",)
    assert [one.name for one in results.verdict().damages] == ["equal_total"] * 3
    assert not verify(Store(tmp_path / "store")).wrong


def test_the_average_is_tested_and_the_weights_are_not_changed_by_it() -> None:
    study = asked({"ema": 0.5})
    steps = recipes(run_at(study, 0), study)
    state = learner().start({"seed": 0})
    begun = {name: value.clone() for name, value in state.model.state_dict().items() if value.is_floating_point()}
    plain = learner().start({"seed": 0})
    stops = count()
    expected = begun
    while state.epoch == 0:
        learner().advance(state, steps[0], 0, lambda: bool(next(stops) + 1))
        now = state.model.state_dict()
        expected = {name: value.lerp(now[name], 0.5) for name, value in expected.items()}
    for name, value in state.added.kept["ema"].items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=0)
    trained(plain, recipes(clean(study), study)[:1])
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, state.model.state_dict()[name])
    twin = learner()._tested(state, steps[0])
    assert twin is not state.model
    assert all(torch.equal(twin.state_dict()[name], value) for name, value in expected.items())


def test_frozen_modules_keep_weights_momentum_and_statistics() -> None:
    study = asked({"freeze": ["block1*"]})
    state = from_scratch(recipes(clean(study), study)[:1])
    before = {name: value.copy() for name, value in learner().pack(state).items()}
    trained(state, recipes(run_at(study, 0), study)[:1])
    after = learner().pack(state)
    frozen = [name for name in before if name.split(".", 1)[-1].startswith("block1") and not name.startswith("began")]
    kinds = {"momentum": "momentum_buffer", "statistics": "running_mean", "weights": "weight"}
    for kind in kinds.values():
        assert any(kind in name for name in frozen), kind
    assert all(np.array_equal(before[name], after[name]) for name in frozen)
    moved = [name for name in before if name not in frozen and name.startswith("model.") and "weight" in name]
    assert any(not np.array_equal(before[name], after[name]) for name in moved)


def test_a_mixture_has_its_shares_and_sees_each_image_equally_often() -> None:
    switch = next(iter(asked({"mixture": VALUES["mixture"]}).switch or ()))
    labels = torch.arange(60) % 10
    orders = [switch.order(EpochImages(labels, 3, epoch, 60)) for epoch in range(4)]
    seen = torch.cat([order for order in orders if order is not None])
    low = seen[labels[seen] < 5]
    assert len(low) == 4 * 45
    counts = torch.bincount(low, minlength=60)[labels < 5]
    assert counts.max() - counts.min() <= 1
    assert len(seen) == 240


@pytest.mark.parametrize(("name", "value"), EVERY, ids=lambda value: str(value)[:30])
def test_a_study_with_a_switch_reads_back_from_its_page_and_its_record(name: str, value: Any) -> None:
    study = asked({name: value})
    assert Study.read(tomllib.loads(study_text(study)), "page") == study
    assert Study.read(study.model_dump(mode="json"), "record") == study
    assert study.switch is not None
    assert switch_words(study.switch)
