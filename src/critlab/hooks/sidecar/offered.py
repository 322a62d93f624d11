"""The checkpoints that a callback writes for a sidecar, at the epochs at which forks are worth their cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from critlab.hooks.watch.forking.schedule import Schedule, weight_speed
from critlab.hooks.watch.records.record import Record


class OfferedCheckpoints:
    """Writes ``epoch-N.pt`` into a folder where forks are due; each is whole as soon as it is there.

    Args:
        folder: made with the first checkpoint.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder, self.schedule = Path(folder), Schedule()

    def offer(self, save: Callable[[], dict[str, Any]], epoch: int, history: Sequence[Record]) -> None:
        """Writes a checkpoint, where one is due.

        Args:
            save: gives what the sidecar's ``load`` takes.
            epoch: epochs trained.
            history: the watch's records.

        Raises:
            OSError: it cannot be written.
        """
        speed = weight_speed(history)
        if not self.schedule.due(epoch, speed):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        half = self.folder / f"epoch-{epoch}.half"
        torch.save({"epoch": epoch, **save()}, half)
        half.replace(self.folder / f"epoch-{epoch}.pt")
        self.schedule.forked(epoch, speed)
