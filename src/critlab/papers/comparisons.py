"""Rows that compare damages and accuracies of a figure with published numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from critlab.analysis.curve import CURVE_ROLES, Curve
from critlab.analysis.curve_points import CurvePoint
from critlab.analysis.tables.results import Results
from critlab.papers.figure import Found, Published
from critlab.report.findings import AccuracyAt, Comparison, DamageAt
from critlab.report.text.names import spaced
from critlab.study.runs.run import Run

UNSTATED = "not stated where the paper can be read"


def run_words(run: Run) -> str:
    """A run of a sweep of blur: clean, or blurred until when."""
    return "clean" if run.role == "control" else f"blurred until {run.window.stop}"


def last_tested(curve: Curve) -> CurvePoint | None:
    """The last point that a verdict is about."""
    return curve.tested[-1] if curve.tested else None


def other_arms(results: Results) -> Iterator[tuple[str, DamageAt]]:
    """The last damage of every further arm, from each kind of clean run that it is compared with, by its name."""
    arms = dict.fromkeys(run.arm for run in results.study.runs if run.role in CURVE_ROLES and run.role != "deficit")
    for arm in arms:
        kinds = dict.fromkeys(kind for run in results.study.runs if run.arm == arm for kind, _ in run.controls)
        for kind in kinds:
            if (last := last_tested(results.curve(arm, kind))) is not None:
                yield f"{spaced(arm)} against the {spaced(kind)} control", DamageAt(last)


def damage_comparisons(published: Published) -> Callable[[Found], Sequence[Comparison]]:
    """The last damage of every part, from the plain control and from a run of equal length, next to one statement."""

    def numbers(found: Found) -> Sequence[Comparison]:
        rows = []
        for part, results in found.items():
            label = "" if part == "study" else f", {part}"
            curve = results.curve()
            if (last := last_tested(curve)) is None:
                continue
            rows.append(published.beside(DamageAt(last), f"damage after the longest blur{label}"))
            if (equal := last_tested(results.curve(against="equal_total"))) is not None:
                rows.append(published.beside(DamageAt(equal), f"the same against a run of equal length{label}"))
            rows.append(Comparison(f"clean accuracy{label}", UNSTATED, "ours", AccuracyAt(curve.points[0])))
        return rows

    return numbers
