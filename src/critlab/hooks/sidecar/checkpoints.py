"""The checkpoints in a folder, and how many epochs each was trained."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from critlab._core.errors import StudyError
from critlab.hooks.sensitivity.checkpoint import read_checkpoint
from critlab.hooks.watch.forking.plan import ForkPlan

SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors")
FOLDER = re.compile(r"checkpoint-\d+")
"""Of a folder that is a checkpoint, as the Trainer of Transformers names it."""

LIGHTNING = re.compile(r"epoch=(\d+)")
"""In the name of Lightning's checkpoints: the last epoch that was trained, counted from 0."""

YOUNG = 30.0
"""Seconds for which a checkpoint that cannot be read may still be being written."""


class Checkpoint(NamedTuple):
    """One checkpoint.

    Args:
        path: of the file or folder.
        epoch: epochs that it was trained.
        modified: when it was written, in microseconds.
    """

    path: Path
    epoch: int
    modified: int


class Folder:
    """A folder into which a training writes checkpoints.

    Args:
        place: the folder; it may be made later.
        plan: says how the epoch of a checkpoint is read.
    """

    def __init__(self, place: Path, plan: ForkPlan) -> None:
        self.place, self.plan = place, plan
        self._epochs: dict[tuple[str, int], int | None] = {}
        #: why checkpoints were left out, by name
        self.left_out: dict[str, str] = {}

    def checkpoints(self) -> list[Checkpoint]:
        """Those that are there now, by epoch; of several of one epoch the latest."""
        found: dict[int, Checkpoint] = {}
        for path in sorted(self._paths(), key=_modified):
            epoch = self._epoch(path)
            if epoch is not None:
                found[epoch] = Checkpoint(path, epoch, int(_modified(path) * 1e6))
        return sorted(found.values(), key=lambda one: one.epoch)

    def leave_out(self, path: Path, why: str) -> bool:
        """Whether a checkpoint that could not be used is left out for good; a young one is tried again."""
        young = time.time() - _modified(path) < YOUNG if path.exists() else False
        if not young:
            self.left_out[path.name] = why
        return not young

    def _paths(self) -> Iterator[Path]:
        try:
            entries = sorted(self.place.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return
        for path in entries:
            is_file = path.suffix in SUFFIXES and path.is_file() and not path.name.startswith(".")
            if path.name not in self.left_out and (is_file or (FOLDER.fullmatch(path.name) and path.is_dir())):
                yield path

    def _epoch(self, path: Path) -> int | None:
        known = (path.name, int(_modified(path) * 1e6))
        if known not in self._epochs:
            try:
                self._epochs[known] = self._read(path)
            except StudyError as error:
                if self.leave_out(path, str(error)):
                    self._epochs[known] = None
                return None
        return self._epochs[known]

    def _read(self, path: Path) -> int:
        if self.plan.epoch_of is not None:
            return int(self.plan.epoch_of(path, read_checkpoint(path)))
        if named := LIGHTNING.search(path.name):
            return int(named[1]) + 1
        given: Any = None
        if path.is_file():
            saved = read_checkpoint(path)
            given = saved.get("epoch") if isinstance(saved, Mapping) else None
        if isinstance(given, int):
            return given
        numbers = re.findall(r"\d+", path.stem if path.is_file() else "")
        if not numbers:
            raise StudyError(
                f"sidecar: {path}: has no epoch; put the entry 'epoch' into the checkpoint, or a number into its name, "
                "or give ForkPlan(..., epoch_of=...)"
            )
        return int(numbers[-1])


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
