"""``critlab reproduce``: a paper's figure, run or computed, drawn, and set beside the published numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from critlab.analysis.reading import read_results
from critlab.analysis.results import Results
from critlab.engine.running import Means, run_study
from critlab.errors import StudyError
from critlab.presets import PRESETS
from critlab.presets.preset import Preset
from critlab.presets.theories import THEORIES
from critlab.presets.theory import SCALES, found
from critlab.report.figures import figures
from critlab.report.findings import Comparison, Findings, numbers_csv
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
        folder: also every chart as SVG, PNG and CSV, ``numbers.csv``, ours beside the published ones, and
            ``environment.json``, into this folder.

    Raises:
        StudyError: there is no such figure, or not at that scale.
    """
    if name in THEORIES:
        figure = THEORIES[name]
        findings = found(name, figure, _scale(name, scale, SCALES), store)
        if folder:
            figures(findings, folder)
            _beside(folder, findings, findings.provenance)
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
    command = f"critlab reproduce {name} --scale {scale}"
    findings = Findings(
        name=name,
        question=preset.question[:1].upper() + preset.question[1:],
        source=preset.source,
        charts=preset.draw(results),
        comparisons=preset.compare(results),
        provenance={"scale": scale},
        command=command,
    )
    if folder:
        _keep(folder, findings, results)
    shown = [*results.values()]
    if findings.charts or len(shown) > 1:
        page = report([findings, *shown], out)
    else:
        page = report(shown, out, comparisons=findings.comparisons)
    return Reproduction(status, findings.comparisons, page)


def _keep(folder: Path, findings: Findings, results: Mapping[str, Results]) -> None:
    """The charts of the whole and of each part, our numbers beside the published ones, and what they were made on."""
    figures(findings, folder)
    for part, of_part in results.items():
        figures(of_part, folder if len(results) == 1 else folder / part)
    _beside(folder, findings, {part: dict(of_part.provenance) for part, of_part in results.items()})


def _beside(folder: Path, findings: Findings, made: Mapping[str, Any]) -> None:
    """Our numbers beside the published ones, and with what command and on what they were ``made``."""
    (folder / "numbers.csv").write_text(numbers_csv(findings.comparisons), encoding="utf-8")
    text = json.dumps({"command": findings.command, **made}, indent=1, ensure_ascii=False)
    (folder / "environment.json").write_text(text + "\n", encoding="utf-8")
