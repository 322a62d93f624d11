"""Data of the user's own: tables, pictures without channels, and what is refused or remarked when they are read."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from critlab._core.errors import CritlabError, DataError, StudyError
from critlab.data import load
from critlab.data.checks import checked_classes, checked_split, lacking
from critlab.data.image_set import ImageSet
from critlab.data.spec import DataSpec
from critlab.deficits import DEFICITS, read_deficit
from critlab.study import Recipe, Study
from critlab.study.checks import read_data
from critlab.study.runs.origin import Numerics
from critlab.training.inputs.examples import Examples
from critlab.training.learner import NetworkLearner
from smallest import deficits_of, smallest_deficit

NAME = "own_data_of_this_test"


def made(*shape: int, count: int = 90) -> tuple[Any, Any]:
    """Examples whose values tell their class, more or less."""
    labels = np.arange(count) % 3
    noise = np.random.default_rng(1).random((count, *shape))
    return (noise * 0.4 + 0.3 * labels.reshape(-1, *[1] * len(shape))).astype(np.float32), labels


@pytest.fixture
def study() -> Iterator[Callable[..., Study]]:
    module = types.ModuleType(NAME)
    sys.modules[NAME] = module

    def written(returned: Any, **changes: Any) -> Study:
        module.given = lambda: returned  # type: ignore[attr-defined]
        plain: dict[str, Any] = {
            "name": "own",
            "seeds": 1,
            "data": {"name": f"{NAME}:given"},
            "model": {"name": "mlp", "hidden": [8]},
            "optimizer": {"name": "sgd", "lr": 0.1, "batch": 30},
            "deficit": {"name": "swap_noise", "share": 0.5},
            "sweep": {"kind": "removal", "at": [1], "recovery": 1},
        }
        return Study.read({**plain, **changes}, "own")

    yield written
    del sys.modules[NAME]


@pytest.mark.parametrize("shape", [(12,), (1,), (14, 14), (3, 8, 8), (2, 3, 8, 8)])
@pytest.mark.parametrize("kind", [np.float32, np.uint8])
def test_examples_of_any_shape_are_normalised(shape: tuple[int, ...], kind: type) -> None:
    images, labels = made(*shape)
    images = np.rint(images * 255).astype(np.uint8) if kind is np.uint8 else images
    split = checked_split(images, labels, "own")
    examples = Examples.of(ImageSet.of(split, split, 3), torch.device("cpu"))
    ready = examples.normalised(examples.train_images.float() / (255 if kind is np.uint8 else 1))
    assert abs(float(ready.mean())) < 1e-3
    assert abs(float(ready.std()) - 1) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(12,), (14, 14)])
def test_tables_and_pictures_without_channels_train_with_every_deficit(
    study: Callable[..., Study], shape: tuple[int, ...]
) -> None:
    whole = study((made(*shape), made(*shape, count=30)))
    images = load(whole.data)
    learner = NetworkLearner(whole, images, Numerics())
    names = deficits_of(shape)
    assert {"feature_dropout", "swap_noise", "label_noise"} <= set(names)
    clean = learner.start({"seed": 0})
    for epoch in range(20):
        learned = learner.advance(clean, Recipe(0.1, 0.0), epoch)
    assert learned is not None
    assert learned["train_accuracy"] > 0.8, "the table is learned"
    for name in names:
        state = learner.start({"seed": 0})
        learned = learner.advance(state, Recipe(0.1, 0.0, None, read_deficit(smallest_deficit(name))), 0)
        assert learned is not None
        assert np.isfinite(learned["train_loss"])
    for name in set(DEFICITS) - set(names):
        with pytest.raises(StudyError, match=r"deficit .* needs"):
            read_deficit(smallest_deficit(name)).check_examples(shape)


def read(whole: Study) -> None:
    images = load(whole.data)
    read_data(whole, images.train_images.shape[1:], images.train_labels.shape[1:], images.classes)


def two_heads(data: Any) -> Any:
    return data[0], np.stack([data[1], data[1]], 1)


@pytest.mark.parametrize(
    ("shape", "changes", "said"),
    [
        ((12,), {"augment": {"flip": True}}, r"augment\.flip: received True; must be left out, as examples of shape"),
        ((12,), {"augment": {"shift": 2}}, r"augment\.shift: received 2; must be left out"),
        ((8, 8), {"augment": {"shift": 8}}, r"augment\.shift: received 8; must be below the side of the image, 8"),
        ((8, 8), {"augment": {"flip": True, "views": "separate"}}, r"augment\.views"),
        ((12,), {"switch": {"augment": {"flip": True}}}, r"switch\.augment\.flip: received True"),
        ((12,), {"deficit": {"name": "blur", "factor": 2}}, "needs images"),
        ((12,), {"model": {"name": "all_cnn", "width": 2}}, "needs|takes|model"),
        ((12,), {"deficit": {"name": "decorrelate"}}, "two sources"),
    ],
)
def test_what_does_not_fit_is_said_once_the_data_are_read(
    study: Callable[..., Study], shape: tuple[int, ...], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(StudyError, match=said) as caught:
        read(study((made(*shape), made(*shape)), **changes))
    assert "\n" not in str(caught.value)


def test_heads_that_do_not_fit(study: Callable[..., Study]) -> None:
    both = two_heads(made(12))
    with pytest.raises(StudyError, match=r"model\.heads: received 1; must be 2"):
        read(study((both, both)))
    images, labels = made(12)
    column = images, labels[:, None]
    with pytest.raises(StudyError, match=r"shape \(N, 1\); must be \(N,\) for this model"):
        read(study((column, column)))


IMAGES, LABELS = made(3, 8, 8)


def wide(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(0).integers(0, 256, (90, *shape), dtype=np.uint8), LABELS


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            wide((32, 32, 3)),
            r"shape \(32, 32, 3\) have their channels last; move them first.*np\.moveaxis.*\(N, 3072\)",
        ),
        (wide((28, 28, 1)), "channels last"),
        (wide((20, 30, 4)), "channels last"),
        (wide((2, 32, 32, 3)), "channels last"),
        (((wide((3, 8, 8))[0] > 99).astype(np.uint8), LABELS), "uint8 images hold only 0 and 1, of 255"),
        ((IMAGES / 255, LABELS), "divided by 255 twice"),
        ((IMAGES * 255, LABELS), r"image value .* must be in \[0, 1\]; divide by 255"),
        ((IMAGES * 2 - 1, LABELS), r"image value .* must be in \[0, 1\]"),
        ((IMAGES > 0.5, LABELS), "images are bool"),
        ((IMAGES.astype(np.complex64), LABELS), "images are complex64"),
        ((IMAGES.astype(object), LABELS), "images are object"),
        ((np.ma.masked_greater(IMAGES, 0.5), LABELS), "masked array"),
        (
            (IMAGES, np.eye(3, dtype=np.int64)[LABELS]),
            r"one-hot rows; they must be class numbers, such as labels\.argmax",
        ),
        ((IMAGES, np.eye(3)[LABELS]), "labels are float64"),
        ((IMAGES, LABELS * 0), "every label is 0, a single class; there must be at least 2"),
        ((IMAGES, LABELS + 10**12), "class 0 of 1000000000003 has no example"),
        ((IMAGES, np.where(LABELS == 2, 2**62, LABELS)), "class 2 of 4611686018427387905 has no example"),
        ((IMAGES, np.full(90, 2**64 - 1, np.uint64)), r"label 18446744073709551615 at index 0: must be below 2\*\*63"),
        ((IMAGES, np.array([10**30] * 90, dtype=object)), "labels are object"),
        ((IMAGES, np.array(3)), r"labels have shape \(\)"),
        ((IMAGES, LABELS > 1), "labels are bool"),
    ],
)
def test_data_that_mean_something_else(data: Any, said: str) -> None:
    def checked() -> None:
        split = checked_split(data[0], data[1], "own")
        checked_classes(split, split, "own")

    with pytest.raises(DataError, match=said) as caught:
        checked()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (9, 128, 1), (512, 4, 4), (28, 28), (3072,), (3, 5, 4)])
def test_other_shapes_are_as_before(shape: tuple[int, ...]) -> None:
    images, labels = made(*shape, count=6)
    assert checked_split(images, labels, "own").images.shape == (6, *shape)


def test_a_test_set_that_lacks_classes_is_remarked(study: Callable[..., Study]) -> None:
    images, labels = made(12)
    few = labels != 1
    found = load(study(((images, labels), (images[few], labels[few]))).data)
    assert found.remarks() == ["the test examples lack 1 of 3 classes: 1"]
    assert load(DataSpec(name="sample", train=20, test=20)).remarks() == []
    assert lacking(np.array([[0, 3], [-1, 1]]), 5) == [2, 4]


def test_nothing_ends_in_a_traceback(study: Callable[..., Study]) -> None:
    odd: list[Any] = [None, 3, "x", [], ((), ()), (({}, {}), ({}, {})), ((IMAGES, None), (IMAGES, None)), object()]
    for returned in odd:
        with pytest.raises(CritlabError):
            load(study(returned).data)
