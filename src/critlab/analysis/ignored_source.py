"""Which of two sources a network has come to ignore, by how many units, and since when: in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from critlab.analysis.beside_control import Beside, beside_control, differences_through_training
from critlab.analysis.inference import Summary

if TYPE_CHECKING:
    from critlab.analysis.results import Results
    from critlab.study.run import Run

MEASURE = "relative_source_variance"
SHARE = f"{MEASURE}_share"


def ignored_sources(results: Results) -> Iterator[tuple[str, str]]:
    """For each arm at its longest deficit, its name and place, and a sentence.

    A source is ignored where, at the end of training, the units of the other one alone (relative source variance
    beyond 0.5) are more than in the clean run of the same seed, by an interval that excludes zero, and its own are not.
    Nothing is said of studies that do not read the relative source variance.
    """
    if MEASURE not in results.study.measures:
        return
    of_a, of_b = (beside_control(results, SHARE, source) for source in ("A", "B"))
    last = {a.arm: (a, b) for a, b in zip(of_a, of_b, strict=True) if a.difference is not None}
    for arm, (a, b) in last.items():
        run = next(run for run in results.study.runs if (run.arm, run.at) == (arm, a.at))
        yield f"{arm} at {a.at}", _sentence(results, run, a, b)


def _sentence(results: Results, run: Run, a: Beside, b: Beside) -> str:
    points = {"A": a, "B": b}
    told = "; ".join(
        f"{100 * point.value.mean:.1f} % answer to {s} alone{_gain(run, point)}" for s, point in points.items()
    )
    gained = [s for s, point in points.items() if _grew(point.difference)]
    if len(gained) != 1:
        held = "the controls" if run.background else "clean runs"
        return f"no source is ignored more than in {held}, as far as {a.value.n} seeds tell: of the units {told}"
    spared, lost = gained[0], "B" if gained == ["A"] else "A"
    since = _since(results, run, spared)
    when = "" if since is None else f", since epoch {since} at the latest"
    return f"source {lost} is ignored{when}: of the units {told}"


def _gain(run: Run, point: Beside) -> str:
    gain = point.difference
    if gain is None:
        return ""
    limits = "" if gain.low is None or gain.high is None else f" [{100 * gain.low:.1f}, {100 * gain.high:.1f}]"
    return f" ({100 * gain.mean:+.1f} points{limits} against the {'control' if run.background else 'clean run'})"


def _grew(gain: Summary | None) -> bool:
    return gain is not None and gain.low is not None and gain.low > 0


def _since(results: Results, run: Run, spared: str) -> int | None:
    """The first reading from which on the units of the spared source are more than in the clean run at each reading."""
    since = None
    for epoch, gain in differences_through_training(results, run, SHARE, spared).items():
        since = None if not _grew(gain) else epoch if since is None else since
    return since
