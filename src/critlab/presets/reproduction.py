"""``critlab reproduce``: a paper's figure, run or computed, drawn, and set beside the published numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from critlab.analysis.reading import read_results
from critlab.engine.running import Means, run_study
from critlab.errors import StudyError
from critlab.presets import PRESETS, Preset
from critlab.presets.theories import THEORIES
from critlab.presets.theory import Theory
from critlab.report.findings import Comparison
from critlab.report.page import report
from critlab.spec import nearest
from critlab.store import Store


@dataclass(frozen=True)
class Reproduction:
    """What became of a figure: the exit status, our numbers beside the published ones, and the page."""

    status: int
    comparisons: Sequence[Comparison]
    page: Path | None


def reproduce(name: str, scale: str | None, store: Store, means: Means, out: Path) -> Reproduction:
    """Runs or computes what ``store`` lacks of the figure ``name``, and writes its page to ``out``.

    Args:
        name: of a figure; ``critlab list figures`` names them.
        scale: one of the figure's scales; None is its first.
        store: where results and tables are kept.
        means: with what a study is run.
        out: the page.

    Raises:
        StudyError: there is no such figure, or not at that scale.
    """
    figures: dict[str, Preset | Theory] = {**PRESETS, **THEORIES}
    if name not in figures:
        raise StudyError(f"figure: received {name!r}{nearest(name, figures)}")
    figure = figures[name]
    chosen = scale or figure.scales[0]
    if chosen not in figure.scales:
        raise StudyError(f"--scale: received {chosen!r} for {name}{nearest(chosen, figure.scales)}")
    if isinstance(figure, Theory):
        findings = figure.found(name, chosen, store)
        return Reproduction(0, findings.comparisons, report(findings, out))
    return _study(figure, chosen, store, means, out)


def _study(preset: Preset, scale: str, store: Store, means: Means, out: Path) -> Reproduction:
    study = preset.make(scale)
    done = run_study(study, store, means)
    if done.ending.stopped:
        return Reproduction(done.status, (), None)
    results = read_results(study, store)
    comparisons = preset.compare(results)
    return Reproduction(done.status, comparisons, report(results, out, comparisons=comparisons))
