"""A calibration in words and tables: error rates, power and coverage of designs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from critlab.analysis.calibration.results import Calibration, PowerRow, Rate
from critlab.learning_tasks.metric import Metric
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.numbers import decimal, hundredths, percent

ANSWERS = {"false_present": "present", "false_absent": "absent", "false_damage_only": "damage only"}


def calibration_text(found: Calibration) -> str:
    """The worst values first, then power by damage, place and seeds, and what failing seeds hide."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Calibration) -> Iterator[str]:
    designs = ", ".join(found.designs)
    yield f"{found.studies} simulated studies a row, seed {found.seed}; designs: {designs}."
    yield "Seeds vary by 1 point of accuracy a run; in rows about absent by 0.3 points."
    if not all(metric.in_points for metric in found.metrics.values()):
        yield "In a metric that is not shown in points, the smallest damage of interest takes the place of a point."
    yield ""
    yield "False answers (worst null over all designs and seeds):"
    for answer, words in ANSWERS.items():
        worst = found.worst_null(answer)
        shown = "no null" if worst is None else f"{rate_text(worst[2])}, {worst[0]}, {worst[1]}"
        yield f"  {words}: {shown}"
    yield ""
    yield "Coverage of 95 % intervals (worst curve and noise):"
    for words, intervals in (("damages", ("each", "largest")), ("closing", ("closing",))):
        rate = found.worst_coverage(intervals)
        yield f"  {words}: {'no interval' if rate is None else rate_text(rate)}"
    for design in found.designs:
        yield from _design(found, design)


def _design(found: Calibration, design: str) -> Iterator[str]:
    rows = [row for row in found.power if row.design == design]
    if not rows:
        yield ""
        yield f"{design}: no critical contrast, so every study of this design is undecided."
        return
    columns = list(dict.fromkeys(row.seeds for row in rows))
    yield ""
    yield f"{design}: power by seeds"
    yield from table(
        ["damage", "place", *(f"n = {seeds}" for seeds in columns), "mean n", "fixed n"],
        _power(rows, found.metrics[design]),
    )
    failing = [row for row in found.failing if row.design == design and isinstance(row.seeds, int)]
    worst = max(failing, key=lambda row: row.false_absent.value, default=None)
    if worst is not None:
        yield (
            f"If {percent(worst.share, 0)} of the seeds fail badly, {worst.seeds} seeds are called absent in "
            f"{rate_text(worst.false_absent)}; with probability {percent(worst.unseen, 0)} none of them fails."
        )


def _power(rows: Sequence[PowerRow], metric: Metric) -> Iterator[list[str]]:
    """One line for each damage and place: power at each number of seeds, and the sequential design's seeds."""
    for damage, place in dict.fromkeys((row.damage, row.place) for row in rows):
        own = [row for row in rows if (row.damage, row.place) == (damage, place)]
        last = own[-1]
        fixed = "" if last.fixed_seeds is None else str(last.fixed_seeds)
        powers = [decimal(row.right.value, 2) for row in own]
        shown = f"{decimal(100 * damage, 0)} points" if metric.in_points else MetricWords(metric).amount(damage)
        yield [shown, place, *powers, decimal(last.expected_seeds, 1), fixed]


def rate_text(rate: Rate) -> str:
    """A share with its standard error, such as ``1.9 % ± 0.2``."""
    return f"{percent(rate.value)} ± {hundredths(rate.stderr)}"


def table(head: Sequence[str], rows: Iterator[list[str]]) -> Iterator[str]:
    """Aligned columns."""
    lines = [list(head), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
