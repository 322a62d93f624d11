"""How much room on disk the rest of a study takes."""

from __future__ import annotations

from critlab.engine.tasks.missing_work import MissingWork
from critlab.store import Store

RECORD_BYTES = 2048
"""What a record takes on disk, roughly."""


def needed_bytes(work: MissingWork, size: int | None) -> int | None:
    """Bytes that ``work`` adds to the store, roughly; None where the size of a state is unknown.

    Args:
        work: what is left to do.
        size: bytes of one checkpoint.
    """
    if size is None:
        return None
    steps = [step for task in work.tasks for step in task.steps]
    return sum(step.keep for step in steps) * size + (len(steps) + work.readings) * RECORD_BYTES


def shortage(needed: int | None, store: Store) -> str:
    """Return a warning where the disk has less than ``needed`` bytes; empty where it has enough, or where unknown."""
    free = store.free_bytes()
    if needed is None or needed <= free:
        return ""
    return (
        f"the disk of {store.root} has {megabytes(free)} free, and the remaining work needs about {megabytes(needed)}"
    )


def megabytes(count: int) -> str:
    """``count`` bytes for a person."""
    return f"{count / 1e6:,.1f} MB"
