"""Which of two sources a network has come to ignore, by how many units, and since when: in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from critlab.analysis.effects.control_comparison import (
    ControlComparison,
    compare_to_control,
    differences_through_training,
)
from critlab.analysis.statistics import Summary

if TYPE_CHECKING:
    from critlab.analysis.results import Results
    from critlab.study.run import Run

MEASURE = "relative_source_variance"
SHARE = f"{MEASURE}_share"


def ignored_sources(results: Results) -> Iterator[tuple[ControlComparison, str]]:
    """For each arm at its longest deficit, the balance there, and a sentence.

    The balance of a network is the share of the units that answer to A alone less that to B alone (relative source
    variance beyond 0.5). B is ignored where, at the end of training, the balance lies above that of the clean run of
    the same seed, by a 95 % interval that excludes zero; A where below. Where the units of both grow alike, as in
    dissociation, neither is. Nothing is said of studies that do not read the relative source variance.

    Source: ours.
    """
    if MEASURE not in results.study.measures:
        return
    balance = [point for point in compare_to_control(results, SHARE, "A", less="B") if point.difference is not None]
    of_a, of_b = (
        {(point.arm, point.at): point for point in compare_to_control(results, SHARE, source)} for source in ("A", "B")
    )
    runs: dict[tuple[str, int | str], Run] = {(run.arm, run.at): run for run in reversed(results.study.runs)}
    for point in {point.arm: point for point in balance}.values():
        place = (point.arm, point.at)
        yield point, _sentence(results, runs[place], point, {"A": of_a[place], "B": of_b[place]})


def _sentence(results: Results, run: Run, balance: ControlComparison, points: Mapping[str, ControlComparison]) -> str:
    told = "; ".join(
        f"{100 * point.value.mean:.1f} % answer to {s} alone{_gain(run, point)}" for s, point in points.items()
    )
    told += f"; the balance, A less B, moves by {_moved(balance.difference)}" if balance.difference else ""
    lost = _ignored(balance.difference)
    if lost is None:
        held = "the controls" if run.background else "clean runs"
        return f"no source is ignored more than in {held}, as far as {balance.value.n} seeds tell: of the units {told}"
    since = _since(results, run, lost)
    when = "" if since is None else f", since epoch {since} at the latest"
    return f"source {lost} is ignored{when}: of the units {told}"


def _gain(run: Run, point: ControlComparison) -> str:
    if point.difference is None:
        return ""
    return f" ({_moved(point.difference)} against the {'control' if run.background else 'clean run'})"


def _moved(gain: Summary) -> str:
    limits = "" if gain.low is None or gain.high is None else f" [{100 * gain.low:.1f}, {100 * gain.high:.1f}]"
    return f"{100 * gain.mean:+.1f} points{limits}"


def _ignored(balance: Summary | None) -> str | None:
    """The source that a change of the balance leaves behind; None where its interval holds zero, or is not known."""
    if balance is None or balance.low is None or balance.high is None:
        return None
    return "B" if balance.low > 0 else "A" if balance.high < 0 else None


def _since(results: Results, run: Run, lost: str) -> int | None:
    """The first reading from which on the balance lies on the spared source's side at each reading."""
    since = None
    for epoch, change in differences_through_training(results, run, SHARE, "A", less="B").items():
        since = None if _ignored(change) != lost else epoch if since is None else since
    return since
