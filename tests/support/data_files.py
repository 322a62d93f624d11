"""Small data sets in the official layouts, written by the tests themselves."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TRAIN_PARTS = [f"data_batch_{k}" for k in range(1, 6)]


def cifar_rows(count: int, classes: int, seed: int) -> tuple[NDArray[np.uint8], list[int]]:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)
    return pixels, [k % classes for k in range(count)]


def cifar10_python(protocol: int = 4, keys: type = str, each: int = 10) -> dict[str, bytes]:
    files = {}
    for seed, name in enumerate([*TRAIN_PARTS, "test_batch"]):
        pixels, labels = cifar_rows(each, 10, seed)
        batch: dict[Any, Any] = {"batch_label": name, "labels": labels, "data": pixels}
        if keys is bytes:
            batch = {key.encode(): item for key, item in batch.items()}
        files[name] = pickle.dumps(batch, protocol=protocol)
    return files


def cifar10_binary(each: int = 10) -> dict[str, bytes]:
    files = {}
    for seed, name in enumerate([*TRAIN_PARTS, "test_batch"]):
        pixels, labels = cifar_rows(each, 10, seed)
        column = np.array(labels, dtype=np.uint8)[:, None]
        files[f"{name}.bin"] = np.concatenate([column, pixels], axis=1).tobytes()
    return files


def cifar100_python() -> dict[str, bytes]:
    files = {}
    for seed, name in enumerate(["train", "test"]):
        pixels, labels = cifar_rows(100, 100, seed)
        coarse = [label // 5 for label in labels]
        batch = {b"fine_labels": labels, b"coarse_labels": coarse, b"data": pixels}
        files[name] = pickle.dumps(batch, protocol=2)
    return files


def cifar100_binary() -> dict[str, bytes]:
    files = {}
    for seed, name in enumerate(["train", "test"]):
        pixels, labels = cifar_rows(100, 100, seed)
        fine = np.array(labels, dtype=np.uint8)[:, None]
        files[f"{name}.bin"] = np.concatenate([fine // 5, fine, pixels], axis=1).tobytes()
    return files


def write_folder(place: Path, files: dict[str, bytes]) -> Path:
    place.mkdir(parents=True)
    for name, content in files.items():
        (place / name).write_bytes(content)
    return place


def write_archive(path: Path, inside: str, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{inside}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def python2_batch(pixels: NDArray[np.uint8], labels: list[int]) -> bytes:
    """The batch as Python 2 wrote the official files: protocol 2, keys and array bytes as byte strings."""

    def short(text: bytes) -> bytes:
        return b"U" + bytes([len(text)]) + text

    rows, columns = pixels.shape
    raw = pixels.tobytes()
    dtype = b"cnumpy\ndtype\n" + short(b"u1") + b"K\x00K\x01\x87R"
    dtype += b"(K\x03" + short(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array: bytes = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + short(b"b") + b"\x87R"
    array += b"(K\x01M" + rows.to_bytes(2, "little") + b"M" + columns.to_bytes(2, "little") + b"\x86"
    array += dtype + b"I00\n" + b"T" + len(raw).to_bytes(4, "little") + raw + b"tb"
    listed = b"(" + b"".join(b"K" + bytes([label]) for label in labels) + b"l"
    return b"\x80\x02}(" + short(b"data") + array + short(b"labels") + listed + b"u."


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()


def write_idx_set(place: Path, first_labels: list[int], zipped: bool, count: int = 40) -> Path:
    """Four IDX files; the training labels begin with ``first_labels``, then run through the classes."""
    place.mkdir(parents=True, exist_ok=True)
    draws = np.random.default_rng(sum(first_labels))
    for part, labels in (
        ("train", [*first_labels, *[k % 10 for k in range(count - len(first_labels))]]),
        ("t10k", [k % 10 for k in range(20)]),
    ):
        images = draws.integers(0, 256, (len(labels), 28, 28), dtype=np.uint8)
        for name, array in (("images-idx3", images), ("labels-idx1", np.array(labels, dtype=np.uint8))):
            content = idx_bytes(array)
            file = place / f"{part}-{name}-ubyte"
            if zipped:
                file.with_name(file.name + ".gz").write_bytes(gzip.compress(content, mtime=0))
            else:
                file.write_bytes(content)
    return place
