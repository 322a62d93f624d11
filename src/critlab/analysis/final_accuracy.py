"""How good a run is in the end."""

from __future__ import annotations

from collections.abc import Iterable

from critlab.analysis.table import Row


def final_accuracy(rows: Iterable[Row], final_epochs: int, quantity: str = "test_accuracy") -> float | None:
    """The mean of ``quantity`` over a run's last epochs.

    Over the last ``min(final_epochs, clean epochs after the window)`` epochs; where there are no such epochs
    (a clean run, a deficit that is never removed) over the last ``min(final_epochs, epochs there are)``.

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
    stop = values[last].stop if values[last].start < values[last].stop < last else 0
    taken = [row.value for epoch, row in values.items() if epoch > max(last - final_epochs, stop)]
    return sum(taken) / len(taken)
