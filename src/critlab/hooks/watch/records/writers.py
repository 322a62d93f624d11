"""Where a watch's numbers go: a JSONL file, TensorBoard, W&B, trackio, a framework's logger, or a function."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path
from typing import Any

from critlab._core.errors import StudyError
from critlab.hooks.watch.asides import Asides
from critlab.hooks.watch.records.record import Record

Writer = Callable[[Record], None]
PREFIX = "critlab/"
MOST_FAILURES = 3
"""Failures in a row after which nothing more goes there; a disk may be full for a while."""


def writer(to: Any) -> Writer:
    """A function that writes a record to ``to``.

    Args:
        to: a path (one JSON document a line, appended); an object with ``log_metrics(values, step)``, such as the
            loggers of Lightning; with ``add_scalar(name, value, step)``, such as TensorBoard's ``SummaryWriter``; with
            ``log(values)``, such as a run of W&B, the module ``trackio`` or the Trainer of Transformers, which get the
            step as ``critlab/step``; or a function of a :class:`~critlab.hooks.watch.records.record.Record`.

    Raises:
        StudyError: it is none of these.
    """
    if isinstance(to, str | Path):
        return JsonLines(Path(to))
    if _takes_a_step(getattr(to, "log_metrics", None)):
        return lambda record: to.log_metrics(_named(record), step=record.step)
    if hasattr(to, "add_scalar"):
        return lambda record: _scalar_by_scalar(to, record)
    if hasattr(to, "log"):
        # these count steps of their own, which must not go back where the training logs as well
        return lambda record: to.log({**_named(record), f"{PREFIX}step": record.step})
    if callable(to):
        return to  # type: ignore[no-any-return]
    raise StudyError(
        f"watch: log: received {type(to).__name__}; must be a path, an object with log_metrics, add_scalar or log, "
        "or a function of a record"
    )


def _takes_a_step(log_metrics: Any) -> bool:
    """Whether this is a logger's method; the Trainer of Transformers has another one of the same name."""
    return callable(log_metrics) and "step" in inspect.signature(log_metrics).parameters


def _named(record: Record) -> dict[str, float]:
    return {f"{PREFIX}{name}": value for name, value in record.scalars().items()}


def _scalar_by_scalar(to: Any, record: Record) -> None:
    for name, value in _named(record).items():
        to.add_scalar(name, value, record.step)


class JsonLines:
    """Writes each record as one JSON document a line.

    Args:
        path: appended to; its folder is made when the first line comes.

    Raises:
        StudyError: it is a folder.
    """

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise StudyError(f"watch: log: received {str(path)!r}, which is a folder; must be a file to append to")
        self.path = path

    def __call__(self, record: Record) -> None:
        """Appends one line: all of it, or nothing where the disk is full.

        Raises:
            OSError: it cannot be written.
        """
        line = json.dumps(record.document(), allow_nan=False) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            end = file.seek(0, 2) if file.seekable() else None
            try:
                # the half of a line that a killed process left behind is ended first
                self._write(file, ("\n" if self._is_cut_off() else "") + line)
            except OSError:
                if end is not None:
                    file.truncate(end)
                raise

    def _write(self, file: RawIOBase, text: str) -> None:
        left = memoryview(text.encode())
        while left:
            left = left[file.write(left) or 0 :]

    def _is_cut_off(self) -> bool:
        if not self.path.is_file() or not self.path.stat().st_size:
            return False
        with self.path.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) != b"\n"


class Writers:
    """All places where records go; one that fails is said once, and left after some failures in a row.

    Args:
        log: what :func:`writer` takes, one or several in a list.
        asides: what is said.

    Raises:
        StudyError: one of them is no such place.
    """

    def __init__(self, log: Any, asides: Asides) -> None:
        given = log if isinstance(log, list | tuple) else [log]
        self._writers = [(f"log {place} ({_name(to)})", writer(to)) for place, to in enumerate(given, 1)]
        self._failures: Counter[str] = Counter()
        self._asides = asides

    def __call__(self, record: Record) -> None:
        """Writes a record to each."""
        for part, write in self._writers:
            if self._failures[part] >= MOST_FAILURES:
                continue
            try:
                write(record)
                self._failures[part] = 0
            except Exception as error:
                self._failures[part] += 1
                self._asides.say(part, record.step, error, then=f"tried {MOST_FAILURES - 1} times more")


def _name(to: Any) -> str:
    return str(to) if isinstance(to, str | Path) else getattr(to, "__qualname__", type(to).__name__)
