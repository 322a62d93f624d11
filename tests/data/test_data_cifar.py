"""CIFAR in both official layouts, and what must not be read."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from critlab._core.errors import DataError
from critlab.data import load
from critlab.data.formats.array_pickle import read_array_pickle
from critlab.data.formats.cifar import read_cifar10, read_cifar100
from critlab.data.spec import DataSpec
from data_files import (
    cifar10_binary,
    cifar10_python,
    cifar100_binary,
    cifar100_python,
    cifar_rows,
    python2_batch,
    write_archive,
    write_folder,
)

FIRST = cifar_rows(10, 10, seed=0)[0][0].reshape(3, 32, 32)


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRITLAB_OFFLINE", "1")


def python_folder(place: Path) -> None:
    write_folder(place / "cifar-10-batches-py", cifar10_python())


def bytes_keys_folder(place: Path) -> None:
    write_folder(place / "cifar-10-batches-py", cifar10_python(protocol=2, keys=bytes))


def newest_protocol_folder(place: Path) -> None:
    write_folder(place / "cifar-10-batches-py", cifar10_python(protocol=5))


def binary_folder(place: Path) -> None:
    write_folder(place / "cifar-10-batches-bin", cifar10_binary())


def python_archive(place: Path) -> None:
    write_archive(place / "cifar-10-python.tar.gz", "cifar-10-batches-py", cifar10_python())


def binary_archive(place: Path) -> None:
    write_archive(place / "cifar-10-binary.tar.gz", "cifar-10-batches-bin", cifar10_binary())


LAYOUTS = [
    python_folder,
    bytes_keys_folder,
    newest_protocol_folder,
    binary_folder,
    python_archive,
    binary_archive,
]


@pytest.mark.parametrize("write", LAYOUTS)
def test_every_layout_gives_the_same_arrays(write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path)
    (images, labels), (test_images, test_labels) = read_cifar10(tmp_path)
    assert images.shape == (50, 3, 32, 32)
    assert images.dtype == np.uint8
    assert test_images.shape == (10, 3, 32, 32)
    assert labels.tolist() == [*range(10)] * 5
    assert test_labels.tolist() == [*range(10)]
    assert np.array_equal(images[0], FIRST)
    assert not np.array_equal(images[0], images[1])


def test_the_official_python_2_pickle_is_read() -> None:
    pixels, labels = cifar_rows(300, 10, seed=3)
    batch = read_array_pickle(python2_batch(pixels, labels), "data_batch_1")
    assert np.array_equal(batch["data"], pixels)
    assert batch["labels"] == labels


@pytest.mark.parametrize("files", [cifar100_python, cifar100_binary])
def test_cifar100_gives_the_fine_labels(files: Callable[[], dict[str, bytes]], tmp_path: Path) -> None:
    inside = "cifar-100-python" if files is cifar100_python else "cifar-100-binary"
    write_archive(tmp_path / f"{inside}.tar.gz", inside, files())
    (images, labels), (_, test_labels) = read_cifar100(tmp_path)
    assert images.shape == (100, 3, 32, 32)
    assert labels.tolist() == test_labels.tolist() == [*range(100)]


@pytest.mark.parametrize("below", ["", "cifar10", "cifar-10"])
def test_the_set_is_found_in_a_folder_of_its_own_name(below: str, tmp_path: Path) -> None:
    write_folder(tmp_path / below / "cifar-10-batches-bin", cifar10_binary())
    assert len(read_cifar10(tmp_path)[0][0]) == 50


def test_the_layout_folder_itself_may_be_named(tmp_path: Path) -> None:
    python_folder(tmp_path)
    assert len(read_cifar10(tmp_path / "cifar-10-batches-py")[0][0]) == 50


def test_binary_is_preferred_where_both_lie(tmp_path: Path) -> None:
    binary_folder(tmp_path)
    write_folder(tmp_path / "cifar-10-batches-py", dict.fromkeys(cifar10_python(), b"not a pickle"))
    assert len(read_cifar10(tmp_path)[0][0]) == 50


class Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


class Shell:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("__import__('pathlib').Path('ran').touch()",)


def test_a_pickle_that_names_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evil = pickle.dumps({"data": Shell(), "labels": []})
    pickle.loads(evil)
    assert (tmp_path / "ran").exists(), "the test's own pickle must do harm where it is loaded freely"
    (tmp_path / "ran").unlink()
    write_folder(tmp_path / "cifar-10-batches-py", cifar10_python() | {"data_batch_2": evil})
    with pytest.raises(DataError, match=r"data_batch_2 asks for builtins\.eval"):
        read_cifar10(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("value", [Bomb(Path("x")), np.float32(1), np.random.default_rng(0)])
def test_no_other_global_is_read(value: object) -> None:
    with pytest.raises(DataError, match="which arrays do not need"):
        read_array_pickle(pickle.dumps({"data": value}), "file")


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_object_arrays_are_refused(protocol: int) -> None:
    content = pickle.dumps({"data": np.array([None, 1], dtype=object)}, protocol=protocol)
    with pytest.raises(DataError, match=r"file.*object"):
        read_array_pickle(content, "file")


@pytest.mark.parametrize("dtype", ["<i8", ">i4", "u1"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_arrays_of_whole_numbers_are_read_as_numpy_reads_them(dtype: str, order: Any, protocol: int) -> None:
    array = np.asarray(np.arange(12).reshape(3, 4), dtype=dtype, order=order)
    read = read_array_pickle(pickle.dumps({"a": array}, protocol=protocol), "file")["a"]
    assert np.array_equal(read, array)


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps([1, 2]), pickle.dumps({"data": 1})[:-3]])
def test_a_damaged_pickle_names_its_file(content: bytes) -> None:
    with pytest.raises(DataError, match="data_batch_9"):
        read_array_pickle(content, "data_batch_9")


@pytest.mark.parametrize("write", [python_archive, binary_archive])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_half_a_download_is_one_clear_error(write: Callable[[Path], None], share: float, tmp_path: Path) -> None:
    write(tmp_path)
    (archive,) = tmp_path.iterdir()
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DataError, match=archive.name):
        read_cifar10(tmp_path)


def test_an_archive_without_a_batch_names_it(tmp_path: Path) -> None:
    files = cifar10_binary()
    del files["data_batch_3.bin"]
    write_archive(tmp_path / "cifar-10-binary.tar.gz", "cifar-10-batches-bin", files)
    with pytest.raises(DataError, match=r"binary\.tar\.gz lacks data_batch_3\.bin"):
        read_cifar10(tmp_path)


def test_nothing_of_an_archive_is_written_to_disk(tmp_path: Path) -> None:
    files = cifar10_binary() | {"../../escaped": b"x"}
    place = tmp_path / "deep" / "data"
    place.mkdir(parents=True)
    write_archive(place / "cifar-10-binary.tar.gz", "cifar-10-batches-bin", files)
    before = sorted(tmp_path.rglob("*"))
    read_cifar10(place)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_cut_binary_batch_is_refused(tmp_path: Path) -> None:
    files = cifar10_binary()
    write_folder(tmp_path / "cifar-10-batches-bin", files | {"data_batch_4.bin": files["data_batch_4.bin"][:-1]})
    with pytest.raises(DataError, match=r"data_batch_4\.bin has 30729 bytes"):
        read_cifar10(tmp_path)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"labels": [1]}, "has no 'data'"),
        ({"data": np.zeros((1, 3072), np.uint8)}, "has no 'labels'"),
        ({"data": np.zeros((1, 3072), np.int64), "labels": [1]}, "not a uint8 array"),
        ({"data": np.zeros((1, 100), np.uint8), "labels": [1]}, "not a uint8 array"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [1, 2]}, "not a list of 1 labels"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": ["cat"]}, "must be whole numbers"),
    ],
)
def test_a_batch_of_another_form_is_refused(batch: dict[str, Any], message: str, tmp_path: Path) -> None:
    files = cifar10_python() | {"data_batch_1": pickle.dumps(batch)}
    write_folder(tmp_path / "cifar-10-batches-py", files)
    with pytest.raises(DataError, match=message):
        read_cifar10(tmp_path)


def test_a_part_of_the_set_is_used_only_when_asked_for(tmp_path: Path) -> None:
    binary_folder(tmp_path)
    with pytest.raises(DataError, match="received 50000 images; must be at most 50"):
        load(DataSpec(name="cifar10"), tmp_path)
    assert len(load(DataSpec(name="cifar10", train=50, test=10), tmp_path).train_images) == 50
