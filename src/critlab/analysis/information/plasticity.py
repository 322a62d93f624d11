"""Where the Fisher information lies: each layer's share through training, and how far the shares move."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from critlab.analysis.statistics import Summary, summarise

if TYPE_CHECKING:
    from critlab.analysis.study_table import StudyTable
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

    @property
    def excess(self) -> float:
        """The distance beyond that of the errors alone; it may be negative."""
        return self.distance - self.error


@dataclass(frozen=True)
class Plasticity:
    """How far the layer shares of one arm still moved after removal at one epoch.

    Args:
        arm: the curve.
        removal: the first epoch after the window.
        distance: total variation, over seeds.
        excess: what is beyond the floor, over seeds; where its interval holds 0, nothing says that a share moved.
        floor: the mean distance that the readings' errors alone would give.
        shifts: one for each seed.
    """

    arm: str
    removal: int
    distance: Summary
    excess: Summary
    floor: float
    shifts: tuple[ShareShift, ...]


def information_plasticity(results: StudyTable, quantity: str = "fisher_trace") -> tuple[Plasticity, ...]:
    """How much the layer shares still move after removal, against the epoch of removal: information plasticity.

    For each run :func:`share_shifts`, from removal to the end; over seeds the mean and its 95 % t interval (none for
    one seed). Two noisy readings differ even where nothing moved: by ``floor`` in the mean. So ``excess`` is what to
    look at, a network that is frozen has none. It is too small by up to the floor where shares do move, since noise
    then adds less than it does to nothing, and errors that are upper bounds (one draw a reading) raise the floor too.

    Args:
        results: of a study with a layerwise measure.
        quantity: which; its readings at or after removal and at the end are compared.

    Returns:
        In the order of arms in the table, then of removal epochs; runs with fewer than two readings after removal are
        left out.

    Source: the notion: Achille, Rovere and Soatto 2019, figure 5; the number: ours.
    """
    places: dict[str, dict[int, list[ShareShift]]] = {}
    for shift in share_shifts(results, quantity):
        places.setdefault(shift.arm, {}).setdefault(shift.removal, []).append(shift)
    return tuple(
        Plasticity(
            arm,
            removal,
            summarise([shift.distance for shift in shifts]),
            summarise([shift.excess for shift in shifts]),
            math.fsum(shift.error for shift in shifts) / len(shifts),
            tuple(shifts),
        )
        for arm, removals in places.items()
        for removal, shifts in sorted(removals.items())
    )


def layer_shares(results: StudyTable, quantity: str = "fisher_trace") -> tuple[LayerShare, ...]:
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


def share_shifts(results: StudyTable, quantity: str = "fisher_trace") -> tuple[ShareShift, ...]:
    """How far the shares moved between removal and end, for every run with a deficit measured at both.

    ``1/2 sum over layers |share(last) - share(first)|``. Error: noise only adds to a distance; ``error`` is by how much
    where nothing moved, ``1/2 sum over layers sqrt(2/pi) sqrt(se(first)^2 + se(last)^2)`` for normal errors. Here se is
    the standard error of a share, to first order in the readings' errors and as if layers were independent; layers read
    off the same draws err together, and their shares less. Source: ours.
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
    """Each layer's share and its standard error, which holds the error of the total."""
    total = _total(layers)
    variance = math.fsum(stderr**2 for _, stderr in layers.values())
    found = {}
    for layer, (value, stderr) in layers.items():
        share = value / total
        own, others = (1 - share) ** 2 * stderr**2, share**2 * max(variance - stderr**2, 0.0)
        found[layer] = (share, math.sqrt(own + others) / total)
    return found
