"""The store: whole files, checked at load, damaged ones put aside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from critlab._core.digest import digest
from critlab._core.errors import StoreError
from critlab.store import Store, checkpoint, record
from critlab.store.disk import atomic
from critlab.store.writer import home

NAME = digest("a state")
BODY: dict[str, Any] = {"status": "done", "seconds": 1.0, "train_loss": 0.25}
ARRAYS: dict[str, NDArray[Any]] = {
    "model.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "model.count": np.asarray(7, dtype=np.int64),
    "empty": np.zeros((0, 3), dtype=np.float32),
}


def test_record_round_trip(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    assert store.read("epochs", NAME) is None
    assert not (tmp_path / "s").exists(), "reading must create nothing"
    store.write("epochs", NAME, {**BODY, "train_loss": 0.1 + 0.2})
    assert store.read("epochs", NAME) == {**BODY, "train_loss": 0.1 + 0.2}
    assert list(store.names("epochs")) == [NAME]


def test_every_flipped_bit_of_a_record_is_found(tmp_path: Path) -> None:
    content = record.encode("epochs", NAME, {"loss": 0.25, "status": "done"})
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 4
        try:
            body = record.decode(bytes(damaged), "epochs", NAME)
        except StoreError:
            continue
        assert body == {"loss": 0.25, "status": "done"}, f"byte {position}"


def test_edited_record_goes_to_quarantine(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write("epochs", NAME, BODY)
    path = store.path("epochs", NAME)
    path.write_text(path.read_text().replace("0.25", "0.35"))
    assert store.read("epochs", NAME) is None
    assert store.quarantined() == [f"{NAME}.json"]


@pytest.mark.parametrize("field", BODY)
@pytest.mark.parametrize("value", [None, [], "x", True])
def test_a_sealed_record_without_what_its_readers_need_is_put_aside(tmp_path: Path, field: str, value: object) -> None:
    store = Store(tmp_path)
    store.write("epochs", NAME, {**BODY, field: value})
    assert store.read("epochs", NAME) is None
    assert store.quarantined() == [f"{NAME}.json"]


def test_newer_record_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write("epochs", NAME, BODY)
    path = store.path("epochs", NAME)
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    with pytest.raises(StoreError, match="install a newer critlab"):
        store.read("epochs", NAME)


def test_checkpoint_round_trip_and_repeatable_bytes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_state(NAME, ARRAYS)
    loaded = store.load_state(NAME)
    assert loaded is not None
    assert loaded.keys() == ARRAYS.keys()
    for key, value in ARRAYS.items():
        assert loaded[key].dtype == value.dtype
        np.testing.assert_array_equal(loaded[key], value)
    backwards = dict(reversed(ARRAYS.items()))
    assert checkpoint.encode(NAME, ARRAYS) == checkpoint.encode(NAME, backwards)


def test_flipped_bits_of_a_checkpoint_are_found() -> None:
    content = checkpoint.encode(NAME, ARRAYS)
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1
        try:
            loaded = checkpoint.decode(NAME, bytes(damaged))
        except StoreError:
            continue
        for key, value in ARRAYS.items():
            np.testing.assert_array_equal(loaded[key], value, err_msg=f"byte {position}")


@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"{}", b"\xff" * 64])
def test_foreign_checkpoint_goes_to_quarantine(tmp_path: Path, content: bytes) -> None:
    store = Store(tmp_path)
    store.save_state(NAME, ARRAYS)
    store.path("checkpoints", NAME, ".safetensors").write_bytes(content)
    assert store.load_state(NAME) is None
    assert store.quarantined() == [f"{NAME}.safetensors"]


def test_renamed_checkpoint_is_not_taken_for_another_state(tmp_path: Path) -> None:
    other = digest("another state")
    with pytest.raises(StoreError, match="another state"):
        checkpoint.decode(other, checkpoint.encode(NAME, ARRAYS))


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(ValueError, match="finite"):
        store.write("epochs", NAME, {"loss": float("nan")})
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.slow
def test_what_a_dead_writer_left_goes_also_while_its_parent_has_not_noticed(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    left = tmp_path / "epochs" / f"{atomic.TEMPORARY}{home()}-{writer.pid}-0"
    left.parent.mkdir()
    left.write_bytes(b"half")
    store = Store(tmp_path)
    store.remove_unfinished()
    assert left.exists(), "its writer is alive"
    writer.kill()
    os.waitid(os.P_PID, writer.pid, os.WEXITED | os.WNOWAIT)
    try:
        store.remove_unfinished()
        assert not left.exists(), "its writer is dead, though nobody has waited for it"
    finally:
        writer.communicate()
