"""Who suffers a deficit, and how often: chosen classes, a share of the batches, and what an epoch keeps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from critlab._core.problems import Problems
from critlab.data import load
from critlab.deficits import (
    BatchContext,
    Blur,
    Deficit,
    LabelPermutation,
    WhiteNoise,
    apply_deficit,
    describe,
    kept_mask,
    plain,
    read_deficit,
)
from critlab.measures import FisherTrace
from critlab.study import Recipe
from critlab.study.ingredients.measurement import Measurement
from critlab.study.runs.origin import Numerics
from critlab.training.inputs.batches import epoch_order
from critlab.training.learner import NetworkLearner
from critlab.training.loop import selected
from studies import small

CLASSES = 6


class FirstHalf(Deficit):
    """Withholds the second half of the training set."""

    name = "first_half"

    def select(self, labels: Tensor, draws: BatchContext) -> Tensor:
        """The first half."""
        return torch.arange(draws.examples // 2)


class Mark(Deficit):
    """Writes each image's place in the training set into it, and names it class 0."""

    name = "mark"

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Constant images."""
        return draws.indices.to(images).reshape(-1, 1, 1, 1).expand_as(images) + 1, torch.zeros_like(labels)


def batch(heads: int = 0, size: int = 12, position: int = 0) -> tuple[Tensor, Tensor, BatchContext]:
    chance = torch.Generator().manual_seed(size + heads)
    images = torch.rand(size, 1, 8, 8, generator=chance)
    labels = torch.randint(-1, CLASSES, (size, heads) if heads else (size,), generator=chance)
    return images, labels, BatchContext(0, 3, position, torch.arange(50, 50 + size), 100, CLASSES)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, CLASSES - 1), min_size=1), st.sampled_from([0, 1, 3]))
def test_only_images_of_the_classes_suffer(classes: set[int], heads: int) -> None:
    images, labels, draws = batch(heads)
    before = images.clone(), labels.clone()
    changed, named = apply_deficit(Mark(classes=tuple(sorted(classes))), images, labels, draws)
    assert torch.equal(images, before[0])
    assert torch.equal(labels, before[1]), "the batch itself is not touched"
    for place in range(len(images)):
        if set(labels[place].reshape(-1).tolist()) & classes:
            assert bool((changed[place] == draws.indices[place] + 1).all())
            assert not named[place].any()
        else:
            assert torch.equal(changed[place], images[place])
            assert torch.equal(named[place], labels[place])


def test_all_classes_are_the_same_as_none_named() -> None:
    images, labels, draws = batch()
    labels = labels.clamp(min=0)
    for kind in (lambda **more: Blur(factor=4, **more), LabelPermutation, Mark):
        every = apply_deficit(kind(classes=tuple(range(CLASSES))), images, labels, draws)
        for one, other in zip(every, apply_deficit(kind(), images, labels, draws), strict=True):
            torch.testing.assert_close(one, other)


def test_where_no_image_is_of_the_classes_the_deficit_is_not_asked() -> None:
    class Fails(Deficit):
        name = "fails"

        def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
            pytest.fail("there is nothing to do")

    images, labels, draws = batch()
    assert apply_deficit(Fails(classes=(0,)), images, torch.ones_like(labels), draws)[0] is images


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_share_of_the_batches_suffers(share: float) -> None:
    count = 2000
    hit = sum(BatchContext(1, 0, position, torch.arange(1), 1, 1).chance(share) for position in range(count))
    assert abs(hit - count * share) < 4.5 * (count * share * (1 - share)) ** 0.5
    assert all(BatchContext(1, 0, position, torch.arange(1), 1, 1).chance(1.0) for position in range(100))
    deficit = WhiteNoise(batches=share)
    for position in range(20):
        images, labels, draws = batch(position=position)
        changed, _ = apply_deficit(deficit, images, labels, draws)
        expected = WhiteNoise().apply(images, labels, draws)[0] if draws.chance(share) else images
        assert torch.equal(changed, expected), "a batch that suffers does so as without the option"


def test_which_batches_suffer_is_keyed_by_seed_epoch_and_position() -> None:
    patterns = {
        (seed, epoch): tuple(BatchContext(seed, epoch, p, torch.arange(1), 1, 1).chance(0.5) for p in range(64))
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(set(patterns.values())) == 9


@pytest.mark.parametrize("heads", [0, 2])
def test_withholding_spares_the_other_classes(heads: int) -> None:
    _, labels, draws = batch(heads, size=100)
    every = BatchContext(0, 0, 0, torch.arange(100), 100, CLASSES)
    assert kept_mask(Blur(factor=4), labels, draws) is None
    left = kept_mask(FirstHalf(classes=(1, 2)), labels, every)
    assert left is not None
    for place in range(100):
        of_these = bool(set(labels[place].reshape(-1).tolist()) & {1, 2})
        assert bool(left[place]) == (place < 50 or not of_these)


def test_the_deficit_and_the_selection_both_withhold() -> None:
    study = small()
    examples = NetworkLearner(study, load(study.data), Numerics()).examples
    labels = examples.train_labels
    order = epoch_order(0, 0, 120, 120)
    recipe = Recipe(0.1, 0.0, None, FirstHalf(), select=FirstHalf(classes=(0, 1)))
    assert sorted(selected(recipe, examples, 0, 0, order).tolist()) == list(range(60))
    recipe = Recipe(0.1, 0.0, select=FirstHalf(classes=(0, 1)))
    expected = [place for place in range(120) if place < 60 or int(labels[place]) > 1]
    left = selected(recipe, examples, 0, 0, order)
    assert sorted(left.tolist()) == expected
    places = {int(place): index for index, place in enumerate(order)}
    assert [places[int(place)] for place in left] == sorted(places[int(place)] for place in left), "the order is kept"


@pytest.mark.slow
def test_the_probe_as_trained_suffers_as_the_batches_do() -> None:
    study = small()
    learner = NetworkLearner(study, load(study.data), Numerics())
    state = learner.start({"seed": 0})
    options = FisherTrace(images=120, inputs="as_trained")
    clean = learner._probe(state, Measurement("fisher_trace", options, Recipe(0.1, 0.0))).images
    for share in (0.35, 1.0):
        recipe = Recipe(0.1, 0.0, deficit=WhiteNoise(batches=share))
        probe = learner._probe(state, Measurement("fisher_trace", options, recipe))
        same = [bool((a == b).all()) for a, b in zip(probe.images, clean, strict=True)]
        draws = [BatchContext(0, 0, position, torch.arange(1), 120, 10).chance(share) for position in range(3)]
        assert same == [not hit for hit in draws for _ in range(40)]
    assert True in same or share == 1.0


def test_neutral_options_are_not_named() -> None:
    usual: dict[str, Any] = {"name": "blur", "factor": 4, "when": "after_augment"}
    assert plain(Blur(factor=4)) == usual
    assert describe(Blur(factor=4, classes=None, batches=1.0)) == {**usual, "version": 1}
    chosen = Blur(factor=4, classes=(0, 3), batches=0.25)
    assert plain(chosen) == {**usual, "classes": [0, 3], "batches": 0.25}
    assert read_deficit(plain(chosen)) == chosen
    assert describe(chosen) == {**plain(chosen), "version": 1}


@pytest.mark.parametrize(
    ("raw", "where", "what"),
    [
        ({"classes": []}, "classes", "a list of at least 1"),
        ({"classes": [1, 1]}, "classes", r"received \[1, 1\]; must be increasing"),
        ({"classes": [3, 1]}, "classes", "must be increasing"),
        ({"classes": [0.5]}, "classes", "must be an integer"),
        ({"classes": 3}, "classes", "must be a list"),
        ({"batches": 0}, "batches", "greater than 0"),
        ({"batches": 1.5}, "batches", "less than or equal to 1"),
        ({"name": f"{__name__}:FirstHalf", "batches": 0.5}, "batches", "withholds images from whole epochs"),
    ],
)
def test_a_wrong_option_says_where_and_what(raw: dict[str, Any], where: str, what: str) -> None:
    with pytest.raises(Problems, match=what) as caught:
        read_deficit({"name": "noise", **raw})
    assert caught.value.problems[0][0][0] == where
