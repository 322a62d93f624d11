"""What a watch can know: each signal of a training with its error, and how it has changed; no phases."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from critlab._core.estimate import Estimate
from critlab.hooks.watch.records.record import Record
from critlab.hooks.watch.records.worth import Worth, signal_worth

INTERVAL = 1.96
"""Standard errors on both sides of a value that cover it in 95 %."""


@dataclass(frozen=True)
class Signal:
    """One quantity after the latest record.

    Args:
        label: for people.
        unit: empty for a number without one.
        value: the latest.
        stderr: its standard error; None where it is not known.
        before: the value in the record nearest to half of the steps; None where there is only one record.
        since: that record's step.
        change_stderr: the standard error of the difference; None where it is not known.
        worth: what the bench says it is worth; None where the bench has not judged it.
    """

    label: str
    unit: str
    value: float
    stderr: float | None
    before: float | None
    since: int | None
    change_stderr: float | None
    worth: Worth | None = None

    @property
    def moved(self) -> str:
        """``rose``, ``fell``, or ``unchanged`` within the 95 % interval of the difference; ``unknown`` without one."""
        if self.before is None or self.change_stderr is None or not math.isfinite(self.change_stderr):
            return "unknown"
        change = self.value - self.before
        if abs(change) <= INTERVAL * self.change_stderr:
            return "unchanged"
        return "rose" if change > 0 else "fell"

    @property
    def words(self) -> str:
        """The value with its margin and unit, and how it has moved."""
        from critlab.report.text.figures.signals import signal_text

        margin = None if self.stderr is None or not math.isfinite(self.stderr) else INTERVAL * self.stderr
        return signal_text(self.value, margin, self.unit, self.moved, self.since, self.before)


Reading = Callable[[Record], "Estimate | float | None"]

QUANTITIES: Mapping[str, tuple[str, str, Reading]] = {
    "loss": ("Training loss", "", lambda one: one.loss),
    "trace": ("Trace of the Fisher information", "nats²", lambda one: one.trace),
    "uncertainty": ("Uncertainty of the answers", "nats", lambda one: one.uncertainty),
    "gradient_norm": ("Gradient norm", "", lambda one: None if one.gradient_clipped else one.gradient_norm),
    "gradient_norm_after_clipping": (
        "Gradient norm after clipping",
        "",
        lambda one: one.gradient_norm if one.gradient_clipped else None,
    ),
    "gradient_signal_to_noise": (
        "Gradient, signal to noise",
        "",
        lambda one: None if one.gradient_clipped else one.gradient_signal_to_noise,
    ),
    "path": ("Distance gone by the weights", "", lambda one: one.path),
    "movement": ("Movement of the layers' shares", "", lambda one: one.movement),
    "lr": ("Learning rate", "", lambda one: one.lr),
    "step": ("Steps", "", lambda one: float(one.step)),
    "seconds": ("Time", "s", lambda one: one.seconds),
}


def signals(history: Sequence[Record]) -> dict[str, Signal]:
    """The signals that the latest of some records has read, by name; of layers, ``share/NAME``.

    Args:
        history: records in the order of their steps.
    """
    if not history:
        return {}
    last = history[-1]
    middle = min(history[:-1], key=lambda one: abs(one.step - last.step / 2), default=None)
    since = middle.step if middle else None
    found = {
        name: _signal(label, unit, now, since, read(middle) if middle else None)
        for name, (label, unit, read) in QUANTITIES.items()
        if (now := read(last)) is not None
    }
    found |= {
        f"share/{layer or '(root)'}": _signal(
            f"Share of {layer or 'the root'} in the trace", "", share, since, _share(middle, layer)
        )
        for layer, share in last.shares.items()
    }
    rates = [one.lr for one in history if one.lr is not None]
    if last.lr is not None and rates and max(rates) > 0:
        # the clock and the rate are the baselines that every other signal must beat
        known = None if middle is None or middle.lr is None else middle.lr / max(rates)
        found["lr_share"] = _signal("Learning rate, share of its largest", "", last.lr / max(rates), since, known)
    worth = signal_worth()
    return {
        name: replace(signal, worth=worth.get(name)) for name, signal in found.items() if math.isfinite(signal.value)
    }


def sentence(history: Sequence[Record]) -> str:
    """The signals that say most, in words."""
    from critlab.report.text.figures.signals import signals_sentence

    found = signals(history)
    said = {one.label: one.words for name in SAID if (one := found.get(name))}
    return signals_sentence(history[-1].step, said)


SAID = ("loss", "trace", "uncertainty", "lr")
"""The signals of :func:`sentence`."""


def _signal(label: str, unit: str, now: Estimate | float, since: int | None, then: Estimate | float | None) -> Signal:
    value, stderr = _parts(now)
    before, error = _parts(then) if then is not None else (None, None)
    change = None if stderr is None or error is None else math.hypot(stderr, error)
    return Signal(label, unit, value, stderr, before, None if before is None else since, change)


def _parts(reading: Estimate | float) -> tuple[float, float | None]:
    return (reading.value, reading.stderr) if isinstance(reading, Estimate) else (float(reading), None)


def _share(record: Record | None, layer: str) -> float | None:
    return record.shares.get(layer) if record else None
