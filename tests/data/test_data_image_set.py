"""Subsets, padding, statistics, fingerprints, and data that is not what it must be."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from critlab._core.errors import DataError, StudyError
from critlab.data import load
from critlab.data.image_set import ImageSet, channel_statistics, padded
from critlab.data.spec import DataSpec
from critlab.data.subset import balanced, even_shares

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=60)


@given(LABELS, st.data())
def test_a_subset_is_balanced_in_file_order_and_always_the_same(labels: list[int], data: st.DataObject) -> None:
    array = np.array(labels, dtype=np.int64)
    count = data.draw(st.integers(0, len(labels)))
    places = balanced(array, count)
    assert len(places) == count
    assert np.array_equal(places, balanced(array, count))
    assert (np.diff(places) > 0).all()
    taken = np.bincount(array[places], minlength=5)
    there = np.bincount(array, minlength=5)
    for label in range(5):
        first = np.flatnonzero(array == label)[: taken[label]]
        assert np.array_equal(first, places[array[places] == label])
    # as even as possible: no class with examples to spare lies two below another
    spare = taken[taken < there]
    assert spare.size == 0 or taken.max() - spare.min() <= 1


def test_what_does_not_divide_goes_to_the_lowest_classes() -> None:
    assert even_shares([10, 10, 10, 10], 10) == [3, 3, 2, 2]
    assert even_shares([1, 10, 10], 11) == [1, 5, 5]
    assert even_shares([0, 3], 3) == [0, 3]


def test_heads_are_balanced_on_the_first() -> None:
    labels = np.array([[0, 1], [0, 1], [1, 1], [1, 0], [-1, 1]])
    assert balanced(labels, 3).tolist() == [0, 2, 4]
    assert balanced(labels, 2).tolist() == [0, 2]


def test_padding_is_zero_on_the_last_two_axes() -> None:
    images = np.full((2, 3, 4, 5), 7, dtype=np.uint8)
    wide = padded(images, 2)
    assert wide.shape == (2, 3, 8, 9)
    assert np.array_equal(wide[:, :, 2:-2, 2:-2], images)
    assert wide.sum() == images.sum()
    with pytest.raises(DataError, match="two axes"):
        padded(np.zeros((3, 4), np.float32), 1)


@pytest.mark.parametrize(("shape", "kept"), [((3, 8, 8), (3,)), ((2, 3, 8, 8), (2, 3)), ((8, 8), ()), ((20,), ())])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_statistics_are_those_of_numpy(shape: tuple[int, ...], kept: tuple[int, ...], dtype: type) -> None:
    draws = np.random.default_rng(0)
    values = draws.integers(0, 256, (1500, *shape)).astype(np.uint8)
    images = values if dtype is np.uint8 else (values / 255).astype(np.float32)
    axes = (0, -2, -1) if kept else None
    mean, std = channel_statistics(images)
    assert mean.shape == std.shape == kept
    assert mean.dtype == std.dtype == np.float32
    np.testing.assert_allclose(mean, (values / 255).mean(axis=axes), rtol=1e-5)
    np.testing.assert_allclose(std, (values / 255).std(axis=axes), rtol=1e-5)


def test_a_channel_that_never_changes_has_a_deviation_of_one_grey_level() -> None:
    assert channel_statistics(np.full((4, 1, 2, 2), 9, np.uint8))[1] == pytest.approx([1 / 255])


def made(count: int = 20, classes: int = 4, shape: tuple[int, ...] = (1, 3, 3)) -> tuple[Any, Any]:
    images = np.random.default_rng(1).integers(0, 256, (count, *shape)).astype(np.uint8)
    return images, np.arange(count) % classes


@pytest.fixture
def read() -> Iterator[Callable[..., ImageSet]]:
    """Loads what a user's function returns."""
    module = types.ModuleType("user_data_of_this_test")
    sys.modules[module.__name__] = module

    def loaded(returned: Any, **options: Any) -> ImageSet:
        module.given = lambda: returned  # type: ignore[attr-defined]
        return load(DataSpec(name=f"{module.__name__}:given", **options))

    yield loaded
    del sys.modules[module.__name__]


def test_a_users_arrays_come_through(read: Callable[..., ImageSet]) -> None:
    images, labels = made()
    found = read(((images, labels.astype(np.uint8)), (images[:6], labels[:6])), train=8, pad=1)
    assert found.classes == 4
    assert found.train_images.shape == (8, 1, 5, 5)
    assert np.array_equal(found.train_images[:, :, 1:-1, 1:-1], images[:8])
    assert found.train_labels.dtype == np.int64
    assert found.test_labels.tolist() == [0, 1, 2, 3, 0, 1]
    for array in (found.train_images, found.train_labels, found.test_images):
        assert array.flags.c_contiguous


def test_a_users_tensors_come_through(read: Callable[..., ImageSet]) -> None:
    import torch

    images, labels = made()
    pair = (torch.from_numpy(images).double().div(255).requires_grad_(), torch.from_numpy(labels))
    found = read((pair, pair))
    assert found.train_images.dtype == np.float32
    np.testing.assert_allclose(found.train_images, images / 255, rtol=1e-6)
    assert np.array_equal(found.train_labels, labels)


def test_views_and_heads_come_through(read: Callable[..., ImageSet]) -> None:
    images, labels = made(shape=(2, 3, 4, 4))
    heads = np.stack([labels, np.where(labels == 0, -1, labels)], axis=1)
    found = read([[images, heads], [images, heads]], train=4)
    assert found.mean.shape == (2, 3)
    assert found.train_labels.tolist() == [[0, -1], [1, 1], [2, 2], [3, 3]]


def test_a_fingerprint_names_the_bytes(read: Callable[..., ImageSet]) -> None:
    images, labels = made()
    whole = read(((images, labels), (images, labels)))
    assert whole.fingerprint == read(((images.copy(), labels), (images, labels))).fingerprint
    pixel, label = images.copy(), labels.copy()
    pixel[3, 0, 1, 1] ^= 1
    label[5] = (label[5] + 1) % 4
    others = [
        read(((pixel, labels), (images, labels))),
        read(((images, labels), (pixel, labels))),
        read(((images, label), (images, labels))),
        read(((images, labels), (images, label))),
        read(((images, labels), (images, labels)), train=19),
        read(((images, labels), (images, labels)), pad=1),
        read(((images.reshape(20, 1, 9, 1), labels), (images.reshape(20, 1, 9, 1), labels))),
    ]
    assert len({whole.fingerprint, *(other.fingerprint for other in others)}) == len(others) + 1


def _float(place: int, value: float) -> Any:
    images = made()[0].astype(np.float64) / 255
    images[place, 0, 2, 1] = value
    return images


def _label(place: int, value: int) -> Any:
    labels = made()[1]
    labels[place] = value
    return labels


IMAGES, CLASSES = made()
GOOD = (IMAGES, CLASSES)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ((GOOD, (IMAGES.astype(np.int32), CLASSES)), r"test: images are int32; they must be uint8"),
        (((_float(4, float("nan")), CLASSES), GOOD), r"image value nan at index \(4, 0, 2, 1\).*\[0, 1\]"),
        (((_float(5, 1.5), CLASSES), GOOD), r"train: image value 1\.5 at index \(5, 0, 2, 1\)"),
        (((_float(0, -0.1), CLASSES), GOOD), r"-0\.1 at index \(0, 0, 2, 1\)"),
        (((_float(0, 0.1), CLASSES), GOOD), r"image type float32 in train but uint8 in test"),
        (((IMAGES, _label(7, -2)), GOOD), r"train: label -2 at index 7: must be 0 or more"),
        ((GOOD, (IMAGES, _label(9, 4))), r"test: label 4 at index 9: must be below 4"),
        (((IMAGES, np.where(CLASSES == 2, 1, CLASSES)), GOOD), r"class 2 of 4 has no example"),
        (((IMAGES, np.full(20, -1)), GOOD), r"every label is -1"),
        (((IMAGES, CLASSES.astype(float)), GOOD), r"labels are float64; they must be whole"),
        (((IMAGES, CLASSES[:-1]), GOOD), r"20 images but 19 labels"),
        (((IMAGES, CLASSES.reshape(5, 2, 2)), GOOD), r"labels have shape \(5, 2, 2\)"),
        (((IMAGES[:0], CLASSES[:0]), GOOD), r"images have shape \(0, 1, 3, 3\)"),
        ((GOOD, (IMAGES[:, :, :2], CLASSES)), r"image shape \(1, 3, 3\) in train but \(1, 2, 3\) in test"),
        ((GOOD, (IMAGES, np.stack([CLASSES] * 2, 1))), r"label heads \(\) in train but \(2,\) in test"),
        ((GOOD, GOOD, GOOD), r"received 3 items; it must return"),
        (None, r"received something of type NoneType; it must return"),
        (
            (GOOD, (IMAGES, CLASSES.tolist())),
            r"received something of type list; images and labels must be numpy arrays",
        ),
    ],
)
def test_a_users_mistake_is_named(returned: Any, message: str, read: Callable[..., ImageSet]) -> None:
    with pytest.raises(DataError, match=message):
        read(returned)


def test_more_than_there_is_cannot_be_asked(read: Callable[..., ImageSet]) -> None:
    with pytest.raises(DataError, match="train: received 21 images; must be at most 20"):
        read((GOOD, GOOD), train=21)
    with pytest.raises(DataError, match="test: received 30 images; must be at most 20"):
        read((GOOD, GOOD), test=30)
    with pytest.raises(DataError, match="epoch = 21 but only 20"):
        read((GOOD, GOOD), epoch=21)


def test_a_function_that_fails_says_so() -> None:
    with pytest.raises(DataError, match=r"data.name: 'json:loads' failed: TypeError"):
        load(DataSpec(name="json:loads"))
    with pytest.raises(DataError, match="must be a function"):
        load(DataSpec(name="math:pi"))
    with pytest.raises(StudyError, match="cannot be imported"):
        load(DataSpec(name="no_such_module:f"))
