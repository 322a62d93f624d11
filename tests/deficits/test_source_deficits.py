"""Deficits of one source and between sources, on examples ``(2, C, H, W)``."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from critlab._core.errors import StudyError
from critlab._core.problems import Problems
from critlab.deficits import (
    DEFICITS,
    BatchContext,
    Blank,
    Blur,
    Decorrelate,
    Deficit,
    SourceDropout,
    WhiteNoise,
    apply_deficit,
)
from critlab.deficits import read_deficit as read
from critlab.deficits.sources.decorrelate import mixed_labels

MEAN = torch.tensor([[0.2, 0.3, 0.4], [0.5, 0.6, 0.7]]).reshape(2, 3, 1, 1)
BETWEEN = [name for name in DEFICITS if DEFICITS[name].between_sources]


def draws(size: int, position: int = 2, mean: Tensor | None = MEAN) -> BatchContext:
    return BatchContext(0, 3, position, torch.arange(size), 100, 10, mean)


def batch(size: int = 40, heads: int | None = None) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(size)
    labels = torch.randint(10, (size,), generator=g)
    if heads:
        labels = torch.stack([labels, *[torch.full_like(labels, -1)] * (heads - 1)], 1)
    return torch.rand(size, 2, 3, 8, 8, generator=g), labels


@pytest.mark.parametrize("source", ["A", "B"])
@pytest.mark.parametrize("deficit", [{"name": "blur", "factor": 4}, {"name": "noise"}, {"name": "blank"}], ids=str)
def test_only_the_named_source_suffers_and_as_it_would_alone(deficit: dict[str, Any], source: str) -> None:
    images, labels = batch()
    before = images.clone()
    shown, kept = apply_deficit(read({**deficit, "source": source}), images, labels, draws(40))
    place = "AB".index(source)
    alone, _ = apply_deficit(read(deficit), images[:, place], labels, draws(40, mean=MEAN[place]))
    torch.testing.assert_close(shown[:, place], alone, rtol=0, atol=0)
    assert torch.equal(shown[:, 1 - place], images[:, 1 - place])
    assert not torch.equal(shown[:, place], images[:, place])
    assert torch.equal(images, before)
    assert kept is labels


def test_a_source_and_its_classes_go_together() -> None:
    images, labels = batch()
    shown, _ = apply_deficit(WhiteNoise(source="B", classes=(3, 4)), images, labels, draws(40))
    changed = (shown != images).flatten(2).any(2)
    assert not changed[:, 0].any()
    assert torch.equal(changed[:, 1], (labels == 3) | (labels == 4))


def test_a_source_is_left_out_of_the_name_where_there_is_none() -> None:
    assert Blur(factor=4).identity() == {"factor": 4, "when": "after_augment"}
    assert Blur(factor=4, source="B").identity() == {"factor": 4, "when": "after_augment", "source": "B"}


def test_blank_shows_the_mean_colour() -> None:
    images, labels = batch()
    shown, _ = apply_deficit(Blank(), images, labels, draws(40))
    assert torch.equal(shown, MEAN.expand_as(images))
    shown, _ = apply_deficit(Blank(), images, labels, draws(40, mean=None))
    torch.testing.assert_close(shown, images.mean((0, 3, 4), keepdim=True).expand_as(images))
    flat, _ = Blank().apply(torch.tensor([[0.0, 1.0], [0.5, 0.5]]), labels[:2], draws(2, mean=None))
    assert torch.equal(flat, torch.full((2, 2), 0.5))


@given(a=st.floats(0, 1), b=st.floats(0, 1), size=st.integers(2, 30))
def test_dropout_takes_one_source_at_most(a: float, b: float, size: int) -> None:
    if a + b > 1:
        with pytest.raises(ValueError, match="at most"):
            SourceDropout(a=a, b=b)
        return
    images, labels = batch(size)
    shown, _ = apply_deficit(SourceDropout(a=a, b=b), images, labels, draws(size))
    blank = (shown == MEAN).flatten(2).all(2)
    assert not blank.all(1).any()
    assert torch.equal(shown[~blank], images[~blank])
    assert not (a == 0 and blank[:, 0].any())
    assert not (b == 0 and blank[:, 1].any())


def test_dropout_takes_as_often_as_it_says() -> None:
    images, labels = torch.rand(4000, 2, 1), torch.zeros(4000, dtype=torch.int64)
    mean = torch.full((2, 1), 2.0)
    shown, _ = apply_deficit(SourceDropout(a=0.3, b=0.1), images, labels, draws(4000, mean=mean))
    lost = (shown == 2).float().mean((0, 2))
    torch.testing.assert_close(lost, torch.tensor([0.3, 0.1]), rtol=0, atol=0.03)  # 4 standard errors


def test_decorrelation_shows_other_scenes_and_keeps_each_view() -> None:
    images, labels = batch(heads=3)
    shown, mixed = apply_deficit(Decorrelate(), images, labels, draws(40))
    assert torch.equal(shown[:, 0], images[:, 0])
    order = [int((images[:, 1] == one).flatten(1).all(1).nonzero().item()) for one in shown[:, 1]]
    assert sorted(order) == list(range(40))
    assert order != list(range(40))
    for example in range(40):
        heads = mixed[example].tolist()
        assert heads in ([-1, int(labels[example, 0]), -1], [-1, -1, int(labels[order[example], 0])])
    assert 5 < int((mixed[:, 1] >= 0).sum()) < 35
    again, _ = apply_deficit(Decorrelate(), images, labels, draws(40))
    assert torch.equal(again, shown), "the same step gives the same batch"
    other, _ = apply_deficit(Decorrelate(), images, labels, draws(40, position=3))
    assert not torch.equal(other, shown)


def test_the_authors_heads_are_drawn_for_the_whole_batch() -> None:
    images, labels = batch(heads=3)
    used = set()
    for position in range(12):
        _, mixed = apply_deficit(Decorrelate(head="batch"), images, labels, draws(40, position))
        heads = (mixed >= 0).any(0).tolist()
        assert heads in ([False, True, False], [False, False, True])
        used.add(heads.index(True))
    assert used == {1, 2}


def test_a_scene_without_a_label_stays_without() -> None:
    order, yes = torch.tensor([1, 0]), torch.tensor([True, True])
    assert mixed_labels(torch.tensor([-1, 7]), order, yes, yes).tolist() == [[-1, -1, 7], [-1, -1, -1]]


@pytest.mark.parametrize("name", BETWEEN)
def test_deficits_between_sources_keep_the_contract(name: str) -> None:
    images, labels = batch(heads=3)
    deficit = read({"name": name})
    before = images.clone(), labels.clone()
    shown, mixed = apply_deficit(deficit, images, labels, draws(40))
    assert shown.shape == images.shape
    assert mixed.shape == labels.shape
    assert mixed.dtype == torch.int64
    assert 0 <= shown.min() <= shown.max() <= 1
    assert torch.equal(images, before[0])
    assert torch.equal(labels, before[1])
    with pytest.raises(
        StudyError, match=r"needs examples of two sources \(2, ...\), received examples of shape \(3, 8, 8\)"
    ):
        deficit.check_examples((3, 8, 8))
    with pytest.raises(Problems, match="about what the sources are to each other"):
        read({"name": name, "source": "A"})


def test_refusals() -> None:
    with pytest.raises(StudyError, match="source: received 'B', which needs examples of two sources"):
        Blur(factor=2, source="B").check_examples((3, 32, 32))
    with pytest.raises(StudyError, match="image's smaller side, 8"):
        Blur(factor=9, source="B").check_examples((2, 3, 8, 8))
    Blur(factor=8, source="B").check_examples((2, 3, 8, 8))
    with pytest.raises(StudyError, match=r"3 heads \(both sources, A, B\), received 1; set data.heads = 3"):
        apply_deficit(Decorrelate(), *batch(), draws(40))
    with pytest.raises(Problems, match=r"received .C. \(allowed: A, B\)"):
        read({"name": "blur", "factor": 2, "source": "C"})
    Deficit.check_heads(Blank(), 1)
