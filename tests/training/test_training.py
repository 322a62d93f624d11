"""Order, augmentation, batches and the loop: each against a plain loop or a law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from critlab._core.errors import Diverged, StudyError
from critlab._core.random_streams import generator
from critlab.data.checks import Split
from critlab.data.image_set import ImageSet
from critlab.deficits import BatchContext, Blur, Deficit
from critlab.study.runs.recipe import Recipe
from critlab.study.specs import AugmentSpec
from critlab.training.evaluation import score_test_images
from critlab.training.inputs.augment import augment
from critlab.training.inputs.batches import EpochSize, batches, epoch_order
from critlab.training.inputs.examples import Examples
from critlab.training.loop import train_epoch


@given(st.integers(0, 99), st.integers(1, 30), st.integers(1, 30), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_every_image_is_seen_equally_often(seed: int, examples: int, length: int, epochs: int) -> None:
    length = min(length, examples)
    seen = torch.cat([epoch_order(seed, epoch, examples, length) for epoch in range(epochs)])
    assert len(seen) == epochs * length
    counts = torch.bincount(seen, minlength=examples)
    assert counts.max() - counts.min() <= 1


def test_orders_differ_by_seed_and_epoch() -> None:
    orders = {tuple(epoch_order(s, e, 50, 50).tolist()) for s in range(3) for e in range(3)}
    assert len(orders) == 9


LAST_BATCHES = [(9, 4, [4, 4]), (10, 4, [4, 4, 2]), (3, 1, [1, 1, 1]), (1, 4, [])]


@pytest.mark.parametrize(("count", "size", "sizes"), LAST_BATCHES)
def test_a_last_batch_is_kept_unless_it_is_one_image(count: int, size: int, sizes: list[int]) -> None:
    assert [len(batch) for batch in batches(torch.arange(count), size)] == sizes


def test_augmentation_against_a_plain_loop() -> None:
    images = torch.rand(64, 3, 9, 7)
    fill = torch.tensor([0.1, 0.2, 0.3]).reshape(3, 1, 1)
    spec = AugmentSpec(flip=True, shift=2)
    made = augment(images, spec, fill, generator(0, "augment", 1))
    again = augment(images, spec, fill, generator(0, "augment", 1))
    torch.testing.assert_close(made, again, rtol=0, atol=0)
    wide = fill.expand(3, 13, 11).clone()
    found = set()
    for image, result in zip(images, made, strict=True):
        for flipped in (False, True):
            wide[:, 2:11, 2:9] = image.flip(-1) if flipped else image
            for down in range(5):
                for right in range(5):
                    if torch.equal(wide[:, down : down + 9, right : right + 7], result):
                        found.add((flipped, down, right))
                        break
    assert len(found) > 25, "every image is one of the 50 flips and shifts, and most of those occur"
    assert {flipped for flipped, _, _ in found} == {False, True}


def examples(heads: int = 0, count: int = 30) -> Examples:
    rng = np.random.default_rng(0)

    def split(size: int) -> Split:
        shape = (size, heads) if heads else (size,)
        labels = rng.integers(0, 4, shape).astype(np.int64)
        if heads:
            labels[::3, 0] = -1
        return Split(rng.integers(0, 256, (size, 1, 8, 8), dtype=np.uint8), labels)

    return Examples.of(ImageSet.of(split(count), split(12), 4), torch.device("cpu"))


class Heads(nn.Module):
    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads, self.linear = heads, nn.Linear(64, 4 * max(heads, 1))

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.linear(images.flatten(1))
        return out.reshape(len(images), self.heads, 4) if self.heads else out


PLAIN = Recipe(lr=0.1, weight_decay=0.01)


def trained(model: nn.Module, data: Examples, recipe: Recipe = PLAIN, **changes: Any) -> Any:
    optimizer = torch.optim.SGD(model.parameters(), lr=9.0, momentum=0.5)
    options: dict[str, Any] = {"seed": 3, "epoch": 2, "size": EpochSize(len(data.train_labels), 8)} | changes
    return train_epoch(model, optimizer, data, recipe, **options)


@pytest.mark.parametrize("heads", [0, 2])
def test_an_epoch_against_a_loop_by_hand(heads: int) -> None:
    data, model, twin = examples(heads), Heads(heads), Heads(heads)
    twin.load_state_dict(model.state_dict())
    score = trained(model, data)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.5, weight_decay=0.01)
    losses, right, counted = 0.0, 0, 0
    for indices in epoch_order(3, 2, 30, 30).split(8):
        images = (data.train_images[indices].float() / 255 - data.mean) / data.std
        logits, labels = twin(images).reshape(-1, 4), data.train_labels[indices].flatten()
        kept = labels >= 0
        loss = nn.functional.cross_entropy(logits[kept], labels[kept])
        losses, counted = losses + loss.item() * int(kept.sum()), counted + int(kept.sum())
        right += int((logits[kept].argmax(1) == labels[kept]).sum())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert score.loss == pytest.approx(losses / counted, rel=1e-5)
    assert score.accuracy == pytest.approx(right / counted)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, twin.state_dict()[name], rtol=1e-5, atol=1e-6)


def test_score_of_the_test_images_changes_nothing() -> None:
    data = examples()
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 4))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    score, _ = score_test_images(model, data)
    assert score.accuracy is not None
    assert 0 <= score.accuracy <= 1
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("heads", [0, 2])
def test_which_test_images_are_correct(heads: int) -> None:
    """One value for each label, in the order of the images; none where some labels do not count."""
    data, model = examples(heads), Heads(heads)
    if heads:
        assert score_test_images(model, data)[1] is None
        data = replace(data, test_labels=data.test_labels.clamp(min=0))
    score, correct = score_test_images(model, data)
    with torch.no_grad():
        logits = model((data.test_images.double() / 255 - data.mean).float() / data.std)
    assert correct is not None
    assert torch.equal(correct, logits.argmax(-1) == data.test_labels)
    assert score.accuracy == pytest.approx(correct.double().mean().item())


def test_when_the_deficit_comes() -> None:
    data = examples()
    indices, shifted = torch.arange(30), AugmentSpec(flip=False, shift=3)
    batch = {
        when: data.training_batch(indices, Recipe(0.1, 0.0, shifted, Blur(factor=4, when=when)), 0, 0, 0)[0]
        for when in ("after_augment", "before_augment")
    }
    clean = data.training_batch(indices, Recipe(0.1, 0.0, shifted), 0, 0, 0)[0]
    assert not torch.equal(batch["after_augment"], batch["before_augment"])
    assert not torch.equal(batch["after_augment"], clean)


class Half(Deficit):
    """Withholds the second half of the training set."""

    name = "half"

    def select(self, labels: Tensor, draws: BatchContext) -> Tensor:
        return torch.arange(draws.examples // 2)

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        assert bool((draws.indices < draws.examples // 2).all())
        return images, labels


def test_a_deficit_can_withhold_images() -> None:
    data, model = examples(), Heads(0)
    trained(model, data, Recipe(0.1, 0.0, None, Half()))


def test_a_loss_that_is_not_finite_is_told() -> None:
    with pytest.raises(Diverged, match="epoch 3"):
        trained(Heads(0), examples(), Recipe(lr=1e38, weight_decay=0.0))


def test_logits_of_the_wrong_shape_are_told() -> None:
    with pytest.raises(StudyError, match=r"must return logits \(batch, classes\)"):
        trained(nn.Sequential(nn.Flatten(2), nn.Linear(64, 4)), examples())


def test_the_score_of_many_test_images_is_their_mean() -> None:
    """Whatever pieces they are seen in, the last one smaller than the others."""
    data, model = examples(), Heads(0)
    rng = np.random.default_rng(1)
    images = torch.from_numpy(rng.integers(0, 256, (1013, 1, 8, 8), dtype=np.uint8))
    labels = torch.from_numpy(rng.integers(0, 4, 1013))
    score, _ = score_test_images(model, replace(data, test_images=images, test_labels=labels))
    with torch.no_grad():
        logits = model((images.double() / 255 - data.mean).float() / data.std)
    assert score.loss == pytest.approx(nn.functional.cross_entropy(logits, labels).item(), rel=1e-5)
    assert score.accuracy == pytest.approx((logits.argmax(1) == labels).float().mean().item())
