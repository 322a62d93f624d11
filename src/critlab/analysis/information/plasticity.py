"""Where the Fisher information lies: each layer's share through training, and how far the shares move."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from critlab.analysis.statistics import Summary, summarise

if TYPE_CHECKING:
    from critlab.analysis.tables.study_table import StudyTable
    from critlab.analysis.tables.table import Row

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
        drift: the same distance, between the same epochs, in the run of the same arm and seed whose deficit is never
            removed; None where that run has no readings at both epochs.
    """

    run: str
    arm: str
    seed: int
    removal: int
    first: int
    last: int
    distance: float
    error: float
    drift: float | None = None

    @property
    def excess(self) -> float:
        """The distance beyond that of the errors alone; it may be negative."""
        return self.distance - self.error

    @property
    def beyond_drift(self) -> float | None:
        """The distance beyond the drift under the same deficit; it may be negative. None where no drift is known."""
        return None if self.drift is None else self.distance - self.drift


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
        drift: the distance between the same epochs where the deficit is never removed, over seeds; None where a seed
            has none.
        beyond_drift: the distance minus that drift, paired by seed; None in the same case.
    """

    arm: str
    removal: int
    distance: Summary
    excess: Summary
    floor: float
    shifts: tuple[ShareShift, ...]
    drift: Summary | None = None
    beyond_drift: Summary | None = None


def information_plasticity(results: StudyTable, quantity: str = "fisher_trace") -> tuple[Plasticity, ...]:
    """How much the layer shares still move after removal, against the epoch of removal: information plasticity.

    For each run :func:`share_shifts`, from removal to the end; over seeds the mean and its 95 % t interval (none for
    one seed). Two noisy readings differ even where nothing moved: by ``floor`` in the mean. So ``excess`` is what to
    look at, a network that is frozen has none. It is too small by up to the floor where shares do move, since noise
    then adds less than it does to nothing, and errors that are upper bounds (one draw a reading) raise the floor too.
    A network whose deficit is never removed drifts as well, and less the later one looks. Where the study has such runs
    (``"never"``), ``beyond_drift`` is what removal adds to that drift.

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
            _over_seeds([shift.drift for shift in shifts]),
            _over_seeds([shift.beyond_drift for shift in shifts]),
        )
        for arm, removals in places.items()
        for removal, shifts in sorted(removals.items())
    )


def _over_seeds(values: list[float | None]) -> Summary | None:
    known = [value for value in values if value is not None]
    return summarise(known) if len(known) == len(values) else None


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
    lasting = _never_removed(results, quantity)
    return tuple(
        replace(shift, drift=_drift(lasting.get((shift.arm, shift.seed), {}), shift))
        for shift in found
        if shift is not None
    )


def _never_removed(
    results: StudyTable, quantity: str
) -> dict[tuple[str, int], dict[int, dict[str, tuple[float, float]]]]:
    """The readings of each arm's and seed's run whose deficit is never removed."""
    return {
        (run.arm, seed): _readings(results.by_run.get(run.identifier(seed), ()), quantity)
        for run in results.study.runs
        if run.at == "never"
        for seed in results.study.seeds
    }


def _drift(readings: Mapping[int, Layers], shift: ShareShift) -> float | None:
    pair = [readings.get(epoch, {}) for epoch in (shift.first, shift.last)]
    return None if any(_total(layers) <= 0 for layers in pair) else _distance(*(_shares(layers) for layers in pair))


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
    error = 0.0
    for layer in before.keys() | after.keys():
        errors = before.get(layer, (0.0, 0.0))[1], after.get(layer, (0.0, 0.0))[1]
        error += math.sqrt(2 / math.pi) * math.hypot(*errors) / 2
    return ShareShift(row.run, row.arm, row.seed, row.stop, first, last, _distance(before, after), error)


def _distance(before: Layers, after: Layers) -> float:
    """Total variation between two sets of shares."""
    layers = before.keys() | after.keys()
    return math.fsum(abs(after.get(layer, (0.0, 0.0))[0] - before.get(layer, (0.0, 0.0))[0]) for layer in layers) / 2


def _shares(layers: Layers) -> Layers:
    """Each layer's share and its standard error, which holds the error of the total."""
    total = _total(layers)
    variance = math.fsum(stderr**2 for _, stderr in layers.values())
    found = {}
    for layer, (value, stderr) in layers.items():
        share = value / total
        own, others = (1 - share) ** 2 * stderr**2, share**2 * max(variance - stderr**2, 0.0)
        found[layer] = (share, math.sqrt(own + others) / total)
    return found
