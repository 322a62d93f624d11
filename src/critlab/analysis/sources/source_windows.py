"""Until when each source's prime learning window was open in the runs of a study: in words."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from critlab.analysis.sources.prime_window import RULE, SOURCE, PrimeWindow, prime_window

if TYPE_CHECKING:
    from critlab.analysis.results import Results
    from critlab.study.run import Run

MEASURE = "fisher_trace"


def source_windows(results: Results, run: Run) -> Mapping[str, Mapping[int, PrimeWindow]]:
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


def window_note(results: Results) -> Iterator[str]:
    """One sentence on the first control and on the last run of each arm, where anything is known of them."""
    runs = results.study.runs
    control = next((run for run in runs if run.role == "control"), None)
    last = {f"{run.arm} at {run.at}": run for run in _last(runs).values()}
    shown = {**({"control": control} if control else {}), **last}
    told = [f"{name}: {words}" for name, run in shown.items() if (words := _in_words(source_windows(results, run)))]
    if told:
        yield f"Prime learning window of each source ({RULE}; {SOURCE}). {'; '.join(told)}."


def below(layer: str, prefix: str) -> bool:
    """Whether a layer is the module ``prefix`` or lies inside it."""
    return layer == prefix or layer.startswith(f"{prefix}.")


def _last(runs: Sequence[Run]) -> Mapping[str, Run]:
    """The last run of each arm, which is that of the longest deficit or of the last window."""
    return {run.arm: run for run in runs if run.role in ("deficit", "negative_control")}


def _by_seed(results: Results, run: Run, prefix: str) -> Iterator[tuple[int, PrimeWindow]]:
    for seed in results.study.seeds:
        traces: dict[int, tuple[float, float]] = {}
        for row in results.by_run.get(run.identifier(seed), ()):
            if row.quantity == MEASURE and below(row.layer, prefix):
                value, error = traces.get(row.epoch, (0.0, 0.0))
                traces[row.epoch] = (value + row.value, error + row.stderr)
        if traces:
            epochs = sorted(traces)
            yield seed, prime_window(epochs, *zip(*(traces[epoch] for epoch in epochs), strict=True))


def _in_words(windows: Mapping[str, Mapping[int, PrimeWindow]]) -> str:
    told = ((source, _of_source(list(found.values()))) for source, found in windows.items())
    return ", ".join(f"source {source} {words}" for source, words in told if words)


def _of_source(found: list[PrimeWindow]) -> str:
    """As ``closed by epoch 8 (4 to 12) in 2 of 3 seeds and open at the end in 1``; empty where nothing is known."""
    known = [window for window in found if window.open is not None]
    closed = [window.since for window in known if not window.open and window.since is not None]
    seeds = f"of {len(known)} seed{'s' if len(known) != 1 else ''}"
    parts = []
    if closed:
        spread = f" ({min(closed):g} to {max(closed):g})" if min(closed) < max(closed) else ""
        parts.append(f"closed by epoch {statistics.median(closed):g}{spread} in {len(closed)} {seeds}")
    if len(closed) < len(known):
        parts.append(f"open at the end in {len(known) - len(closed)} {seeds}")
    return " and ".join(parts)
