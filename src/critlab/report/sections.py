"""What a study's part of the page says, as plain values for the template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from critlab._core.duration import duration
from critlab.analysis.judgement.mixture import mixture
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Outcome
from critlab.analysis.test_images import images_recorded
from critlab.engine.records.makers import Maker
from critlab.objectives import CrossEntropy
from critlab.report.chart import Cell, Chart
from critlab.report.charts import charts
from critlab.report.charts.damages import KEY
from critlab.report.findings import Comparison, Findings
from critlab.report.static import static_svg
from critlab.report.study_text import study_text
from critlab.report.text.facts import facts
from critlab.report.text.judgement.confounds import confound_text, share_text
from critlab.report.text.judgement.damages import damage_rows
from critlab.report.text.judgement.verdict import ANSWERS, answer_text, closing_text, headline
from critlab.report.text.names import (
    background_words,
    intervention_words,
    objective_words,
    question,
    spaced,
    tested_words,
    title,
    window_words,
)
from critlab.report.text.notes import note_lines
from critlab.report.text.numbers import MINUS
from critlab.report.text.so_far import progress_line
from critlab.report.text.study_timing import study_timing_lines, timing_facts, timing_label

Row = Mapping[str, Any]
RUN_COLUMNS = ("Run", "Seed", "Arm", "Window", "Clock", "Epochs", "Outcome", "Time")


@dataclass(frozen=True)
class Table:
    """Cells as text, and which columns hold numbers."""

    cells: tuple[tuple[str, ...], ...]
    numeric: frozenset[int]


def section(shown: Results | Findings, name: str, comparisons: Sequence[Comparison] = ()) -> Row:
    """Everything that the template shows of one study or of one theory's figure.

    Args:
        shown: the study's results, or the figure's findings.
        name: unique on the page.
        comparisons: a study's numbers next to the published ones.
    """
    if isinstance(shown, Results):
        return {**_study_section(shown, name), "comparisons": _comparisons(comparisons)}
    return _theory_section(shown, name)


def _comparisons(comparisons: Sequence[Comparison]) -> Table:
    return _table([(one.what, one.published, one.ours, one.source) for one in comparisons])


def _theory_section(findings: Findings, name: str) -> Row:
    return {
        "id": name,
        "name": findings.name,
        "title": _capital(findings.name.replace("-", " ").replace("_", " ")),
        "main": [_chart(chart, name) for chart in findings.charts[:1]],
        "question": f"{findings.question} ({findings.source})",
        "comparisons": _comparisons(findings.comparisons),
        "charts": [_chart(chart, name) for chart in findings.charts[1:]],
        "provenance": list(_flat(findings.provenance, "")),
        "command": findings.command,
        "masthead": findings.masthead,
        "lines": findings.lines,
        **({"columns": findings.table[0], "rows": _table(findings.table[1])} if findings.table else {}),
    }


def _study_section(results: Results, name: str) -> Row:
    study = results.study
    trouble = [outcome for outcome in results.outcomes if outcome.status != "done"]
    shown = [outcome for outcome in trouble if outcome.status != "missing"]
    drawn = charts(results)
    keys = [chart.key for chart in drawn]
    main = next((key for key in (study.sweep.words.damage_chart, *keys) if key in keys), "")
    return {
        "id": name,
        "name": study.name,
        "question": question(study),
        "verdict": _verdict(results),
        "trouble": [_trouble(outcome) for outcome in shown],
        "missing": len(trouble) - len(shown),
        "trouble_title": _trouble_title(trouble, len(results.outcomes)),
        "title": title(study),
        "headline": _headline(results),
        "main": [_chart(chart, name) for chart in drawn if chart.key == main],
        "charts": [_chart(chart, name) for chart in drawn if chart.key not in (KEY, main)],
        "damage_charts": [_chart(chart, name) for chart in drawn if chart.key == KEY],
        "runs_caption": _runs_caption(results),
        "run_columns": RUN_COLUMNS,
        "run_table": _table([_run_cells(outcome) for outcome in results.outcomes]),
        "provenance": list(_provenance(results)),
        "file": f"{study.name.replace(' ', '-')}.toml",
        "toml": study_text(study),
        **({"command": study.command} if study.command else {}),
    }


def _headline(results: Results) -> str:
    """The answer's number in a line; how far an unfinished study is."""
    if results.study.sweep.asks_when and results.timing() is not None:
        return ""  # the sentence of the answer follows
    verdict = results.verdict()
    if verdict.answer == "running":
        return f"{progress_line(results, verdict)}."
    return headline(verdict)


def _verdict(results: Results) -> Row:
    if results.study.sweep.asks_when and (found := results.timing()) is not None:
        sentence, *notes = study_timing_lines(results, found)
        return {
            "topic": "When to switch",
            "answer": "done" if found.decided else "undecided",
            "label": timing_label(found),
            "sentence": sentence,
            "closing": "",
            "damages": _table([]),
            "facts": [one._asdict() for one in timing_facts(results.study, found)],
            "confounds": [],
            "notes": notes,
        }
    verdict = results.verdict()
    confounds = [
        {
            "name": _capital(spaced(confound.name)),
            "share": share_text(confound.share),
            "text": confound_text(verdict, confound),
        }
        for confound in verdict.confounds
    ]
    return {
        "topic": "Critical period",
        "answer": verdict.answer,
        "label": ANSWERS[verdict.answer],
        "sentence": _capital(answer_text(verdict)),
        "closing": closing_text(verdict),
        "damages": _table(damage_rows(verdict)),
        "facts": [{"name": one.name, "value": one.value, "detail": one.detail} for one in facts(verdict)],
        "confounds": confounds,
        "notes": note_lines(verdict),
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _trouble(outcome: Outcome) -> Row:
    plain = {"status": outcome.status, "epochs": outcome.epochs, "total": outcome.run.total}
    return {"name": outcome.name, "note": outcome.note, **plain}


def _trouble_title(trouble: Sequence[Outcome], total: int) -> str:
    counts = Counter(outcome.status for outcome in trouble)
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    return f"{len(trouble)} of {total} runs are not done ({said}); the curves leave them out"


def _chart(chart: Chart, name: str) -> Row:
    panels = [
        {
            "id": f"{name}-{chart.key}" + (f"-{index}" if len(chart.panels) > 1 else ""),
            "title": panel.title,
            "static": static_svg(panel, len(chart.panels) == 1),
            "spec": {**panel.spec, "height": panel.height, "usermeta": {"longestLabel": panel.longest_label}},
        }
        for index, panel in enumerate(chart.panels, start=1)
    ]
    return {
        "id": f"{name}-{chart.key}-figure",
        "title": chart.title,
        "caption": chart.caption,
        "alt": chart.alt,
        "panels": panels,
        "columns": [spaced(column) for column in chart.columns],
        "table": _table(chart.rows),
    }


def _table(rows: Sequence[Sequence[Cell]]) -> Table:
    """Cells as text; a column is numeric where it holds numbers or nothing."""
    columns = list(zip(*rows, strict=True))
    numeric = {i for i, column in enumerate(columns) if any(isinstance(c, int | float) for c in column)}
    return Table(tuple(tuple(_cell(cell) for cell in row) for row in rows), frozenset(numeric))


def _cell(cell: Cell) -> str:
    if cell is None:
        return "–"
    text = f"{cell:.4g}" if isinstance(cell, float) else str(cell)
    return text if isinstance(cell, str) else text.replace("-", MINUS)


def _run_cells(outcome: Outcome) -> tuple[Cell, ...]:
    run = outcome.run
    window = f"[{run.window.start}, {run.window.stop})" if not run.clean else "none"
    epochs = f"{outcome.epochs} of {run.total}"
    done = outcome.status + (f": {outcome.note}" if outcome.note else "")
    return (
        run.name,
        outcome.seed,
        run.arm,
        window,
        spaced(run.clock),
        epochs,
        done,
        duration(outcome.seconds),
    )


def _runs_caption(results: Results) -> str:
    done = sum(outcome.status == "done" for outcome in results.outcomes)
    seeds = len(results.study.seeds)
    return (
        f"{done} of {len(results.outcomes)} runs are done: {len(results.study.runs)} kinds with {seeds} "
        f"seed{'s' if seeds != 1 else ''} each. A window is half-open, in epochs. Epochs that "
        "runs share were trained once, but count in the time of every run."
    )


def _provenance(results: Results) -> Iterator[tuple[str, str]]:
    study = results.study
    sizes = study.data.sizes()
    yield (
        "Data",
        study.data.name + (f", {sizes.train:,} to train and {sizes.test:,} to test" if sizes else ""),
    )
    yield "Model", study.model.name
    yield "In the window", window_words(study)
    if study.background:
        yield "In the background of every run but the undisturbed", background_words(study)
    if study.intervention:
        yield "When it has closed", intervention_words(study.intervention)
    if study.objective != CrossEntropy():
        yield "Objective", objective_words(study.objective)
    tests = [tested_words(study)] if study.evaluation.every > 1 else []
    if study.evaluation.batch_norm == "recomputed":
        tests.append("with BatchNorm statistics recomputed from the epoch's batches")
    if tests:
        yield "Tests", "; ".join(tests)
    if not images_recorded(results):
        yield (
            "Test images",
            "intervals do not contain their choice: the store lacks which of them were classified correctly, at least "
            "for some runs",
        )
    yield "Seeds", ", ".join(map(str, study.seeds))
    known, found = dict(results.provenance), mixture(results)
    if found is not None:
        # of these the store's record names only the last
        for field in (*Maker._fields, "cores"):
            known.pop(field, None)
        for words, count in found.kinds.items():
            yield "Made on", f"{words} ({count:,} records; what runs share counts in each)"
    yield from _flat(known, "")


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Nested JSON values as names and texts."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name} {spaced(str(key))}".strip())
    elif isinstance(value, list | tuple):
        yield name, ", ".join(map(str, value)) or "none"
    elif isinstance(value, bool):
        yield name, "yes" if value else "no"
    elif "seconds" in name and isinstance(value, int | float):
        yield name.replace("seconds", "time"), duration(value)
    else:
        yield name, "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
