"""Two sources through the public path: objective, pre-training, augmentation of views, and the promises of the tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import critlab
from critlab._core.errors import StudyError
from critlab.data import load
from critlab.models import ModelSpec
from critlab.models.blocks.streams import patches
from critlab.objectives import CrossEntropy, CrossSourceReconstruction
from critlab.objectives.cross_source_reconstruction import hidden_patches
from critlab.study import Study
from critlab.study.ingredients.measurement import Measurement
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import recipes
from critlab.study.specs import AugmentSpec
from critlab.training.inputs.augment import augment
from critlab.training.inputs.view_augment import augment_views
from critlab.training.learner import NetworkLearner

TRANSFORMER: dict[str, Any] = {"name": "two_stream_transformer", "width": 4, "stream_blocks": 1, "shared_blocks": 1}
RECONSTRUCTING: dict[str, Any] = {**TRANSFORMER, "reconstruction": True}


def drawing(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.slow
@given(
    count=st.integers(1, 12),
    sources=st.integers(2, 4),
    tokens=st.integers(1, 20),
    share=st.floats(0.01, 1),
    seed=st.integers(0, 99),
)
def test_patches_of_one_source_are_hidden(count: int, sources: int, tokens: int, share: float, seed: int) -> None:
    hidden = hidden_patches(count, sources, tokens, share, drawing(seed))
    assert hidden.shape == (count, sources, tokens)
    assert (hidden.sum((1, 2)) == max(1, round(share * tokens))).all()
    assert (hidden.any(2).sum(1) == 1).all()
    assert torch.equal(hidden, hidden_patches(count, sources, tokens, share, drawing(seed)))


def test_every_source_and_patch_is_hidden_now_and_then() -> None:
    rate = hidden_patches(4000, 2, 5, 0.4, drawing()).float().mean(0)
    torch.testing.assert_close(rate, torch.full((2, 5), 0.2), rtol=0, atol=0.03)  # more than 4 standard errors


def test_the_loss_is_the_error_of_what_was_hidden() -> None:
    torch.manual_seed(0)
    model = ModelSpec(**RECONSTRUCTING).build((2, 1, 8, 8), 4)
    images = torch.randn(6, 2, 1, 8, 8, generator=drawing())
    objective = CrossSourceReconstruction(hidden=0.5)
    learned = objective.learn(model, images, torch.zeros(6, dtype=torch.int64), drawing(3))
    hidden = hidden_patches(6, 2, 4, 0.5, drawing(3))
    cut = patches(images, 4)
    guess = model.reconstructed(cut, hidden)  # type: ignore[operator]
    errors = [(guess[i, s, t] - cut[i, s, t]).square().mean() for i, s, t in hidden.nonzero().tolist()]
    torch.testing.assert_close(learned.loss, torch.stack(errors).mean())
    assert learned.logits is None
    learned.loss.backward()
    untouched = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    assert untouched == {"output.weight", "output.bias"}


def test_a_model_without_the_head_is_refused() -> None:
    images, labels = torch.rand(2, 2, 1, 8, 8), torch.zeros(2, dtype=torch.int64)
    with pytest.raises(StudyError, match=r"needs a model with 'patch' .* received Flatten"):
        CrossSourceReconstruction().learn(nn.Flatten(), images, labels, drawing())
    raw = study(model=TRANSFORMER, objective="cross_source_reconstruction", data=PATTERNS)
    with pytest.raises(
        StudyError, match="objective: objective 'cross_source_reconstruction' needs a model with a head"
    ):
        Study.read(raw, "study.toml")
    raw = study(model=TRANSFORMER, data=PATTERNS, pretraining={"objective": "cross_source_reconstruction", "epochs": 2})
    with pytest.raises(StudyError, match=r"pretraining.objective: .* set reconstruction = true"):
        Study.read(raw, "study.toml")


def moved(spec: AugmentSpec, seed: int = 0) -> torch.Tensor:
    images = torch.rand(20, 2, 3, 8, 8, generator=drawing(7))
    fill = torch.tensor([0.2, 0.8]).reshape(2, 1, 1, 1).expand(2, 3, 1, 1)
    return augment_views(images, spec, fill, drawing(seed))


def test_views_move_alike_or_each_by_itself() -> None:
    images = torch.rand(20, 2, 3, 8, 8, generator=drawing(7))
    images[:, 1] = images[:, 0]
    fill = torch.zeros(2, 3, 1, 1)

    def shown(views: Any) -> torch.Tensor:
        return augment_views(images, AugmentSpec(flip=True, shift=2, views=views), fill, drawing())

    shared, separate, twice = shown("shared"), shown("separate"), shown("second_twice")
    assert torch.equal(shared[:, 0], shared[:, 1])
    assert not torch.equal(separate[:, 0], separate[:, 1])
    assert torch.equal(twice[:, 0], shared[:, 0])
    assert not torch.equal(twice[:, 1], shared[:, 1])
    again = drawing()
    augment(images, AugmentSpec(flip=True, shift=2), fill, again)
    second = augment(shared[:, 1], AugmentSpec(flip=True, shift=2), fill[1], again)
    assert torch.equal(twice[:, 1], second), "the second view moves once more, from where it was"


def test_each_view_is_filled_with_its_own_colour() -> None:
    spec = AugmentSpec(shift=3, views="separate")
    assert (moved(spec)[:, 0] == 0.2).any()
    assert (moved(spec)[:, 1] == 0.8).any()
    assert not (moved(spec)[:, 0] == 0.8).any()


def test_some_examples_lose_a_source_after_they_moved() -> None:
    images = torch.rand(2000, 2, 1, 4, 4, generator=drawing(7))
    fill = torch.tensor([0.2, 0.8]).reshape(2, 1, 1, 1)
    still, lossy = AugmentSpec(flip=True), AugmentSpec(flip=True, source_dropout=0.2)
    shown, whole = augment_views(images, lossy, fill, drawing()), augment_views(images, still, fill, drawing())
    blank = (shown == fill).flatten(2).all(2)
    assert not blank.all(1).any()
    assert torch.equal(shown[~blank], whole[~blank])
    torch.testing.assert_close(blank.float().mean(0), torch.full((2,), 0.2), rtol=0, atol=0.036)  # 4 standard errors
    only = study(data=TWO_VIEW, augment={"source_dropout": 0.1})
    recipe = recipes(Study.read(only, "s").runs[0], Study.read(only, "s"))[0]
    assert recipe.identity()["augment"] == {"flip": False, "shift": 0, "source_dropout": 0.1}
    with pytest.raises(StudyError, match=r"augment\.source_dropout: received 0\.1; must be 0"):
        Study.read(study(data={"name": "sample"}, model={"name": "mlp"}, augment={"source_dropout": 0.1}), "s")


def test_views_of_single_images_are_refused() -> None:
    with pytest.raises(StudyError, match=r"augment\.views: received 'separate'; must be \"shared\""):
        Study.read(
            study(data={"name": "sample"}, model={"name": "mlp", "hidden": [4]}, augment={"views": "separate"}), "s"
        )
    with pytest.raises(StudyError, match=r"augment\.views"):
        augment_views(torch.rand(2, 3, 8, 8), AugmentSpec(views="separate"), torch.zeros(3, 1, 1), drawing())
    assert AugmentSpec(flip=True).identity() == {"flip": True, "shift": 0}
    assert AugmentSpec(views="separate").identity()["views"] == "separate"


TWO_VIEW: dict[str, Any] = {"name": "two_view", "of": "sample", "train": 60, "test": 40}
PATTERNS = {"name": "moving_patterns", "side": 8, "train": 60, "test": 40}
READ = {"relative_source_variance": {"every": 2, "images": 4}, "usable_information": {"every": 2, "images": 30}}


def study(**changes: Any) -> dict[str, Any]:
    return {
        "name": "sources",
        "seeds": 1,
        "precision": "float32",
        "data": TWO_VIEW,
        "model": {"name": "split_resnet18", "width": 2},
        "optimizer": {"name": "sgd", "lr": 0.05, "lr_decay": 0.9, "weight_decay": 0.001, "batch": 30},
        "deficit": {"name": "blur", "factor": 7, "source": "B"},
        "sweep": {"kind": "removal", "at": [0, 1, 2], "recovery": 1},
        **changes,
    }


CASES = {
    "decorrelated sources": study(
        data={**TWO_VIEW, "heads": 3},
        model={"name": "two_tower", "blocks": 1, "width": 2, "heads": 3},
        deficit={"name": "decorrelate"},
        measures=READ,
    ),
    "pre-training": study(
        data=PATTERNS,
        model=RECONSTRUCTING,
        deficit={"name": "source_dropout", "a": 0.2, "b": 0.5},
        pretraining={"objective": "cross_source_reconstruction", "epochs": 2},
        measures=READ,
    ),
}


@pytest.mark.slow
def test_a_fork_equals_a_run_from_scratch(tmp_path: Path) -> None:
    case = CASES["pre-training"]
    whole = critlab.run(Study.read(case, "study"), tmp_path / "shared", engine="inline")
    assert {outcome.status for outcome in whole.outcomes} == {"done"}
    alone = {**case, "sweep": {"kind": "removal", "at": [2], "recovery": 1}}
    scratch = critlab.run(Study.read(alone, "study"), tmp_path / "alone", engine="inline")
    (name,) = (name for name in scratch.by_run if "-0-2-of-" in name)
    forked, straight = whole.by_run[name], scratch.by_run[name]
    assert [(r.epoch, r.quantity, r.layer, r.value) for r in forked] == [
        (r.epoch, r.quantity, r.layer, r.value) for r in straight
    ]
    read = {row.quantity for row in forked}
    assert {"relative_source_variance", "usable_information", "source_accuracy", "test_accuracy"} <= read


def test_decorrelated_training_goes_on_from_a_stored_state_and_is_measured() -> None:
    torch.set_num_threads(1)
    made = Study.read(CASES["decorrelated sources"], "study")
    learner = NetworkLearner(made, load(made.data), Numerics())
    run = next(run for run in made.runs if run.name.endswith("-0-2-of-3"))
    straight = learner.start({"seed": 0})
    steps = recipes(run, made)
    learner.advance(straight, steps[0], 0)
    stored = learner.unpack(learner.pack(straight))
    assert [learner.advance(straight, steps[e], e) for e in (1, 2)] == [
        learner.advance(stored, steps[e], e) for e in (1, 2)
    ]
    for name in READ:
        readings = learner.measure(straight, Measurement(name, made.measures[name], steps[2]))
        assert readings == learner.measure(stored, Measurement(name, made.measures[name], steps[2]))
        assert name in {reading.quantity for reading in readings}


def test_pretraining_changes_the_first_epochs_only() -> None:
    made = Study.read(CASES["pre-training"], "study")
    run = next(run for run in made.runs if run.name.endswith("-0-1-of-2"))
    objectives = [recipe.objective for recipe in recipes(run, made)]
    assert objectives == [CrossSourceReconstruction(), CrossSourceReconstruction()]
    longer = next(run for run in made.runs if run.name.endswith("-0-2-of-3"))
    assert [recipe.objective for recipe in recipes(longer, made)][2] == CrossEntropy()
    twin = Study.read({**CASES["pre-training"], "pretraining": None}, "study")
    assert all("objective" not in recipe.identity() for recipe in recipes(longer, twin))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"deficit": {"name": "decorrelate"}}, "deficit: deficit 'decorrelate' needs labels of 3 heads"),
        ({"data": {**TWO_VIEW, "heads": 3}}, "model.heads: received 1; must be 3"),
        ({"model": {"name": "split_resnet18", "width": 2, "heads": 3}}, "model.heads: received 3; must be 1"),
        ({"deficit": {"name": "blur", "factor": 29, "source": "B"}}, "deficit.factor: received 29"),
        (
            {"data": {"name": "sample"}, "model": {"name": "mlp"}, "measures": {"usable_information": {}}},
            "measures.usable_information: needs examples of two sources",
        ),
        ({"data": {"name": "sample"}, "model": {"name": "mlp"}}, "deficit.source: received 'B', which needs examples"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_made(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(StudyError) as caught:
        Study.read(study(**changes), "study.toml")
    assert text in str(caught.value)
