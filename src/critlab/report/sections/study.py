"""What a study's part of the page says, as plain values for the template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from critlab._core.version import VERSION
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Outcome
from critlab.report.charts import charts
from critlab.report.charts.damages import KEY
from critlab.report.charts.design import DESIGN
from critlab.report.documents.study_text import study_text
from critlab.report.sections.charts import chart_part
from critlab.report.sections.examples import examples_part
from critlab.report.sections.filters import filters_part
from critlab.report.sections.first_layer import first_layer_part
from critlab.report.sections.provenance import provenance_pairs
from critlab.report.sections.runs import runs_part
from critlab.report.sections.tables import table
from critlab.report.text.glossary import glossary
from critlab.report.text.judgement.confounds import confound_names, confound_text, share_label
from critlab.report.text.judgement.damages import damage_rows
from critlab.report.text.judgement.verdict import ANSWERS, answer_text, closing_text, headline
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import capital, question, title
from critlab.report.text.notes import note_lines
from critlab.report.text.study.citations import bibtex
from critlab.report.text.study.facts import facts
from critlab.report.text.study.methods import methods_text
from critlab.report.text.study.so_far import progress_line
from critlab.report.text.timing.study_timing import study_timing_lines, timing_facts, timing_label
from critlab.study import Study

Row = Mapping[str, Any]
LINKS = (("design", "Design"), ("charts", "Charts"), ("runs", "Runs"), ("methods", "Methods"), ("made", "Made with"))
"""Where the header of a page on one study leads."""


def study_section(results: Results, name: str) -> Row:
    """Everything that the template shows of a study; ``name`` is unique on the page."""
    study = results.study
    trouble = [outcome for outcome in results.outcomes if outcome.status != "done"]
    shown = [outcome for outcome in trouble if outcome.status != "missing"]
    drawn = charts(results)
    keys = [chart.key for chart in drawn]
    found = [key for key in keys if key not in DESIGN]
    main = next((key for key in (study.sweep.words.damage_chart, *found) if key in found), "")
    return {
        "id": name,
        "template": "study.html.jinja",
        "links": LINKS,
        "name": study.name,
        "question": question(study),
        "verdict": (verdict := _verdict(results)),
        "status": {"kind": verdict["answer"], "label": verdict["label"]},
        "trouble": [_trouble(outcome) for outcome in shown],
        "missing": len(trouble) - len(shown),
        "trouble_title": _trouble_title(trouble, len(results.outcomes)),
        "title": title(study),
        "words": glossary(results),
        "headline": _headline(results),
        "main": [chart_part(chart, name) for chart in drawn if chart.key == main],
        "charts": [chart_part(chart, name) for chart in drawn if chart.key not in (KEY, *DESIGN, main)],
        "damage_charts": [chart_part(chart, name) for chart in drawn if chart.key == KEY],
        "design_charts": [chart_part(chart, name) for chart in drawn if chart.key in DESIGN],
        "runs": runs_part(results),
        "filters": filters_part(results),
        "examples": examples_part(results),
        "first_layer": first_layer_part(results),
        "methods": methods_text(results, VERSION),
        "bibtex": bibtex(VERSION, _citations(study)),
        "provenance": list(provenance_pairs(results)),
        "file": f"{study.name.replace(' ', '-')}.toml",
        "toml": study_text(study),
        **({"command": study.command} if study.command else {}),
    }


def _citations(study: Study) -> Iterator[str]:
    """The citations of what a study is made of; the paper of critical periods belongs to every study."""
    yield "1711.08856"
    components = [study.deficit, *study.controls.deficits, *study.measures, study.objective, study.data.options]
    yield from (one.citation for one in components if one is not None and hasattr(one, "citation"))


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
            "damages": table([]),
            "damage_head": "",
            "facts": [one._asdict() for one in timing_facts(results.study, found)],
            "confounds": [],
            "notes": notes,
        }
    verdict = results.verdict()
    confounds = [
        {
            "name": capital(name),
            "share": share_label(confound),
            "text": confound_text(verdict, confound),
        }
        for name, confound in zip(confound_names(verdict), verdict.confounds, strict=True)
    ]
    return {
        "topic": "Critical period",
        "answer": verdict.answer,
        "label": ANSWERS[verdict.answer],
        "sentence": capital(answer_text(verdict)),
        "closing": closing_text(verdict),
        "damages": table(damage_rows(verdict)),
        "damage_head": capital(MetricWords(verdict.metric).of),
        "facts": [{"name": one.name, "value": one.value, "detail": one.detail} for one in facts(verdict)],
        "confounds": confounds,
        "notes": note_lines(verdict),
    }


def _trouble(outcome: Outcome) -> Row:
    plain = {"status": outcome.status, "epochs": outcome.epochs, "total": outcome.run.total}
    return {"name": outcome.name, "note": outcome.note, **plain}


def _trouble_title(trouble: Sequence[Outcome], total: int) -> str:
    counts = Counter(outcome.status for outcome in trouble)
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    return f"{len(trouble)} of {total} runs are not done ({said}); the curves leave them out"
