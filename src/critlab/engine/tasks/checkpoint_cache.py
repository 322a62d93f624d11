"""The states that a worker stored or loaded last: forks that begin at one of them need not read it again."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from critlab.store import Store

MOST_BYTES = 64 * 2**20
"""What they may take together: small compared with a worker's memory, room for several states of a large network."""

Stamp = tuple[int, int, int]


class CheckpointCache:
    """Checkpoints of ``store``, from memory where their file is still the one that they were written to or read from.

    A file that is gone, was damaged or rewritten is looked at as if nothing were remembered.

    Args:
        store: where they lie.
        most_bytes: of arrays, altogether; the oldest are forgotten first.
    """

    def __init__(self, store: Store, most_bytes: int = MOST_BYTES) -> None:
        self.store, self.most_bytes = store, most_bytes
        self._kept: OrderedDict[str, tuple[Stamp, Mapping[str, Any]]] = OrderedDict()

    def keep(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Remembers what was just stored under ``name``; no code may change it afterwards."""
        self._kept.pop(name, None)
        stamp = self._stamp(name)
        if stamp is not None:
            self._kept[name] = stamp, arrays
        while self.bytes > self.most_bytes:
            self._kept.popitem(last=False)

    def load(self, name: str) -> Mapping[str, Any] | None:
        """The arrays of a state; None where there is no checkpoint or where it was damaged."""
        stamp, arrays = self._kept.get(name, (None, {}))
        if stamp is not None and stamp == self._stamp(name):
            return arrays
        found = self.store.load_state(name)
        if found is not None:
            self.keep(name, found)
        return found

    @property
    def bytes(self) -> int:
        """What is remembered, in bytes."""
        return sum(array.nbytes for _, arrays in self._kept.values() for array in arrays.values())

    def _stamp(self, name: str) -> Stamp | None:
        """What changes when a file is rewritten: its number, its size and its time in nanoseconds."""
        try:
            found = os.stat(self.store.path("checkpoints", name, ".safetensors"))
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns
