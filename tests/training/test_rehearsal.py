"""A run that goes on from a checkpoint equals one that never stopped, whatever a network keeps, or is refused."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

import stateful_nets
from critlab._core.errors import StudyError
from critlab.data import load
from critlab.store.checkpoint import decode, encode
from critlab.study.ingredients.measurement import TEST, Measurement
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe
from critlab.study.study import Study
from critlab.training.learner import NetworkLearner
from critlab.training.network_training import NetworkTraining
from studies import small

RECIPE = Recipe(lr=0.05, weight_decay=0.0)
READ = Measurement(TEST, None, RECIPE)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def study_of(kind: type, optimizer: str = "sgd") -> Study:
    chosen: dict[str, Any] = {"name": optimizer, "lr": 0.05, "batch": 40}
    if optimizer == "sgd":
        chosen["momentum"] = 0.9
    return small(seeds=1, model={"name": "stateful_nets:build", "kind": kind.__name__}, optimizer=chosen, measures={})


def learner_of(study: Study) -> NetworkLearner:
    return NetworkLearner(study, load(study.data), Numerics())


@pytest.mark.slow
@pytest.mark.parametrize("kind", stateful_nets.HELD, ids=lambda kind: kind.__name__)
def test_a_fork_equals_the_run_from_scratch_and_measuring_changes_nothing(kind: type) -> None:
    learner = learner_of(study_of(kind, "adam" if kind is stateful_nets.Tied else "sgd"))
    straight, forked = learner.start({"seed": 1}), learner.start({"seed": 1})
    for epoch in range(3):
        losses = learner.advance(straight, RECIPE, epoch)
        random.seed(epoch)
        np.random.seed(epoch)
        stops = iter([True, False, False])
        assert learner.advance(forked, RECIPE, epoch, lambda stops=stops: next(stops)) is None  # type: ignore[misc]
        forked = learner.unpack(decode("x", encode("x", learner.pack(forked))))
        assert learner.advance(forked, RECIPE, epoch) == losses
        forked = learner.unpack(decode("x", encode("x", learner.pack(forked))))
        assert learner.measure(forked, READ) == learner.measure(straight, READ) == learner.measure(straight, READ)
        learner.measure(forked, READ)
    ends = learner.pack(straight), learner.pack(forked)
    assert ends[0].keys() == ends[1].keys()
    assert all(ends[0][name].tobytes() == ends[1][name].tobytes() for name in ends[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", stateful_nets.HELD, ids=lambda kind: kind.__name__)
def test_what_a_checkpoint_holds_passes_the_rehearsal(kind: type) -> None:
    study = study_of(kind)
    NetworkTraining().check_resume(study, load(study.data), Numerics(), "cpu", {"stateful_nets"})


@pytest.mark.parametrize(("kind", "named"), stateful_nets.REFUSED.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_what_it_cannot_hold_is_refused_by_name(kind: type, named: str) -> None:
    study = study_of(kind)
    with pytest.raises(StudyError) as refused:
        NetworkTraining().check_resume(study, load(study.data), Numerics(), "cpu", {"stateful_nets"})
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_global_generators_stand_where_they_stood() -> None:
    learner = learner_of(study_of(stateful_nets.Draws))
    random.seed(3)
    before = random.getstate(), np.random.get_state(legacy=False), torch.get_rng_state()
    state = learner.start({"seed": 0})
    learner.advance(state, RECIPE, 0)
    learner.measure(state, READ)
    assert random.getstate() == before[0]
    assert str(np.random.get_state(legacy=False)) == str(before[1])
    assert torch.equal(torch.get_rng_state(), before[2])


def test_a_built_in_model_has_the_same_arrays_as_ever() -> None:
    learner = learner_of(small())
    state = learner.start({"seed": 0})
    learner.advance(state, RECIPE, 0)
    assert all(name == "run" or name.split(".")[0] in ("model", "optimizer") for name in learner.pack(state))
