"""Accumulated gradients, clipping, averaged weights and CutMix, each against the same by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from critlab._core.errors import StudyError
from critlab.data import load
from critlab.learning_tasks.losses import cross_entropy
from critlab.objectives import CutMix
from critlab.objectives.cutmix import rectangle
from critlab.study import Study
from critlab.study.ingredients.measurement import TEST, Measurement
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe, recipes
from critlab.training.learner import NetworkLearner
from critlab.training.states.network_state import NetworkState
from studies import small


def asked(optimizer: dict[str, Any], **parts: Any) -> Study:
    base = {"name": "sgd", "lr": 0.05, "batch": 10, **optimizer}
    return small(
        **{
            "data": {"name": "sample", "train": 25, "test": 20},
            "model": {"name": "mlp", "hidden": [6], "batch_norm": False},
            "optimizer": base,
            "seeds": 1,
            "measures": {},
            "augment": None,
        }
        | parts
    )


def taught(study: Study, **options: Any) -> tuple[NetworkLearner, NetworkState, list[Recipe]]:
    learner = NetworkLearner(study, load(study.data), Numerics(), **options)
    clean = next(run for run in study.runs if run.clean)
    return learner, learner.start({"seed": 0}), recipes(clean, study)


def weights(state: NetworkState) -> list[torch.Tensor]:
    return [one.detach().clone() for one in state.model.parameters()]


@pytest.mark.parametrize("clock", ["absolute", "warmup_cosine"])
def test_accumulated_batches_are_one_large_batch_and_the_rest_of_an_epoch_a_smaller_one(clock: str) -> None:
    large = taught(asked({"batch": 10, "clock": clock}))
    small_ones = taught(asked({"batch": 5, "accumulate": 2, "clock": clock}))
    for learner, state, steps in (large, small_ones):
        for epoch, recipe in enumerate(steps[:3]):
            learner.advance(state, recipe, epoch)
    for one, other in zip(weights(large[1]), weights(small_ones[1]), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    unequal = taught(asked({"batch": 5, "accumulate": 1, "clock": clock}))
    unequal[0].advance(unequal[1], unequal[2][0], 0)
    assert not torch.equal(weights(unequal[1])[0], weights(small_ones[1])[0])


def test_a_pause_comes_after_steps_and_not_between_their_batches() -> None:
    learner, state, steps = taught(asked({"batch": 3, "accumulate": 3}))
    paused = []
    while learner.advance(state, steps[0], 0, lambda: True) is None:
        assert state.progress is not None
        paused.append(state.progress.step)
    assert paused == [3, 6], "of 8 batches, as a last one of one image is left out"


@pytest.mark.parametrize("recorded", [False, True])
def test_a_gradient_is_shortened_to_the_clip(recorded: bool) -> None:
    study = asked({"batch": 25, "momentum": 0.0, "gradient_clip": 0.01})
    learner, state, steps = taught(study, recorded=recorded)
    before = weights(state)
    learner.advance(state, steps[0], 0)
    moved = torch.cat([(one - other).flatten() for one, other in zip(weights(state), before, strict=True)])
    assert float(moved.norm()) == pytest.approx(0.05 * 0.01, rel=1e-3)


@pytest.mark.parametrize("recorded", [False, True])
def test_tests_evaluate_the_average_of_the_weights(recorded: bool) -> None:
    study = asked({"batch": 25}, evaluation={"ema": 0.75})
    learner, state, steps = taught(study, recorded=recorded)
    average = weights(state)
    for epoch, recipe in enumerate(steps[:3]):
        learner.advance(state, recipe, epoch)
        average = [one.lerp(now, 0.25) for one, now in zip(average, weights(state), strict=True)]
        found = {one.quantity: one.value for one in learner.measure(state, Measurement(TEST, None, recipe))}
        twin = learner.start({"seed": 0}).model
        with torch.no_grad():
            for parameter, value in zip(twin.parameters(), average, strict=True):
                parameter.copy_(value)
            logits = twin.eval()(learner.examples.ready(learner.examples.test_images))
        assert found["test_loss"] == pytest.approx(float(cross_entropy(logits, learner.examples.test_labels)), rel=1e-5)


def test_an_average_begins_again_where_an_intervention_changes_the_weights() -> None:
    study = asked({"batch": 25}, evaluation={"ema": 0.99}, intervention={"shrink": 0.1})
    learner, state, _ = taught(study)
    run = next(run for run in study.runs if not run.clean)
    for epoch, recipe in enumerate(recipes(run, study)[: run.window.stop + 1]):
        learner.advance(state, recipe, epoch)
    for name, average in state.added.kept["ema"].items():
        torch.testing.assert_close(average, state.model.state_dict()[name], rtol=0.0, atol=0.02)


class Seen(nn.Module):
    """Keeps what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.flat = nn.Linear(3 * 8 * 8, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.images = images
        logits: torch.Tensor = self.flat(images.flatten(1))
        return logits


def test_cutmix_pastes_a_rectangle_and_weighs_both_labels_by_area() -> None:
    torch.manual_seed(0)
    model, labels = Seen(), torch.tensor([0, 1, 2, 3, 0])
    images = torch.arange(5.0)[:, None, None, None].expand(5, 3, 8, 8)
    shares = []
    for seed in range(40):
        learned = CutMix().learn(model, images, labels, torch.Generator().manual_seed(seed))
        kept = model.images == images
        assert torch.equal(kept, kept[:, :1].expand_as(kept)), "the same place in every channel"
        others = [{*map(int, image.unique())} - {at} for at, image in enumerate(model.images)]
        paired = [next(iter(found), at) for at, found in enumerate(others)]
        if [len(found) for found in others] == [1] * 5:
            assert sorted(paired) == [*range(5)]
            part = float(kept[0].float().mean())
            logits = model.flat(model.images.flatten(1))
            wanted = part * cross_entropy(logits, labels) + (1 - part) * cross_entropy(logits, labels[paired])
            torch.testing.assert_close(learned.loss, wanted, rtol=1e-5, atol=1e-6)
            shares.append(part)
    assert len(shares) > 5
    assert min(shares) < 0.7 < 0.9 < max(shares)
    plain = CutMix(probability=1e-9).learn(model, images, labels, torch.Generator().manual_seed(0))
    torch.testing.assert_close(plain.loss, cross_entropy(model.flat(images.flatten(1)), labels))


def test_rectangles_lie_in_the_image_and_have_its_proportions() -> None:
    generator = torch.Generator().manual_seed(0)
    for own in (0.0, 0.19, 0.75, 1.0):
        for _ in range(20):
            top, bottom, left, right = rectangle((8, 32), own, generator)
            assert 0 <= top <= bottom <= 8
            assert 0 <= left <= right <= 32
            assert (bottom - top) * (right - left) <= (1 - own) * 8 * 32


BAD: list[tuple[dict[str, Any], str]] = [
    (
        {"optimizer": {"accumulate": 9}},
        "optimizer.accumulate: received 9; must be at most 3, the number of batches",
    ),
    ({"optimizer": {"accumulate": 0}}, "optimizer.accumulate: received 0; must be greater than or equal to 1"),
    ({"optimizer": {"gradient_clip": 0.0}}, "optimizer.gradient_clip: received 0.0; must be greater than 0"),
    ({"optimizer": {"gradient_clip": -1}}, "optimizer.gradient_clip: received -1; must be greater than 0"),
    ({"evaluation": {"ema": 1.0}}, "evaluation.ema: received 1.0; must be less than 1"),
    ({"objective": {"name": "cutmix", "alpha": 0}}, "objective.alpha: received 0; must be greater than 0"),
    (
        {"switch": {"gradient_clip": 2.0}, "optimizer": {"gradient_clip": 2.0}},
        "switch.gradient_clip: received 2.0",
    ),
    ({"switch": {"ema": 0.9}, "evaluation": {"ema": 0.9}}, "switch.ema: received 0.9, the same value as without the"),
]


@pytest.mark.parametrize(("parts", "text"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_one_line(parts: dict[str, Any], text: str) -> None:
    with pytest.raises(StudyError) as refused:
        asked(parts.get("optimizer", {}), **{key: value for key, value in parts.items() if key != "optimizer"})
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)
