"""Objectives: losses by hand, the contract for every one of them, and one without logits."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

import critlab
from critlab._core.errors import StudyError
from critlab._core.problems import Problems
from critlab._core.random_streams import generator
from critlab.data import load
from critlab.objectives import (
    OBJECTIVES,
    CrossEntropy,
    Learned,
    Objective,
    SmoothedCrossEntropy,
    describe_objective,
    plain_objective,
    read_objective,
)
from critlab.objectives.cross_entropy import cross_entropy
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import recipes
from critlab.training.learner import NetworkLearner
from studies import small


class Brightness(Objective):
    """Names no class: drives the mean output towards each image's brightness and a little noise."""

    name: ClassVar[str] = "brightness"
    noise: float = 0.1

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The mean squared error."""
        noise = self.noise * torch.randn(len(images), generator=generator)
        return Learned((model(images).mean(1) - images.flatten(1).mean(1) - noise).square().mean())


def by_hand(logits: Tensor, labels: Tensor, smoothing: float) -> float:
    """One label after another, in float64."""
    flat, wanted = logits.double().reshape(-1, logits.shape[-1]), labels.flatten().tolist()
    found = []
    for row, label in zip(flat, wanted, strict=True):
        if label >= 0:
            log_p = row - row.exp().sum().log()
            target = torch.full_like(row, smoothing / len(row))
            target[label] += 1 - smoothing
            found.append(float(-(target * log_p).sum()))
    return sum(found) / len(found)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("heads", [(), (3,)])
def test_cross_entropy_by_hand(smoothing: float, heads: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(20, *heads, 5) * 3, torch.randint(-1, 5, (20, *heads))
    assert float(cross_entropy(logits, labels, smoothing)) == pytest.approx(by_hand(logits, labels, smoothing))
    assert float(cross_entropy(logits, torch.full_like(labels, -1), smoothing)) == 0


def test_the_smallest_smoothed_loss_is_the_entropy_of_the_target() -> None:
    target = torch.full((4,), 0.1 / 4, dtype=torch.float64)
    target[2] += 0.9
    entropy = float(-(target * target.log()).sum())
    best = cross_entropy(target.log()[None], torch.tensor([2]), 0.1)
    assert float(best) == pytest.approx(entropy)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_is_read_back_named_and_frozen(name: str) -> None:
    objective = read_objective(name)
    assert type(objective) is OBJECTIVES[name]
    assert read_objective(plain_objective(objective)) == objective
    assert describe_objective(objective)["name"] == name
    assert describe_objective(objective)["version"] == OBJECTIVES[name].version == type(objective).version
    assert OBJECTIVES[name].citation
    assert hash(objective) == hash(read_objective(name))


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 3)

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.linear(images.flatten(1))
        return out


@pytest.mark.parametrize("objective", [CrossEntropy(), SmoothedCrossEntropy(), Brightness()], ids=lambda o: o.name)
def test_what_an_objective_gives(objective: Objective) -> None:
    torch.manual_seed(0)
    model, images, labels = Linear(), torch.rand(6, 1, 4, 4), torch.tensor([0, 1, 2, -1, 0, 1])
    learned = objective.learn(model, images, labels, generator(0, "objective", 1, 2))
    again = objective.learn(model, images, labels, generator(0, "objective", 1, 2))
    assert learned.loss.shape == ()
    assert torch.equal(learned.loss, again.loss)
    learned.loss.backward()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())
    if learned.logits is not None:
        assert learned.logits.shape == (6, 3)


@pytest.mark.parametrize("name", ["cross_entropy", "smoothed_cross_entropy"])
def test_logits_of_another_shape_are_told(name: str) -> None:
    with pytest.raises(StudyError, match=r"must return logits \(batch, classes\)"):
        read_objective(name).learn(
            nn.Flatten(0), torch.rand(6, 4), torch.zeros(6, dtype=torch.int64), torch.Generator()
        )


def test_a_name_that_is_no_objective() -> None:
    with pytest.raises(Problems, match="unknown objective, received 'cross_entrpy'; did you mean 'cross_entropy'"):
        read_objective("cross_entrpy")
    with pytest.raises(Problems, match=r"is not an objective; must be a subclass of critlab\.objectives\.Objective"):
        read_objective("critlab.deficits:Blur")


def test_a_studys_objective_trains_it() -> None:
    study, losses = small(), {}
    learner = NetworkLearner(study, load(study.data), Numerics())
    for objective in (CrossEntropy(), SmoothedCrossEntropy(), Brightness()):
        recipe = recipes(study.runs[0], small(objective=plain_objective(objective)))[0]
        assert recipe.objective == objective
        learned = learner.advance(learner.start({"seed": 0}), recipe, 0)
        assert learned is not None
        assert ("train_accuracy" in learned) == (objective != Brightness())
        losses[objective] = learned["train_loss"]
    assert len(set(losses.values())) == 3


@pytest.mark.slow
def test_without_logits_there_is_a_loss_and_no_accuracy(tmp_path: Path) -> None:
    name = f"{__name__}:Brightness"
    switched = small(switch={"objective": name}, deficit=None, seeds=1, measures={})
    results = critlab.run(switched, tmp_path / "store", engine="inline")
    rows = results.by_run[f"switch(objective={name}(noise=0.1))-0-1-of-3-seed0"]
    assert [row.epoch for row in rows if row.quantity == "train_accuracy"] == [2, 3], "not in the window"
    assert [row.epoch for row in rows if row.quantity == "train_loss"] == [1, 2, 3]
    assert results.verdict().lines()
