"""How weights move, in words: the optimiser with its options, and the schedule of the learning rate."""

from __future__ import annotations

from typing import Any

from critlab.report.text.names import spaced
from critlab.report.text.numbers import significant
from critlab.study.optimizers.spec import SCHEDULED, OptimizerSpec
from critlab.study.schedules import schedule


def optimizer_words(optimizer: OptimizerSpec) -> str:
    """Name, options and batch, such as ``adamw, weight decay 0.05, batches of 64, 4 batches in a step``."""
    given = {} if optimizer.momentum is None else {"momentum": optimizer.momentum}
    given |= optimizer.options.special()
    given |= {"weight decay": optimizer.weight_decay} if optimizer.weight_decay else {}
    parts = [optimizer.name, *(f"{spaced(key)} {_value(value)}" for key, value in given.items())]
    parts.append(f"batches of {optimizer.batch}")
    if optimizer.accumulate > 1:
        parts.append(f"{optimizer.accumulate} batches in a step")
    if optimizer.gradient_clip is not None:
        parts.append(f"gradients of norm {_value(optimizer.gradient_clip)} at most")
    return ", ".join(parts)


def schedule_words(optimizer: OptimizerSpec) -> str:
    """Largest learning rate and schedule, such as ``0.001, warmup cosine (warmup 2)``."""
    unused = optimizer.lr_decay == 1 or schedule(optimizer.clock).ignores_decay
    given: dict[str, Any] = {} if unused else {"lr_decay": optimizer.lr_decay}
    given |= {key: getattr(optimizer, key) for key, usual in SCHEDULED.items() if getattr(optimizer, key) != usual}
    options = ", ".join(f"{spaced(key)} {_value(value)}" for key, value in given.items())
    return f"{_value(optimizer.lr)}, {spaced(optimizer.clock)}{f' ({options})' if options else ''}"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " and ".join(map(_value, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    return significant(value, 6) if isinstance(value, float) else str(value)
