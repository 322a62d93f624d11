"""The trace of the Fisher information of a study's runs, over seeds, and its fit to the sensitivity."""

from __future__ import annotations

from dataclasses import dataclass

from critlab._core.errors import StudyError
from critlab.analysis.information.exponential_fit import ExponentialFit, exponential_fit
from critlab.analysis.statistics import Summary, summarise
from critlab.analysis.tables.results import Results
from critlab.study.runs.run import Run


@dataclass(frozen=True)
class Traced:
    """A run's trace by epoch, over the seeds that have it.

    Args:
        label: for a legend.
        clean: whether it has no deficit.
        epochs: at which it was read, increasing.
        values: over seeds, one an epoch.
    """

    label: str
    clean: bool
    epochs: tuple[int, ...]
    values: tuple[Summary, ...]


def traces(results: Results, quantity: str = "fisher_trace") -> list[Traced]:
    """The clean run and every run of the study's own deficit, in the order of the sweep; none without a reading."""
    runs = [run for run in results.study.runs if run.role in ("control", "deficit")]
    return [found for run in runs if (found := traced(results, run, quantity)).epochs]


def traced(results: Results, run: Run, quantity: str = "fisher_trace") -> Traced:
    """The trace of one run."""
    found: dict[int, list[float]] = {}
    for seed in results.study.seeds:
        for row in results.by_run.get(run.identifier(seed), ()):
            if row.quantity == quantity and not row.layer:
                found.setdefault(row.epoch, []).append(row.value)
    clean = run.role == "control"
    label = "clean" if clean else ("never removed" if run.at == "never" else f"until {run.window.stop}")
    return Traced(label, clean, tuple(sorted(found)), tuple(summarise(found[epoch]) for epoch in sorted(found)))


def peak(run: Traced) -> tuple[int, float]:
    """The epoch with the highest mean trace, and that trace."""
    highest = max(range(len(run.epochs)), key=lambda index: run.values[index].mean)
    return run.epochs[highest], run.values[highest].mean


def beside_sensitivity(results: Results) -> list[tuple[int, float, float]]:
    """Onset, damage of the window that begins there, and mean trace of the clean run during that window."""
    clean = traced(results, next(run for run in results.study.runs if run.role == "control"))
    windows = {run.at: run.window for run in results.study.runs if run.role == "deficit"}
    found = []
    for point in results.curve().points:
        window = windows[point.at]
        within = [
            value.mean
            for epoch, value in zip(clean.epochs, clean.values, strict=True)
            if window.start <= epoch <= window.stop and epoch > 0
        ]
        if within:
            found.append((int(point.at), point.damage.value, sum(within) / len(within)))
    return found


def fit(results: Results) -> ExponentialFit | None:
    """The exponential through trace against damage; None where there is too little to fit."""
    rows = beside_sensitivity(results)
    try:
        return exponential_fit([damage for _, damage, _ in rows], [trace for _, _, trace in rows])
    except StudyError:
        return None
