"""How good a run is in the end."""

from __future__ import annotations

from collections.abc import Iterable

from critlab.analysis.tables.table import Row
from critlab.study.ingredients.window import Window
from critlab.study.runs.run import final_epochs as final_epochs_of


def final_score(rows: Iterable[Row], final_epochs: int, quantity: str) -> float | None:
    """The mean of ``quantity`` over a run's last epochs.

    These are the epochs of :func:`critlab.study.runs.run.final_epochs`.

    Args:
        rows: of one run and seed; other quantities are skipped.
        final_epochs: at least 1.
        quantity: a whole-net quantity.

    Returns:
        In the quantity's unit (a fraction for accuracies); None where it was never recorded.
    """
    values = {row.epoch: row for row in rows if row.quantity == quantity and not row.layer and row.epoch > 0}
    if not values:
        return None
    last = max(values)
    counted = final_epochs_of(last, Window(values[last].start, values[last].stop), final_epochs)
    taken = [row.value for epoch, row in values.items() if epoch in counted]
    return sum(taken) / len(taken)
