"""Data sets of other libraries: read once into the cache, and refused where examples change or differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

import other_data
from critlab._core.errors import DataError
from critlab.data import load
from critlab.data.image_set import ImageSet
from critlab.data.spec import DataSpec


class Counted(Dataset[Any]):
    """Examples that a test gives, and how often one was read."""

    def __init__(self, make: Callable[[int], Any], count: int = 12) -> None:
        self.make, self.count, self.read = make, count, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int) -> Any:
        self.read += 1
        return self.make(place)


def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Any, **options: Any) -> ImageSet:
    monkeypatch.setenv("CRITLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(other_data, "MADE", made)
    return load(DataSpec.read({"name": "dataset", "function": "other_data:made", **options}, "data"), tmp_path)


def picture(place: int, **others: Any) -> dict[str, Any]:
    pixels = np.random.default_rng(place).integers(0, 256, (9, 9 + place % 2, 3), dtype=np.uint8)
    return {"image": Image.fromarray(pixels), "label": place % 2, "who": place // 3, **others}


def test_tensors_are_read_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = torch.rand(30, 3, 6, 6, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 3
    parts = TensorDataset(images[:20], labels[:20]), TensorDataset(images[20:], labels[20:])
    found = read(tmp_path, monkeypatch, parts)
    np.testing.assert_array_equal(found.train_images, images[:20].numpy())
    np.testing.assert_array_equal(found.test_labels, labels[20:].numpy())


def test_pictures_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = Counted(picture, 100), Counted(picture, 20)
    first = read(tmp_path, monkeypatch, {"train": train, "test": test}, side=8)
    assert first.train_images.shape == (100, 3, 8, 8)
    before = train.read
    again = read(tmp_path, monkeypatch, {"train": train, "test": test}, side=8)
    assert again.fingerprint == first.fingerprint
    assert train.read - before < 60, "a few examples are looked at, three times each"
    other = Counted(lambda place: picture(place + (place == 0)), 100)
    assert read(tmp_path, monkeypatch, {"train": other, "test": test}, side=8).fingerprint != first.fingerprint


def test_one_set_is_split_by_a_key_of_its_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(tmp_path, monkeypatch, Counted(picture), side=8, split={"test": 0.3, "by": "who"})
    assert (len(found.train_labels), len(found.test_labels)) == (9, 3)


HOSTILE: list[tuple[Callable[[int], Any], dict[str, Any], str]] = [
    (lambda place: (torch.rand(3, 6, 6), 0), {}, "example 0 is another one each time it is read; take random"),
    (picture, {}, "example 1 has 9 x 10 pixels, not as the first; set side"),
    (lambda place: {"pixels": 1, "label": 0}, {}, "example 0 has pixels, label; set inputs to one of them"),
    (lambda place: 1 / 0, {}, "example 0 failed: ZeroDivisionError"),
    (lambda place: ("a text", 0), {}, "is str; must be an image, a tensor"),
    (lambda place: (torch.full((3, 6, 6), place / 20), "cat"), {}, "has the label 'cat'; must be a whole number"),
    (lambda place: (torch.full((3, 6, 6), place * 9.0), 0), {}, "whose range is not clear; set range ="),
    (lambda place: (torch.full((3, 6 + place // 11, 6), place / 20), place % 2), {}, "where the first is float32"),
]


@pytest.mark.parametrize(("make", "options", "line"), HOSTILE)
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[int], Any],
    options: dict[str, Any],
    line: str,
) -> None:
    with pytest.raises(DataError, match=line) as found:
        read(tmp_path, monkeypatch, (Counted(make), Counted(make)), **options)
    assert "\n" not in str(found.value)


def test_what_is_no_data_set_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for made in (3, (1, 2), [Counted(picture)], (Counted(picture, 0), Counted(picture))):
        with pytest.raises(DataError, match=r"must return a pair \(train, test\)"):
            read(tmp_path, monkeypatch, made, side=8)
