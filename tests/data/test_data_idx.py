"""IDX files, which set they are, and the sample that ships."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from critlab._core.errors import DataError
from critlab.data import load
from critlab.data.formats.idx import read_fashion_mnist, read_idx, read_mnist
from critlab.data.spec import DataSpec
from data_files import idx_bytes, write_idx_set

MNIST = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
FASHION = [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRITLAB_OFFLINE", "1")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("below", ["", "mnist", "MNIST/raw"])
def test_mnist_is_found(below: str, zipped: bool, tmp_path: Path) -> None:
    write_idx_set(tmp_path / below, MNIST, zipped)
    (images, labels), (test_images, _) = read_mnist(tmp_path)
    assert images.shape == (40, 1, 28, 28)
    assert labels[:10].tolist() == MNIST
    assert test_images.shape == (20, 1, 28, 28)


@pytest.mark.parametrize("below", ["", "fashion_mnist", "fashion-mnist", "FashionMNIST/raw"])
def test_fashion_mnist_is_found(below: str, tmp_path: Path) -> None:
    write_idx_set(tmp_path / below, FASHION, zipped=True)
    assert read_fashion_mnist(tmp_path)[0][1][:10].tolist() == FASHION


def test_the_two_sets_are_told_apart(tmp_path: Path) -> None:
    write_idx_set(tmp_path, FASHION, zipped=True)
    with pytest.raises(DataError, match=r"are Fashion-MNIST, not MNIST.*put MNIST into"):
        read_mnist(tmp_path)
    write_idx_set(tmp_path / "mnist", MNIST, zipped=False)
    assert read_mnist(tmp_path)[0][1][:10].tolist() == MNIST
    assert read_fashion_mnist(tmp_path)[0][1][:10].tolist() == FASHION


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("zipped", [True, False])
def test_an_idx_file_reads_back(zipped: bool, tmp_path: Path) -> None:
    content = idx_bytes(IMAGES)
    (tmp_path / "file").write_bytes(gzip.compress(content, mtime=0) if zipped else content)
    assert np.array_equal(read_idx(tmp_path / "file", axes=3), IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with"),
        (b"\x00\x00\x0d\x03" + idx_bytes(IMAGES)[4:], "begins with 00000d03"),
        (idx_bytes(IMAGES[0]), "begins with 00000802, where IDX bytes with 3 axes begin with 00000803"),
        (idx_bytes(IMAGES)[:9], "within its header"),
        (idx_bytes(IMAGES)[:-1], r"\(2, 3, 4\) in its header, 24 bytes, but holds 23"),
        (idx_bytes(IMAGES) + b"x", "holds more"),
        (gzip.compress(idx_bytes(IMAGES), mtime=0)[:-10], "may be incomplete"),
        (gzip.compress(idx_bytes(IMAGES), mtime=0)[:3], "may be incomplete"),
    ],
)
def test_a_damaged_file_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "the-file").write_bytes(content)
    with pytest.raises(DataError, match=f"the-file.*{message}"):
        read_idx(tmp_path / "the-file", axes=3)


def test_images_of_another_size_are_refused(tmp_path: Path) -> None:
    write_idx_set(tmp_path, MNIST, zipped=False)
    for part, count in (("train", 40), ("t10k", 20)):
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((count, 8, 8), np.uint8)))
    with pytest.raises(DataError, match=r"\(1, 8, 8\) where \(1, 28, 28\) is official"):
        load(DataSpec(name="mnist", train=40, test=20), tmp_path)


def test_the_sample_ships_whole_and_balanced(tmp_path: Path) -> None:
    sample = load(DataSpec(name="sample"), tmp_path / "no such folder")
    assert sample.train_images.shape == (10_000, 1, 28, 28)
    assert sample.test_images.shape == (4_000, 1, 28, 28)
    assert np.bincount(sample.train_labels).tolist() == [1_000] * 10
    assert np.bincount(sample.test_labels).tolist() == [400] * 10
    assert sample.train_labels[:10].tolist() == FASHION
    assert sample.mean == pytest.approx([0.2867], abs=1e-4)
    assert sample.fingerprint.startswith("539af8a9ec66")


def test_the_sample_is_small_and_states_its_licence() -> None:
    folder = Path(load.__code__.co_filename).parent / "sample"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 8_000_000
    licence = (folder / "LICENSE").read_text()
    assert "Copyright (c) 2017 Zalando SE" in licence
    assert "Permission is hereby granted" in licence
