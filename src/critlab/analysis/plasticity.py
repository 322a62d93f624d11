"""Where the Fisher information lies: each layer's share through training, and how far the shares move."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from critlab.analysis.results import Results
    from critlab.analysis.table import Row

Layers = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class LayerShare:
    """One layer's part of the sum over layers, in one run at one epoch.

    Args:
        run: readable name of run and seed.
        arm: the curve that the run belongs to.
        seed: the run's seed.
        epoch: epochs trained.
        layer: its name.
        share: a fraction; a run's shares at an epoch add up to 1.
    """

    run: str
    arm: str
    seed: int
    epoch: int
    layer: str
    share: float


@dataclass(frozen=True)
class ShareShift:
    """How far one run's layer shares moved after the deficit ended.

    Args:
        run: readable name of run and seed.
        arm: the curve that the run belongs to.
        seed: the run's seed.
        removal: the first epoch after the window.
        first: the measured epoch nearest to it, at or after it.
        last: the last measured epoch.
        distance: total variation between the shares at both, from 0 (the same) to 1 (no layer in common).
        error: about the distance that the readings' errors alone would give; a distance like it is no shift.
    """

    run: str
    arm: str
    seed: int
    removal: int
    first: int
    last: int
    distance: float
    error: float


def layer_shares(results: Results, quantity: str = "fisher_trace") -> tuple[LayerShare, ...]:
    """Each layer's share ``f(layer) / sum of f`` of a layerwise quantity, in the order of the table.

    Readings without a positive sum have no shares and are left out. Source: Achille, Rovere and Soatto
    2019, figure 5.
    """
    return tuple(
        LayerShare(rows[0].run, rows[0].arm, rows[0].seed, epoch, layer, value / total)
        for rows in results.by_run.values()
        for epoch, layers in _readings(rows, quantity).items()
        if (total := _total(layers)) > 0
        for layer, (value, _) in layers.items()
    )


def share_shifts(results: Results, quantity: str = "fisher_trace") -> tuple[ShareShift, ...]:
    """How far the shares moved between removal and end, for every run with a deficit measured at both.

    ``1/2 sum over layers |share(last) - share(first)|``. Error: noise only adds to a distance; ``error``
    estimates by how much, as ``1/2 sum over layers sqrt(2/pi) sqrt(se(first)^2 + se(last)^2)`` with se in
    shares and each total taken as known. Source: ours.
    """
    found = [_shift(rows, quantity) for rows in results.by_run.values() if rows]
    return tuple(shift for shift in found if shift is not None)


def _readings(rows: tuple[Row, ...], quantity: str) -> dict[int, dict[str, tuple[float, float]]]:
    """Value and standard error by epoch and layer."""
    found: dict[int, dict[str, tuple[float, float]]] = {}
    for row in rows:
        if row.quantity == quantity and row.layer:
            found.setdefault(row.epoch, {})[row.layer] = (row.value, row.stderr)
    return dict(sorted(found.items()))


def _total(layers: Layers) -> float:
    return math.fsum(value for value, _ in layers.values())


def _shift(rows: tuple[Row, ...], quantity: str) -> ShareShift | None:
    row = rows[0]
    if row.stop <= row.start:
        return None
    readings = {e: r for e, r in _readings(rows, quantity).items() if e >= row.stop and _total(r) > 0}
    if len(readings) < 2:
        return None
    first, last = min(readings), max(readings)
    before, after = (_shares(readings[epoch]) for epoch in (first, last))
    distance = error = 0.0
    for layer in before.keys() | after.keys():
        (old, old_error), (new, new_error) = before.get(layer, (0.0, 0.0)), after.get(layer, (0.0, 0.0))
        distance += abs(new - old) / 2
        error += math.sqrt(2 / math.pi) * math.hypot(old_error, new_error) / 2
    return ShareShift(row.run, row.arm, row.seed, row.stop, first, last, distance, error)


def _shares(layers: Layers) -> dict[str, tuple[float, float]]:
    total = _total(layers)
    return {layer: (value / total, stderr / total) for layer, (value, stderr) in layers.items()}
