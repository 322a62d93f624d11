"""Tests with BatchNorm statistics of their own: by hand, and without a trace in training."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn

import critlab
from critlab.data import load
from critlab.study import Recipe
from critlab.study.ingredients.measurement import TEST, Measurement
from critlab.study.runs.origin import Numerics
from critlab.training.evaluation import recomputed
from critlab.training.inputs.batches import epoch_order
from critlab.training.learner import NetworkLearner
from studies import small


def test_statistics_are_the_means_of_the_batches() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Dropout(0.9), nn.Linear(2, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    batches = [torch.rand(5, 3), torch.rand(7, 3) + 1]
    twin = recomputed(model, iter(batches), nullcontext)
    seen = [model[0](batch).detach().double() for batch in batches]
    mean = torch.stack([one.mean(0) for one in seen]).mean(0)
    variance = torch.stack([one.var(0) for one in seen]).mean(0)
    torch.testing.assert_close(twin.get_buffer("1.running_mean").double(), mean)
    torch.testing.assert_close(twin.get_buffer("1.running_var").double(), variance)
    assert not any(module.training for module in twin.modules())
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_without_running_statistics_there_is_nothing_to_do() -> None:
    def unseen() -> object:
        pytest.fail("no batch is needed")
        yield

    for model in (nn.Linear(3, 2), nn.BatchNorm1d(2, track_running_stats=False)):
        assert recomputed(model, unseen(), nullcontext) is model  # type: ignore[arg-type]


@pytest.mark.parametrize("deficit", [None, "noise"])
def test_a_test_sees_the_batches_of_the_epoch_just_trained(deficit: str | None) -> None:
    study = small(evaluation={"batch_norm": "recomputed"})
    learner = NetworkLearner(study, load(study.data), Numerics())
    state = learner.start({"seed": 1})
    recipe = Recipe(0.05, 0.001, study.augment, critlab.deficits.WhiteNoise() if deficit else None)
    learner.advance(state, recipe, 0)
    before = learner.pack(state)
    found = {r.quantity: r.value for r in learner.measure(state, Measurement(TEST, None, recipe))}
    after = learner.pack(state)
    assert all(np.array_equal(before[key], after[key]) for key in before), "training is not touched"
    shown = [
        learner.examples.training_batch(indices, recipe, 1, 0, position)[0]
        for position, indices in enumerate(epoch_order(1, 0, 120, 120).split(40))
    ]
    twin = recomputed(state.model, iter(shown), nullcontext)
    with torch.no_grad():
        logits = twin(learner.examples.normalised(learner.examples.test_images.float() / 255))
    loss = nn.functional.cross_entropy(logits.double(), learner.examples.test_labels)
    assert found["test_loss"] == pytest.approx(float(loss), rel=1e-5)
    usual = NetworkLearner(small(), load(study.data), Numerics())
    running = {r.quantity: r.value for r in usual.measure(state, Measurement(TEST, None, recipe))}
    assert running["test_loss"] != found["test_loss"]
