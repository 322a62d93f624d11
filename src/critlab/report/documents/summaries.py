"""What a prompt and a notebook show of results, verdicts, curves and calibrations: a line, and a little HTML."""

from __future__ import annotations

from html import escape
from typing import Any

from critlab.analysis.calibration.results import Calibration
from critlab.analysis.curve import Curve
from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.tables.results import Results
from critlab.report.charts.sweep import sweep_charts
from critlab.report.figures import paper_spec
from critlab.report.text.calibration import calibration_text
from critlab.report.text.judgement.damages import damage_name, damage_value
from critlab.report.text.judgement.verdict import ANSWERS, verdict_lines
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import damage_text
from critlab.report.text.numbers import count
from critlab.report.vega import drawing

CHART_INCHES = 6.75
MOST_LETTERS = 160
"""How long the sentence in a prompt's line may be."""


def line(value: Any) -> str:
    """Return one line on ``value``, in angle brackets as Python shows what has no literal."""
    return f"<{type(value).__name__}: {_said(value)}>"


def html(value: Any) -> str:
    """Return a short piece of HTML on ``value``, without scripts; results have their main chart as an image."""
    match value:
        case Results():
            return f"<p><b>{escape(value.study.name)}</b></p>{_paragraphs(value.verdict())}{_main_chart(value)}"
        case Verdict():
            return _paragraphs(value)
        case Curve():
            return _curve_table(value)
        case Calibration():
            return f"<pre>{escape(calibration_text(value))}</pre>"
    return f"<p>{escape(line(value))}</p>"


def _said(value: Any) -> str:
    match value:
        case Results():
            done = sum(outcome.status == "done" for outcome in value.outcomes)
            runs = f"{done:,} of {count(len(value.outcomes), 'run')} done, {count(len(value.rows), 'row')}"
            return f"study {value.study.name!r}; {ANSWERS[value.verdict().answer]}; {runs}"
        case Verdict():
            largest = value.largest
            worst = "" if largest is None else f"; largest {damage_name(largest)} {damage_value(largest, value.metric)}"
            left = f"; {value.epochs_left:,} of {count(value.epochs, 'epoch')} left" if value.epochs_left else ""
            return f"{ANSWERS[value.answer]}{worst}{left}"
        case Curve():
            amount = MetricWords(value.metric).amount
            places = ", ".join(f"{point.at}: {amount(point.damage.value)}" for point in value.points)
            return f"{value.arm}; damage at {places}"[:MOST_LETTERS] if value.points else f"{value.arm}; no points yet"
        case Calibration():
            return f"{count(len(value.designs), 'design')}, {value.studies:,} simulated studies for each row"
    return ""


def _paragraphs(verdict: Verdict) -> str:
    first, *others = verdict_lines(verdict)
    more = "".join(f"<li>{escape(text)}</li>" for text in others)
    details = f"<details><summary>Damages, other explanations and notes</summary><ul>{more}</ul></details>"
    return f"<p>{escape(first)}</p>{details if others else ''}"


def _curve_table(curve: Curve) -> str:
    words = MetricWords(curve.metric)
    rows = "".join(
        f"<tr><td>{point.at}</td><td>{words.size(point.score.value)}</td>"
        f"<td>{damage_text(point, curve.metric)}</td><td>{point.n}</td></tr>"
        for point in curve.points
    )
    head = "".join(
        f"<th>{name}</th>" for name in (curve.sweep.words.point, words.title, "damage, each point alone", "n")
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _main_chart(results: Results) -> str:
    """The damage along the sweep as an inline image; empty where there are no points yet."""
    drawn = list(sweep_charts(results))
    if not drawn:
        return ""
    svg: str = drawing().vegalite_to_svg(paper_spec(drawn[-1], CHART_INCHES))
    return f'<div role="img" aria-label="{escape(drawn[-1].alt)}">{svg}</div>'
