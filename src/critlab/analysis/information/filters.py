"""The filters of the first layer, as the store keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.errors import StudyError
from critlab._core.problems import nearest, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from critlab.analysis.tables.study_table import StudyTable


def first_layer_filters(results: StudyTable, run: str, epoch: int | None = None) -> NDArray[np.float32]:
    """The first filters of the first layer of one run, as the measure ``filters`` kept them.

    Args:
        results: of a study with ``[measures] filters = { every = ... }``.
        run: readable name of run and seed, as in the table.
        epoch: epochs trained; None is the last that was measured.

    Returns:
        ``(filters, channels, height, width)``: weights, in their own unit.

    Raises:
        StudyError: there is no such run, or it has no filters at that epoch.
    """
    if run not in results.by_run:
        raise StudyError(f"run: received {shown(run)}{nearest(run, results.by_run)}")
    found = {
        place[1]: picture
        for place, picture in results.pictures.items()
        if place[0] == run and place[2] == "filter_norm"
    }
    if not found:
        raise StudyError(f"run {run}: has no filters; add the measure filters to the study and run it")
    if epoch is None:
        epoch = max(found)
    if epoch not in found:
        raise StudyError(f"epoch: received {shown(epoch)}; must be one of {', '.join(map(str, sorted(found)))}")
    return found[epoch].array()
