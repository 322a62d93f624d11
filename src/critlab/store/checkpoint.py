"""Checkpoints: named arrays in a safetensors file that carries the digest of all of them; nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from critlab.errors import StoreError

Arrays = Mapping[str, NDArray[np.generic]]


def encode(name: str, arrays: Arrays) -> bytes:
    """The file of the state called ``name``; equal arrays give equal bytes.

    One metadata key holds everything: with several, the order in the header would vary from save to save.
    """
    contiguous = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
    seal = json.dumps({"schema_version": 1, "state": name, "sha256": _digest(name, contiguous)}, sort_keys=True)
    return save(contiguous, metadata={"critlab": seal})


def decode(name: str, content: bytes) -> dict[str, NDArray[np.generic]]:
    """The arrays of the state called ``name``.

    Raises:
        StoreError: the file is truncated, damaged, not a checkpoint, or another state's.
    """
    try:
        arrays = load(content)
        length = int.from_bytes(content[:8], "little")
        seal = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["critlab"])
        claimed, state = seal["sha256"], seal["state"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"checkpoint {name}: is not a checkpoint of critlab ({type(error).__name__})") from None
    if state != name:
        raise StoreError(f"checkpoint {name}: holds another state, {state}")
    if claimed != _digest(name, arrays):
        raise StoreError(f"checkpoint {name}: does not agree with its own digest; it was damaged")
    return arrays


def _digest(name: str, arrays: Arrays) -> str:
    hashed = hashlib.sha256(name.encode())
    for key in sorted(arrays):
        value = arrays[key]
        hashed.update(f"{key}:{value.dtype.str}:{value.shape};".encode())
        hashed.update(value.data if value.flags.c_contiguous and value.size else value.tobytes())
    return hashed.hexdigest()
