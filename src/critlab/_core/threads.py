"""One thread for many small arrays: where other programs run too, two threads wait for each other on every one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """torch computes on ``count`` threads inside, and afterwards on as many as before; None changes nothing.

    Sums are rounded in another order on another number of threads, so a training gives slightly other numbers.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(before if count is None else count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """torch computes on one thread inside, as in a worker; afterwards on as many as before.

    On a busy machine with two cores, Hamiltonian sampling of 8 networks took 1 s so, and 100 s with two threads.
    """
    with threads(1):
        yield
