"""Damaged and hostile data files: one line each, in bounded memory and time."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import resource
import struct
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from critlab._core.errors import DataError
from critlab.data.formats.array_pickle import read_array_pickle
from critlab.data.formats.cifar import parse_batch, read_cifar10
from critlab.data.formats.idx import read_idx
from critlab.data.sets.video_pairs import VideoPairs
from critlab.data.sets.video_pairs import read as read_clips
from data_files import cifar10_binary, write_archive, write_folder

PIXELS = np.zeros((1, 3072), np.uint8)


def batch(labels: Any) -> bytes:
    return pickle.dumps({"data": PIXELS, "labels": labels})


def twice(levels: int) -> bytes:
    """A tuple of twice the same tuple of twice the same ...: small, and its hash takes 2**levels steps."""
    return b"K\x01\x94" + b"".join(bytes([ord("h"), n, ord("h"), n, 0x86, 0x94]) for n in range(levels))


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
BYTES = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
HOSTILE = {
    "a label of 10**30": batch([10**30]),
    "a negative label": batch([-1]),
    "a label that is true": batch([True]),
    "labels of no dimension": batch(np.array(3)),
    "labels of two dimensions": batch(np.zeros((1, 2), int)),
    "labels in a dictionary": batch({0: 1}),
    "nine bytes for the memo": b"\x80\x02}r\xff\xff\xff\xff.",
    "nine bytes for 4 GB": b"\x80\x03B\xff\xff\xff\xff.",
    "a text of 1 TB": b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b".",
    "bytes of 4 EB": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".",
    "a bytearray of 1 TB": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b".",
    "a frame of 1 TB": b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"}.",
    "a number of 2 GB": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "a number of many digits": b"\x80\x02}U\x01aI" + b"9" * 100_000 + b"\ns.",
    "a key whose hash never ends": b"\x80\x04}" + twice(60) + b"K\x01s.",
    "the same by a set of keys": b"\x80\x04}(" + twice(60) + b"K\x01u.",
    "the same by DICT": b"\x80\x04(" + twice(60) + b"K\x01d.",
    "the same in a frozen set": b"\x80\x04(" + twice(60) + b"\x91.",
    "a name whose text never ends": b"\x80\x04" + twice(60) + twice(60) + b"\x93.",
    "an encoding whose text never ends": b"\x80\x04c_codecs\nencode\n\x8c\x01a" + twice(60) + b"\x86R.",
    "a deep key": b"\x80\x02}K\x01" + b"\x85" * 100_000 + b"K\x01s.",
    "a deep value": b"\x80\x02}U\x01aK\x01" + b"\x85" * 100_000 + b"s.",
    "a deep list": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "many marks": b"\x80\x02" + b"(" * 1_100_000 + b".",
    "a list in itself": b"\x80\x02]q\x00h\x00a.",
    "a dictionary in itself": b"\x80\x02}q\x00U\x04datah\x00s.",
    "a shape beyond all": b"\x80\x02}U\x04data"
    + ARRAY
    + b"(K\x01J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86"
    + BYTES
    + b"I00\nU\x01atbs.",
    "an array that was never filled": b"\x80\x02}U\x04data" + ARRAY + b"s.",
    "an array of an array": b"\x80\x02}U\x04data" + ARRAY + ARRAY + b"bs.",
    "a call of a number": b"\x80\x02K\x01)R.",
    "a call of bytes' own class": b"\x80\x02cbuiltins\nbytes\nJ\xff\xff\xff\x7f\x85R.",
    "a persistent name": b"\x80\x02U\x01aQ.",
    "a new object": b"\x80\x02cnumpy\nndarray\n)\x81.",
    "a buffer from outside": b"\x80\x05\x97.",
    "an extension": b"\x80\x02\x82\x01.",
    "long names": b"\x80\x02c" + b"a" * 10**6 + b"\nb\n.",
    "a long key": pickle.dumps({"k" * 10**6: 1}),
    "nothing to take": b"\x80\x02\x87.",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_pickle_is_one_line(kind: str) -> None:
    begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match="data_batch_9") as caught:
        parse_batch(HOSTILE[kind], Path("data_batch_9"), "labels")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert time.process_time() - begun < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000, "kilobytes"


def test_random_damage_of_a_pickle_is_one_line() -> None:
    whole = pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2], "filenames": ["a", "b"]}, protocol=2)
    chance = np.random.default_rng(0)
    for _ in range(400):
        content = bytearray(whole)
        places = [place for place in range(len(whole)) if not 200 < place < len(whole) - 100]
        for place in chance.choice(places, size=3):
            content[place] = chance.integers(256)
        try:
            read_array_pickle(bytes(content), "file")
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017 - most damage is refused, some is read


@pytest.mark.slow
def test_the_interpreter_survives_a_deep_key_as_a_process() -> None:
    code = (
        "from critlab.data.formats.array_pickle import read_array_pickle\n"
        "try:\n"
        "    read_array_pickle(b'\\x80\\x02}K\\x01' + b'\\x85' * 200_000 + b'K\\x01s.', 'file')\n"
        "except Exception as error:\n"
        "    print(type(error).__name__)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "DataError\n")


@pytest.mark.parametrize("sides", [(2**31, 2**31, 1), (2**32 - 1, 2**32 - 1, 2**32 - 1), (10_000, 1_000, 1_000)])
@pytest.mark.parametrize("zipped", [True, False])
def test_an_idx_header_beyond_all(sides: tuple[int, ...], zipped: bool, tmp_path: Path) -> None:
    content = bytes((0, 0, 8, 3)) + np.array(sides, dtype=">u4").tobytes() + b"x"
    (tmp_path / "file").write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(DataError, match=r"has the shape \(.*more than any official file"):
        read_idx(tmp_path / "file", axes=3)


@pytest.mark.slow
def test_an_archive_that_unpacks_without_end(tmp_path: Path) -> None:
    path = tmp_path / "cifar-10-binary.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        header = tarfile.TarInfo("cifar-10-batches-bin/readme.html")
        header.size = 2**33
        stream.write(header.tobuf())
        for _ in range(45):
            stream.write(bytes(10_000_000))
    with pytest.raises(DataError, match="more than 400 MB"):
        read_cifar10(tmp_path)


def test_an_archive_of_many_members(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for number in range(300):
            archive.addfile(tarfile.TarInfo(f"{number}"), io.BytesIO())
    with pytest.raises(DataError, match="lacks data_batch_1"):
        read_cifar10(tmp_path)


def test_a_pipe_in_place_of_a_batch_does_not_hang(tmp_path: Path) -> None:
    place = write_folder(tmp_path / "cifar-10-batches-bin", cifar10_binary())
    (place / "data_batch_2.bin").unlink()
    os.mkfifo(place / "data_batch_2.bin")
    with pytest.raises(DataError, match=r"data_batch_2\.bin is not a file"):
        read_cifar10(tmp_path)


def test_a_sparse_batch_of_a_terabyte(tmp_path: Path) -> None:
    place = write_folder(tmp_path / "cifar-10-batches-bin", cifar10_binary())
    os.truncate(place / "data_batch_2.bin", 2**40)
    with pytest.raises(DataError, match=r"data_batch_2\.bin has more than 400 MB"):
        read_cifar10(tmp_path)


def test_an_archive_is_read_to_its_last_batch_only(tmp_path: Path) -> None:
    write_archive(tmp_path / "cifar-10-binary.tar.gz", "cifar-10-batches-bin", cifar10_binary() | {"zzz": b"x" * 100})
    assert len(read_cifar10(tmp_path)[0][0]) == 50


def npy(header: str) -> bytes:
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4611686018427387904, 4, 4)}\n"),
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999999999, 4, 4)}\n"),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (2, 4, 4)}\n"),
        npy("[" * 5000),
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': 3}\n"),
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 4, -4)}\n"),
    ],
    ids=range(8),
)
def test_a_damaged_clip(content: bytes, tmp_path: Path) -> None:
    for part in ("train", "test"):
        place = tmp_path / part / "a"
        place.mkdir(parents=True)
        (place / "clip.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"clip\.npy: ") as caught:
        read_clips(tmp_path, VideoPairs(folder=str(tmp_path)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n", b"BM" + b"\xff" * 60, b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\xff" * 40]
)
def test_a_damaged_frame(content: bytes, tmp_path: Path) -> None:
    for part in ("train", "test"):
        place = tmp_path / part / "a" / "clip"
        place.mkdir(parents=True)
        for number in range(12):
            (place / f"{number:02}.png").write_bytes(content)
    with pytest.raises(DataError, match=r"\.png: cannot be read") as caught:
        read_clips(tmp_path, VideoPairs(folder=str(tmp_path)))
    assert "\n" not in str(caught.value)
