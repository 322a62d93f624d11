"""Two views of one image: what is stored, what each eye sees, and what a study file may say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from critlab._core.errors import DataError, StudyError
from critlab.data import load
from critlab.data.spec import DataSpec, Sizes
from critlab.study.runs.recipe import Recipe
from critlab.study.specs import AugmentSpec
from critlab.training.inputs.examples import Examples


def two_view(**options: Any) -> DataSpec:
    return DataSpec.read({"name": "two_view", "of": "sample", "train": 40, "test": 20, **options}, "data")


def plain_images() -> tuple[Any, Any]:
    one = load(DataSpec(name="sample", train=40, test=20))
    return one.train_images, one.train_labels


def test_both_views_hold_the_whole_image_and_the_aperture_parts_them() -> None:
    images, labels = plain_images()
    found = load(two_view(view_width=16))
    np.testing.assert_array_equal(found.train_images, np.stack([images, images], 1))
    np.testing.assert_array_equal(found.train_labels, labels)
    assert found.aperture is not None
    columns = found.aperture[:, 0, 0]
    assert columns[0].tolist() == [1.0] * 16 + [0.0] * 12
    assert columns[1].tolist() == [0.0] * 12 + [1.0] * 16


@pytest.mark.parametrize(("width", "pad", "seen"), [(None, 0, 14), (None, 2, 16), (5, 2, 5), (28, 0, 28)])
def test_the_aperture_counts_padding(width: int | None, pad: int, seen: int) -> None:
    found = load(two_view(view_width=width, pad=pad))
    assert found.train_images.shape == (40, 2, 1, 28 + 2 * pad, 28 + 2 * pad)
    assert found.aperture is not None
    assert found.aperture.shape == (2, 1, 1, 28 + 2 * pad)
    assert found.aperture.sum((1, 2, 3)).tolist() == [seen, seen]


def test_what_is_not_seen_shows_the_mean_colour_in_training_and_test() -> None:
    examples = Examples.of(load(two_view(view_width=10)), torch.device("cpu"))
    still = Recipe(lr=1.0, weight_decay=0.0)
    images, _ = examples.training_batch(torch.arange(8), still, 0, 0, 0)
    whole = (torch.from_numpy(plain_images()[0][:8]) / 255 - examples.mean[0]) / examples.std[0]
    torch.testing.assert_close(images[:, 0, :, :, :10], whole[..., :10])
    torch.testing.assert_close(images[:, 1, :, :, 18:], whole[..., 18:])
    assert not images[:, 0, :, :, 10:].any()
    assert not images[:, 1, :, :, :18].any()
    assert not examples.normalised(examples.test_images[:4] / 255)[:, 0, ..., 10:].any()


def test_the_scene_moves_behind_a_still_aperture() -> None:
    examples = Examples.of(load(two_view(view_width=10)), torch.device("cpu"))
    moving = Recipe(lr=1.0, weight_decay=0.0, augment=AugmentSpec(flip=True, shift=3))
    images, _ = examples.training_batch(torch.arange(32), moving, 0, 0, 0)
    assert not images[:, 0, ..., 10:].any()
    assert not images[:, 1, ..., :18].any()
    assert images[:, 0, ..., :10].abs().sum((1, 2, 3)).min() > 0


def test_three_heads_leave_the_single_views_without_a_label() -> None:
    _, labels = plain_images()
    found = load(two_view(heads=3))
    np.testing.assert_array_equal(
        found.train_labels, np.stack([labels, -np.ones_like(labels), -np.ones_like(labels)], 1)
    )
    assert two_view(heads=3).label_heads() == 3
    assert two_view().label_heads() == DataSpec(name="mnist").label_heads() == 1


def test_sizes_and_shape_are_those_of_the_data_set_shown() -> None:
    assert two_view().shape() == (2, 1, 28, 28)
    assert two_view().sizes() == Sizes(10, 40, 20, 40)
    full = DataSpec.read({"name": "two_view", "of": "cifar100", "pad": 1}, "data")
    assert full.shape() == (2, 3, 34, 34)
    assert full.sizes() == Sizes(100, 50_000, 10_000, 50_000)
    assert DataSpec.read({"name": "two_view", "of": "my.data:f"}, "data").shape() is None


def test_options_are_written_flat_and_read_back() -> None:
    spec = two_view(view_width=12, heads=3)
    assert spec.model_dump() | {"epoch": None, "pad": 0} == spec.model_dump()
    assert spec.identity() == {
        "name": "two_view",
        "train": 40,
        "test": 20,
        "of": "sample",
        "view_width": 12,
        "heads": 3,
    }
    assert two_view().identity() == {"name": "two_view", "train": 40, "test": 20, "of": "sample"}
    assert DataSpec.model_validate(spec.model_dump()) == DataSpec.model_validate_json(spec.model_dump_json()) == spec


def single_views() -> Any:
    images, labels = plain_images()
    return (images, labels), (images[:20], labels[:20])


def rows() -> Any:
    return (np.zeros((4, 8), np.uint8), np.arange(4) % 2), (np.zeros((4, 8), np.uint8), np.arange(4) % 2)


def test_a_users_function_shown_twice() -> None:
    found = load(DataSpec.read({"name": "two_view", "of": f"{__name__}:single_views"}, "data"))
    assert found.train_images.shape == (40, 2, 1, 28, 28)
    with pytest.raises(DataError, match=r"images of shape \(8,\); must be \(channels, height, width\)"):
        load(DataSpec.read({"name": "two_view", "of": f"{__name__}:rows"}, "data"))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"of": "smaple"}, r"of: unknown data set, received 'smaple'; did you mean 'sample'"),
        ({"of": "two_view"}, r"of: received 'two_view'; must be a data set of single images"),
        ({"view_width": 29}, r"view_width: received 29; must be at most 28, the columns of sample"),
        ({"view_width": 0}, r"view_width: received 0; must be greater than or equal to 1"),
        ({"heads": 2}, r"heads: received 2"),
        ({"views": 3}, r"views: unknown key, received 3; did you mean 'view_width'"),
        ({"train": 10_001}, r"train: received 10,001; must be at most 10,000"),
    ],
)
def test_a_mistake_is_named(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        two_view(**raw)


def test_options_of_two_views_are_no_options_of_others() -> None:
    with pytest.raises(StudyError, match="of: unknown key"):
        DataSpec.read({"name": "mnist", "of": "sample"}, "data")
