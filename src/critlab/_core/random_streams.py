"""Randomness as a function: every draw of critlab is keyed by what it is for, never by what came before.

A generator made from (run seed, stream, epoch, step) is the same wherever and whenever it is made. So a fork equals the
run trained from scratch, measuring cannot change training, and a checkpoint needs no generator state.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Stream = Literal["init", "order", "augment", "deficit", "measure", "objective", "intervention", "model", "mixture"]


def key(seed: int, stream: Stream, *indices: int) -> int:
    """A 63-bit integer that depends on all arguments; different arguments give unrelated integers."""
    text = ":".join([str(seed), stream, *map(str, indices)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def generator(seed: int, stream: Stream, *indices: int) -> torch.Generator:
    """A fresh CPU generator keyed by ``(seed, stream, *indices)``; on every device the draws are made on the CPU."""
    import torch

    return torch.Generator().manual_seed(key(seed, stream, *indices))
