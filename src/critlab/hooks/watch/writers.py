"""Where a watch's numbers go: a JSONL file, TensorBoard, W&B, trackio, a framework's logger, or a function."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from critlab.errors import StudyError
from critlab.hooks.watch.record import Record

Writer = Callable[[Record], None]
PREFIX = "critlab/"


def writer(to: Any) -> Writer:
    """A function that writes a record to ``to``.

    Args:
        to: a path (one JSON document a line, appended); an object with ``log_metrics(values, step)``, such as the
            loggers of Lightning; with ``add_scalar(name, value, step)``, such as TensorBoard's ``SummaryWriter``; with
            ``log(values)``, such as a run of W&B, the module ``trackio`` or the Trainer of Transformers, which get the
            step as ``critlab/step``; or a function of a :class:`~critlab.hooks.watch.record.Record`.

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
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, record: Record) -> None:
        """Appends one line."""
        line = json.dumps(record.document(), allow_nan=False)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
