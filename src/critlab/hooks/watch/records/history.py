"""The records of a watch, bounded in memory: where there are too many, every second one goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from critlab._core.estimate import Estimate
from critlab.analysis.sources.prime_window import PrimeWindow
from critlab.hooks.watch.records.record import Record, shares

MOST_RECORDS = 2048
MOST_LAYERS = 2**17
"""Readings of layers that all records hold together, so that large models keep fewer records."""

FEWEST_RECORDS = 64

WHOLE = ("step", "looks", "examples")
NUMBERS = (
    "movement",
    "movement_by_chance",
    "gradient_norm",
    "gradient_signal_to_noise",
    "path",
    "lr",
    "seconds",
    "overhead",
)
ESTIMATES = ("trace", "uncertainty", "loss")
CLIPPED = "gradient_clipped"


class History:
    """Records from the first to the latest, evenly thinned.

    Every ``stride``-th record is kept, and the latest. When they are too many, the stride doubles. What left memory is
    in the log.
    """

    def __init__(self) -> None:
        self._kept: list[Record] = []
        self._stride = 1
        #: records so far, also those that are no longer kept, and their looks
        self.count = self.looks = 0

    @property
    def records(self) -> Sequence[Record]:
        """Those that are kept."""
        return tuple(self._kept)

    @property
    def last(self) -> Record | None:
        """The latest record."""
        return self._kept[-1] if self._kept else None

    def append(self, record: Record) -> None:
        """One more record; what it costs does not grow with their number, on average."""
        if self._kept and (self.count - 1) % self._stride:
            self._kept.pop()  # it was only kept while it was the latest
        self._kept.append(record)
        self.count += 1
        self.looks += record.looks
        most = max(FEWEST_RECORDS, min(MOST_RECORDS, MOST_LAYERS // max(1, len(record.layers))))
        while len(self._kept) > most:
            latest = self._kept[-1:] if len(self._kept) % 2 == 0 else []
            self._kept = [*self._kept[::2], *latest]
            self._stride *= 2

    def state(self) -> dict[str, Any]:
        """What :meth:`load` takes: numbers, texts and tensors."""
        return {"count": self.count, "looks": self.looks, "stride": self._stride, **packed(self._kept)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        self.count, self.looks, self._stride = int(state["count"]), int(state["looks"]), int(state["stride"])
        self._kept = unpacked(state)


def packed(records: Sequence[Record]) -> dict[str, Any]:
    """Records as a few tensors and lists of names.

    Returns:
        ``numbers``, float64 ``(records, columns)``, and ``there``, bool, of which of them are not None; the layers of
        all records one after the other, float64 ``(readings, 2)``, and for each record the place of its names in
        ``layer_names``; groups accordingly, ``(readings, 7)``.
    """
    rows = [_row(record) for record in records]
    layer_names = list(dict.fromkeys(tuple(record.layers) for record in records))
    group_names = list(dict.fromkeys(tuple(record.groups) for record in records))
    return {
        "numbers": torch.tensor([[0.0 if v is None else v for v in row] for row in rows], dtype=torch.float64),
        "there": torch.tensor([[v is not None for v in row] for row in rows], dtype=torch.bool),
        "layer_names": [list(names) for names in layer_names],
        "layers_of": [layer_names.index(tuple(record.layers)) for record in records],
        "layers": _table([[one.value, one.stderr] for record in records for one in record.layers.values()], 2),
        "group_names": [list(names) for names in group_names],
        "groups_of": [group_names.index(tuple(record.groups)) for record in records],
        "groups": _table([_group(record, name) for record in records for name in record.groups], 7),
    }


def unpacked(state: Mapping[str, Any]) -> list[Record]:
    """The records of :func:`packed`."""
    layers, groups = iter(state["layers"].tolist()), iter(state["groups"].tolist())
    rows = zip(state["numbers"].tolist(), state["there"].tolist(), state["layers_of"], state["groups_of"], strict=True)
    found = []
    for numbers, there, layer_set, group_set in rows:
        values = iter([value if known else None for value, known in zip(numbers, there, strict=True)])
        named: dict[str, Any] = {name: int(next(values) or 0) for name in WHOLE}
        named |= {name: next(values) for name in NUMBERS}
        named |= {name: _estimate(next(values), next(values)) for name in ESTIMATES}
        clipped = next(values)
        own = {name: Estimate(*next(layers)) for name in state["layer_names"][layer_set]}
        windows = {name: _window(next(groups)) for name in state["group_names"][group_set]}
        found.append(
            Record(
                **named,
                gradient_clipped=None if clipped is None else bool(clipped),
                layers=own,
                shares=shares(own),
                groups={name: trace for name, (trace, _) in windows.items()},
                windows={name: window for name, (_, window) in windows.items()},
            )
        )
    return found


def _row(record: Record) -> list[float | None]:
    estimates = [getattr(record, name) for name in ESTIMATES]
    pairs = [(None, None) if one is None else (one.value, one.stderr) for one in estimates]
    clipped = record.gradient_clipped
    return [
        *(getattr(record, name) for name in (*WHOLE, *NUMBERS)),
        *(number for pair in pairs for number in pair),
        None if clipped is None else float(clipped),
    ]


def _group(record: Record, name: str) -> list[float]:
    """Trace and its error; whether the window is open (-1: unknown), since when (-1: never), growth and its error."""
    trace, window = record.groups[name], record.windows[name]
    growth = window.growth
    return [
        trace.value,
        trace.stderr,
        -1.0 if window.open is None else float(window.open),
        -1.0 if window.since is None else window.since,
        0.0 if growth is None else 1.0,
        0.0 if growth is None else growth.value,
        0.0 if growth is None else growth.stderr,
    ]


def _window(row: Sequence[float]) -> tuple[Estimate, PrimeWindow]:
    trace, stderr, is_open, since, has_growth, growth, error = row
    window = PrimeWindow(
        None if is_open < 0 else bool(is_open),
        None if since < 0 else since,
        Estimate(growth, error) if has_growth else None,
    )
    return Estimate(trace, stderr), window


def _estimate(value: float | None, stderr: float | None) -> Estimate | None:
    return None if value is None or stderr is None else Estimate(value, stderr)


def _table(rows: list[list[float]], width: int) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, width)
