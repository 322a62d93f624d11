"""Charts that figures of several papers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from critlab.papers.figure import Found
from critlab.report.chart import Chart
from critlab.report.charts.kit import chart, with_intervals
from critlab.report.text.names import place_title, window_words


def damage_by_part(
    key: str, title: str, what: str, against: Literal["first", "equal_total"] = "first"
) -> Callable[[Found], Sequence[Chart]]:
    """One curve of damage for each part of a figure.

    Args:
        key: of the chart.
        title: of the chart.
        what: what the parts differ in; all sweep the same.
        against: the clean runs that damage is counted from; those of equal length where the learning rate does not
            fall, as the longer training of a run with a deficit would help a clean network too.
    """
    beside = "clean run of the same seed" + (" and the same length" if against == "equal_total" else "")

    def drawn(found: Found) -> Sequence[Chart]:
        studies = [results.study for results in found.values()]
        words, place = studies[0].sweep.words, place_title(studies[0])
        at = words.column
        rows = [
            {
                "part": part,
                at: point.at,
                "damage": 100 * point.damage.value,
                "low": None if point.low is None else 100 * point.low,
                "high": None if point.high is None else 100 * point.high,
                "accuracy": 100 * point.score.value,
                "n": point.n,
            }
            for part, results in found.items()
            for point in results.curve(against=against).points
            if point.at != "never"
        ]
        if not rows:
            return []
        suffered = " or ".join(dict.fromkeys(window_words(study) for study in studies))
        caption = (
            f"Points of test accuracy lost to {suffered} {words.when}, by {what}; means over seeds paired with "
            f"the {beside}, 95 % t intervals of each point alone."
        )
        alt = f"A chart of damage against {words.point}, one line for each {what}. The numbers follow in a table."
        panel = with_intervals(rows, at, place, "damage", "Damage (points)", "part", what)
        return [chart(key, title, caption, alt, [("", panel)], rows, "95 % t")]

    return drawn
