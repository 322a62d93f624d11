"""Until when each source's prime learning window was open in the runs of a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from critlab.analysis.sources.prime_window import PrimeWindow, prime_window
from critlab.analysis.tables.study_table import StudyTable
from critlab.study.runs.run import Run

MEASURE = "fisher_trace"
Windows = Mapping[str, Mapping[int, PrimeWindow]]
"""By source and seed."""


@dataclass(frozen=True)
class RunWindows:
    """The windows of one run.

    Args:
        run: which.
        windows: those of which anything is known, by source and seed.
    """

    run: Run
    windows: Windows


@dataclass(frozen=True)
class PrimeWindows:
    """The windows of the first control and of the last run of each arm, at the end of training."""

    runs: tuple[RunWindows, ...]


def source_windows(results: StudyTable, run: Run) -> Windows:
    """For each source its window after the last reading, by seed; none where the study does not read the trace.

    The model's options say which of its layers only one source feeds (``source_layers``); a user's own model does not.

    Args:
        results: of a study; of a run that is not done, what there is.
        run: one of the study's.

    Error: the errors of a source's layers are added, since layers of one reading share its draws: too large rather than
    too small.
    """
    if MEASURE not in results.study.measures:
        return {}
    layers = results.study.model.source_layers
    return {source: dict(_by_seed(results, run, prefix)) for source, prefix in layers.items()}


def prime_windows(results: StudyTable) -> PrimeWindows | None:
    """The windows of the first control and of the last run of each arm; None where nothing is known of any."""
    runs = results.study.runs
    control = next((run for run in runs if run.role == "control"), None)
    shown = [*([control] if control else []), *_last(runs).values()]
    known = tuple(RunWindows(run, found) for run in shown if (found := _known(source_windows(results, run))))
    return PrimeWindows(known) if known else None


def below(layer: str, prefix: str) -> bool:
    """Whether a layer is the module ``prefix`` or lies inside it."""
    return layer == prefix or layer.startswith(f"{prefix}.")


def _last(runs: Sequence[Run]) -> Mapping[str, Run]:
    """The last run of each arm, which is that of the longest deficit or of the last window."""
    return {run.arm: run for run in runs if run.role in ("deficit", "negative_control")}


def _by_seed(results: StudyTable, run: Run, prefix: str) -> Iterator[tuple[int, PrimeWindow]]:
    for seed in results.study.seeds:
        traces: dict[int, tuple[float, float]] = {}
        for row in results.by_run.get(run.identifier(seed), ()):
            if row.quantity == MEASURE and below(row.layer, prefix):
                value, error = traces.get(row.epoch, (0.0, 0.0))
                traces[row.epoch] = (value + row.value, error + row.stderr)
        if traces:
            epochs = sorted(traces)
            yield seed, prime_window(epochs, *zip(*(traces[epoch] for epoch in epochs), strict=True))


def _known(windows: Windows) -> Windows:
    """Without the seeds and sources of which nothing is known."""
    found = {
        source: {seed: window for seed, window in by_seed.items() if window.open is not None}
        for source, by_seed in windows.items()
    }
    return {source: by_seed for source, by_seed in found.items() if by_seed}
