"""``critlab reproduce``: a paper's figure, run or computed, drawn, and set beside the published numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from critlab.analysis.reading import read_results
from critlab.engine.running import Means, run_study
from critlab.errors import StudyError
from critlab.presets import PRESETS
from critlab.presets.preset import Preset
from critlab.presets.theories import THEORIES
from critlab.presets.theory import SCALES, found
from critlab.report.figures import figures
from critlab.report.findings import Comparison, Findings
from critlab.report.page import report
from critlab.spec import nearest
from critlab.store import Store


@dataclass(frozen=True)
class Reproduction:
    """What became of a figure: the exit status, our numbers beside the published ones, and the page."""

    status: int
    comparisons: Sequence[Comparison]
    page: Path | None


def reproduce(
    name: str, scale: str | None, store: Store, means: Means, out: Path, folder: Path | None = None
) -> Reproduction:
    """Runs or computes what ``store`` lacks of the figure ``name``, and writes its page to ``out``.

    Args:
        name: of a figure; ``critlab list figures`` names them.
        scale: one of the figure's scales; None is ``small``, or the only one.
        store: where results and tables are kept.
        means: with what a study is run.
        out: the page.
        folder: also every chart as SVG, PNG and CSV, into this folder.

    Raises:
        StudyError: there is no such figure, or not at that scale.
    """
    if name in THEORIES:
        figure = THEORIES[name]
        findings = found(name, figure, _scale(name, scale, SCALES), store)
        if folder:
            figures(findings, folder)
        return Reproduction(0, findings.comparisons, report(findings, out))
    if name in PRESETS:
        preset = PRESETS[name]
        chosen = _scale(name, scale or preset.smallest, preset.scales)
        return _studies(name, preset, chosen, store, means, out, folder)
    raise StudyError(f"figure: received {name!r}{nearest(name, [*PRESETS, *THEORIES])}")


def _scale(name: str, asked: str | None, scales: tuple[Any, ...]) -> Any:
    chosen = asked or scales[0]
    if chosen not in scales:
        raise StudyError(f"--scale: received {chosen!r} for {name}{nearest(chosen, scales)}")
    return chosen


def _studies(
    name: str, preset: Preset, scale: str, store: Store, means: Means, out: Path, folder: Path | None
) -> Reproduction:
    """Every part is run, also where an earlier one failed: what can be shown is shown."""
    status, results = 0, {}
    for part, study in preset.studies(scale).items():
        done = run_study(study, store, means)
        if done.ending.stopped:
            return Reproduction(done.status, (), None)
        status = max(status, done.status)
        results[part] = read_results(study, store)
    comparisons = preset.compare(results)
    drawn = preset.draw(results)
    if folder:
        for part, found in results.items():
            figures(found, folder if len(results) == 1 else folder / part)
    if not drawn and len(results) == 1:
        return Reproduction(status, comparisons, report(list(results.values()), out, comparisons=comparisons))
    findings = Findings(
        name=name,
        question=preset.question[:1].upper() + preset.question[1:],
        source=preset.source,
        charts=drawn,
        comparisons=comparisons,
        provenance={"scale": scale},
        command=f"critlab reproduce {name} --scale {scale}",
    )
    if folder:
        figures(findings, folder)
    return Reproduction(status, comparisons, report([findings, *results.values()], out))
