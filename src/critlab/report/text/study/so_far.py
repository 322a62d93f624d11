"""A study that is not finished, in words: how far it is, and its curve so far as bars of text."""

from __future__ import annotations

from collections.abc import Iterator

from critlab._core.terminal.duration import duration
from critlab.analysis.curve import Curve
from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.tables.results import Results
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import damage_text
from critlab.report.text.numbers import count

WIDTH = 24
"""Letters of the longest bar."""


def progress_line(results: Results, verdict: Verdict) -> str:
    """How far an unfinished study is, such as ``25 of 252 epochs are trained, 3 of 40 runs are done``."""
    done = sum(outcome.status == "done" for outcome in results.outcomes)
    trained = f"{verdict.epochs - verdict.epochs_left:,} of {count(verdict.epochs, 'epoch')} are trained"
    return f"{trained}, {done:,} of {count(len(results.outcomes), 'run')} are done"


def live_text(seconds: float | None) -> str:
    """What a page says while a study is trained: the time left, where a pace is known."""
    return "It is being trained." if seconds is None else f"About {duration(seconds)} left."


def has_curve(curve: Curve) -> bool:
    """Whether every point of the sweep has at least one seed."""
    return len(curve.points) > 1 and not curve.gaps


def curve_lines(curve: Curve) -> Iterator[str]:
    """The points of a curve, one line each: score, damage with its interval, and a bar as long as the damage."""
    if not curve.points:
        return
    largest = max((point.damage.value for point in curve.points), default=0.0)
    width = max(len(str(point.at)) for point in curve.points)
    words = MetricWords(curve.metric)
    yield f"{curve.sweep.words.axis}: {words.title}, damage with the 95 % interval of each point alone"
    for point in curve.points:
        share = max(point.damage.value, 0.0) / largest if largest > 0 else 0.0
        text = f"{words.level(point.score.value)}, {damage_text(point, curve.metric)}, n = {point.n}"
        yield f"  {point.at!s:>{width}}  {text:<44} {'█' * round(WIDTH * share)}".rstrip()
