"""One thread for many small arrays: where other programs run too, two threads wait for each other on every one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """torch computes on one thread inside, as in a worker; afterwards on as many as before.

    On a busy machine with two cores, Hamiltonian sampling of 8 networks took 1 s so, and 100 s with two threads.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
