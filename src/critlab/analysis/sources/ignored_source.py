"""Which of two sources a network has come to ignore, by how many units, and since when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from critlab.analysis.curve import Place
from critlab.analysis.effects.control_comparison import compare_to_control, differences_through_training
from critlab.analysis.statistics import Summary
from critlab.analysis.tables.study_table import StudyTable
from critlab.study.runs.run import Run

MEASURE = "relative_source_variance"
SHARE = f"{MEASURE}_share"


@dataclass(frozen=True)
class SourceShare:
    """The units that answer to one source alone.

    Args:
        value: their share of all units, a fraction, over seeds.
        change: that share minus the clean run's, paired by seed; None where no seed has both.
    """

    value: Summary
    change: Summary | None


@dataclass(frozen=True)
class SourceBalance:
    """The balance of two sources in one arm, at its longest deficit and at the end of training.

    Args:
        arm: the curve.
        at: the point.
        ignored: the source that is ignored, ``"A"`` or ``"B"``; None where the data show none.
        since: the first reading from which on the balance stays on the other source's side; None where none is ignored.
        effect: the change of the balance (share of A minus share of B) against the clean run, paired by seed.
        shares: by source.
        background: whether the clean run has the deficits of the background.
    """

    arm: str
    at: Place
    ignored: str | None
    since: int | None
    effect: Summary
    shares: Mapping[str, SourceShare]
    background: bool


def source_balances(results: StudyTable) -> Iterator[SourceBalance]:
    """The balance of each arm at its longest deficit; nothing where the relative source variance is not measured.

    The balance of a network is the share of the units that answer to A alone less that to B alone (relative source
    variance beyond 0.5). B is ignored where, at the end of training, the balance lies above that of the clean run of
    the same seed, by a 95 % interval that excludes zero; A where below. Where the units of both grow together, as in
    dissociation, neither is.

    Source: ours.
    """
    if MEASURE not in results.study.measures:
        return
    balance = {
        point.arm: (point.at, point.difference)
        for point in compare_to_control(results, SHARE, "A", less="B")
        if point.difference is not None
    }
    shares = {
        source: {(point.arm, point.at): point for point in compare_to_control(results, SHARE, source)}
        for source in "AB"
    }
    runs = {(run.arm, run.at): run for run in reversed(results.study.runs)}
    for arm, (at, change) in balance.items():
        run, lost = runs[arm, at], _ignored(change)
        yield SourceBalance(
            arm=arm,
            at=at,
            ignored=lost,
            since=None if lost is None else _since(results, run, lost),
            effect=change,
            shares={s: SourceShare(of[arm, at].value, of[arm, at].difference) for s, of in shares.items()},
            background=bool(run.background),
        )


def _ignored(balance: Summary) -> str | None:
    """The source that a change of the balance leaves behind; None where its interval holds zero, or is not known."""
    if balance.low is None or balance.high is None:
        return None
    return "B" if balance.low > 0 else "A" if balance.high < 0 else None


def _since(results: StudyTable, run: Run, lost: str) -> int | None:
    """The first reading from which on the balance lies on the spared source's side at each reading."""
    since = None
    for epoch, change in differences_through_training(results, run, SHARE, "A", less="B").items():
        since = None if _ignored(change) != lost else epoch if since is None else since
    return since
