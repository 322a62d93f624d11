"""What the part of the page on a theory's figure, or on a training that was watched, says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critlab._core.version import VERSION
from critlab.report.findings import Comparison, Findings
from critlab.report.sections.charts import chart_part
from critlab.report.sections.provenance import flat
from critlab.report.sections.tables import Table, table
from critlab.report.text.figures.comparisons import comparison_row
from critlab.report.text.names import capital
from critlab.report.text.study.citations import bibtex


def comparisons_table(comparisons: Sequence[Comparison]) -> Table:
    """Our numbers next to the published ones."""
    rows = map(comparison_row, comparisons)
    return table([(one.what, one.published, one.ours, one.source) for one in rows])


def findings_section(findings: Findings, name: str) -> Mapping[str, Any]:
    """Everything that the template shows of ``findings``; ``name`` is unique on the page."""
    title = findings.title or capital(findings.question)
    source = "" if findings.source in ("", "ours") else f"After {findings.source}."
    question = "" if title == capital(findings.question) else findings.question
    return {
        "id": name,
        "template": "findings.html.jinja",
        "links": (("charts", "Charts"), ("made", "Made with")),
        "name": findings.name,
        "title": title,
        "status": {"kind": findings.answer[0], "label": findings.answer[1]},
        "headline": findings.headline,
        "notes": findings.notes,
        "playground": findings.playground,
        "bibtex": bibtex(VERSION, [findings.source, *(one.source for one in findings.comparisons)]),
        "main": [chart_part(chart, name) for chart in findings.charts[:1]],
        "question": " ".join(part for part in (question, source) if part),
        "comparisons": comparisons_table(findings.comparisons),
        "charts": [chart_part(chart, name) for chart in findings.charts[1:]],
        "provenance": list(flat(findings.provenance, "")),
        "command": findings.command,
        "masthead": findings.masthead,
        "lines": findings.lines,
        **({"columns": findings.table[0], "rows": table(findings.table[1])} if findings.table else {}),
    }
