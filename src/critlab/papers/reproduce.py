"""``critlab reproduce``: a paper's figure, run or computed, drawn, with our numbers next to the published ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.terminal.text import say
from critlab.analysis.tables.reading import read_results
from critlab.analysis.tables.results import Results
from critlab.engine.context import RunOptions
from critlab.papers.figure import Figure, Scale, Studies
from critlab.papers.registry import find_figure
from critlab.papers.tables import computed
from critlab.report.figures import save_figures
from critlab.report.findings import Comparison, Findings
from critlab.report.page import report
from critlab.report.paper_style import PaperStyle
from critlab.report.text.figures.comparisons import comparisons_csv
from critlab.sequential.loop import exit_status, run_study_to_answer
from critlab.store import Store
from critlab.store.delivery import deliver, is_standard_output


@dataclass(frozen=True)
class Reproduction:
    """The outcome of a figure: the exit status, our numbers next to the published ones, and the page."""

    status: int
    comparisons: Sequence[Comparison]
    page: Path | None


def reproduce(
    name: str,
    scale: str | None,
    store: Store,
    means: RunOptions,
    out: Path,
    folder: Path | None = None,
    style: PaperStyle | None = None,
) -> Reproduction:
    """Run or compute what ``store`` lacks of the figure ``name``, and write its page to ``out``.

    Args:
        name: of a figure; ``critlab list figures`` names them.
        scale: one of the figure's scales; None is ``small``, or the only one.
        store: where results and tables are kept.
        means: with what a study is run.
        out: the page.
        folder: also the files of every chart, the verdict of each study as ``verdict.txt``, ``numbers.csv`` with our
            and the published numbers, and ``environment.json``, into this folder.
        style: how the files of the charts look.

    Raises:
        StudyError: there is no such figure, or not at that scale.
    """
    figure = find_figure(name)
    chosen = figure.scale(name, scale, figure.default_scale)
    if figure.studies is not None:
        return _trained(name, figure, figure.studies(chosen), chosen, store, means, out, folder, style)
    if means.part is not None:
        raise StudyError(f"--part: {name} is computed from a theory in one piece; leave --part out")
    say(f"{name}: a theory, its tables at scale {chosen}; computing those that {store.root} lacks")
    findings = computed(name, figure, chosen, store)
    if figure.playground is not None and not is_standard_output(out):
        playground = out.with_name(f"{out.stem}-interactive.html")
        deliver(playground, figure.playground().encode())
        findings = replace(findings, playground=playground.name)
    if folder:
        save_figures(findings, folder, style)
        _write_numbers(folder, findings, findings.provenance)
    return Reproduction(0, findings.comparisons, report(findings, out))


def _trained(
    name: str,
    figure: Figure,
    studies: Studies,
    scale: Scale,
    store: Store,
    means: RunOptions,
    out: Path,
    folder: Path | None,
    style: PaperStyle | None,
) -> Reproduction:
    """Every part is run, also where an earlier one failed, so that the page shows all that is there."""
    status, results = 0, {}
    if len(studies) > 1:
        say(f"{name}: {len(studies)} studies at scale {scale}")
    for part, study in studies.items():
        done, stage, found = run_study_to_answer(study, store, means, say)
        if done.outcome.stopped:
            return Reproduction(done.status, (), None)
        results[part] = found or read_results(stage, store)
        status = max(status, exit_status(done, results[part], say))
    findings = Findings(
        name=name,
        question=figure.question[:1].upper() + figure.question[1:],
        source=figure.source,
        charts=figure.charts(results),
        comparisons=figure.comparisons(results),
        provenance={"scale": scale},
        command=f"critlab reproduce {name} --scale {scale}",
        masthead="A figure",
    )
    if folder:
        _keep(folder, findings, results, style)
    shown = [*results.values()]
    if findings.charts or len(shown) > 1:
        page = report([findings, *shown], out)
    else:
        page = report(shown, out, comparisons=findings.comparisons)
    return Reproduction(status, findings.comparisons, page)


def _keep(folder: Path, findings: Findings, results: Mapping[str, Results], style: PaperStyle | None) -> None:
    """Write the charts of the whole, charts and verdict of each part, the comparison, and the environment."""
    save_figures(findings, folder, style)
    for part, of_part in results.items():
        own = folder if len(results) == 1 else folder / part
        save_figures(of_part, own, style)
        deliver(own / "verdict.txt", ("\n".join(of_part.verdict().lines()) + "\n").encode())
    _write_numbers(folder, findings, {part: dict(of_part.provenance) for part, of_part in results.items()})


def _write_numbers(folder: Path, findings: Findings, made: Mapping[str, Any]) -> None:
    deliver(folder / "numbers.csv", comparisons_csv(findings.comparisons).encode())
    text = json.dumps({"command": findings.command, **made}, indent=1, ensure_ascii=False)
    deliver(folder / "environment.json", f"{text}\n".encode())
