"""A user's code under a seed of critlab: every global source of randomness, and afterwards as before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch


@cache
def _other_generators() -> bool:
    """Whether torch has generators of other devices."""
    return torch.cuda.is_available() or torch.backends.mps.is_available() or torch.xpu.is_available()


def seed_all(seed: int, device: torch.device) -> None:
    """Python's, numpy's and torch's global generators begin at ``seed``; of several GPUs, that of ``device``.

    Args:
        seed: any integer from 0 to 2^63 - 1.
        device: where a network computes.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    # torch.manual_seed would ask every kind of device, at ten times the cost
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


@contextmanager
def kept_generators(device: torch.device) -> Iterator[None]:
    """The global generators of Python, numpy and torch stand afterwards where they stood."""
    kept, kept_numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            random.setstate(kept)
            np.random.set_state(kept_numpy)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The generators of Python, numpy and torch begin at ``seed`` inside, and stand where they stood afterwards.

    Args:
        seed: any integer from 0 to 2^63 - 1.
    """
    kept, kept_numpy = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        try:
            random.seed(seed)
            np.random.seed(seed % 2**32)
            if _other_generators():
                torch.manual_seed(seed)
            else:
                # as in seed_all; it would also queue a call for each kind of device that is not there
                torch.default_generator.manual_seed(seed)
            yield
        finally:
            random.setstate(kept)
            np.random.set_state(kept_numpy)
