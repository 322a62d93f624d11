"""Scores of a rule on the held-out trainings, with intervals over trainings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from critlab.bench.judging import Judged
from critlab.bench.trainings import SMALLEST

Floats = NDArray[np.float64]

PROMISE = 0.95
"""Share of the windows after *closed* whose damage must be below the smallest of interest."""

FEWEST = 30
"""Windows on the trainings that are not held out that must lie below a threshold before the bench chooses it."""

DRAWS, LEVEL = 400, 0.95
"""Draws of trainings with replacement, and the level of the intervals."""


@dataclass(frozen=True)
class Score:
    """A score and its interval over trainings.

    Args:
        value: NaN where it is not defined, such as a share of no window.
        low: the lower end at 95 %.
        high: the upper end.
    """

    value: float
    low: float
    high: float


UNKNOWN = Score(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Scores:
    """How a rule does.

    Args:
        pooled: rank correlation (Spearman) of sensitivity and lasting damage over all windows.
        rate_held: the same with the learning rate at the onset held: partial, on ranks.
        matched: rank correlation with the damage at matched rates.
        r2: of the damage that the sensitivity predicts, against the mean; negative where the mean is better.
        kept: share of the windows after *closed* whose damage is below the smallest of interest.
        worst: the largest damage after *closed*.
        closed: share of the windows before which the rule said *closed*.
        null_open: share of the identity's windows before which it said *open*; NaN for a number without a threshold,
            which says neither open nor closed.
        coverage: share of the damages inside the rule's interval; NaN without one.
        spent: epochs of forks for one deficit, as a share of the training, the mean.
        windows: how many were scored.
        trainings: of how many trainings.
        own_states: whether open and closed are the rule's own words; else the bench chose the threshold.
    """

    pooled: Score
    rate_held: Score
    matched: Score
    r2: Score
    kept: Score
    worst: float
    closed: Score
    null_open: Score
    coverage: Score
    spent: float
    windows: int
    trainings: int
    own_states: bool


def scores(found: Judged, seed: int = 0, draws: int = DRAWS) -> Scores:
    """The scores of one rule.

    What a number means, and below which it says closed, is learned on the trainings that are not held out; all scores
    are of those that are.

    Args:
        found: every row of the bench.
        seed: of the draws of trainings.
        draws: how many.

    Error: intervals are percentiles over draws of the held-out trainings with replacement.
    """
    known, new = found.of(~found.held_out), found.of(found.held_out)
    own = bool((found.state != "").all())
    intervals = np.array([row.answer.high - row.answer.low for row in found.rows])
    forecasting = bool(np.isfinite(intervals).all())
    predicted = new.sensitivity if forecasting else calibration(known)(new.sensitivity)
    limit = threshold(known)
    answers = own or np.isfinite(limit)
    closed = new.state == "closed" if own else new.sensitivity <= limit
    is_open = new.state == "open" if own else new.sensitivity > limit
    deficits = ~new.null
    one = _Scored(
        new.sensitivity,
        new.damage,
        new.column("matched"),
        new.column("rate"),
        predicted,
        np.array([row.answer.low <= row.damage <= row.answer.high for row in new.rows]),
        closed,
        is_open,
        deficits,
    )
    drawn_rows = _draws(new.training, seed, draws)

    def score(of: Callable[[_Scored, NDArray[np.intp]], float]) -> Score:
        everything = np.arange(len(new.training))
        drawn = np.array([of(one, rows) for rows in drawn_rows])
        finite = drawn[np.isfinite(drawn)]
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(finite, [tail, 1 - tail]) if len(finite) else (np.nan, np.nan)
        return Score(of(one, everything), float(low), float(high))

    after = new.damage[closed & deficits]
    return Scores(
        pooled=score(_pooled),
        rate_held=score(_rate_held),
        matched=score(_matched),
        r2=score(_r2),
        kept=score(_kept),
        worst=float(after.max()) if len(after) else float("nan"),
        closed=score(lambda one, rows: _share(one.closed[rows], one.deficits[rows])),
        null_open=score(lambda one, rows: _share(one.is_open[rows], ~one.deficits[rows])) if answers else UNKNOWN,
        coverage=score(_coverage) if forecasting else UNKNOWN,
        spent=float(new.column("spent").mean()),
        windows=int(deficits.sum()),
        trainings=len(set(new.training.tolist())),
        own_states=own,
    )


def calibration(known: Judged) -> Callable[[Floats], Floats]:
    """The monotone regression from sensitivity to damage, learned on the given rows; constant beyond them."""
    from scipy.optimize import isotonic_regression

    rows = ~known.null
    order = np.argsort(known.sensitivity[rows], kind="stable")
    at = known.sensitivity[rows][order]
    fitted = isotonic_regression(known.damage[rows][order]).x
    return lambda new: np.asarray(np.interp(new, at, fitted))


def threshold(known: Judged) -> float:
    """The largest sensitivity below which damage kept the promise on the given rows; minus infinity without one."""
    rows = ~known.null
    order = np.argsort(known.sensitivity[rows], kind="stable")
    at = known.sensitivity[rows][order]
    small = np.cumsum(known.damage[rows][order] < SMALLEST) / np.arange(1, len(order) + 1)
    # windows of equal sensitivity are below a threshold together
    last = np.append(at[1:] > at[:-1], True)
    allowed = np.flatnonzero((small >= PROMISE) & last & (np.arange(1, len(order) + 1) >= FEWEST))
    return float(at[allowed[-1]]) if len(allowed) else -np.inf


def spearman(one: Floats, other: Floats) -> float:
    """Rank correlation; 0 where either side is constant."""
    return _pearson(_ranks(one), _ranks(other))


def partial_spearman(one: Floats, other: Floats, held: Floats) -> float:
    """Rank correlation of what ranks leave when a straight line in the ranks of ``held`` is taken out of both."""
    ranks = _ranks(held)
    design = np.stack([np.ones(len(ranks)), ranks], 1)
    left = [_ranks(values) for values in (one, other)]
    left = [values - design @ np.linalg.lstsq(design, values, rcond=None)[0] for values in left]
    # what the held side explains in full leaves rounding alone
    return 0.0 if min(np.std(values) for values in left) < 1e-8 * len(ranks) else _pearson(*left)


@dataclass(frozen=True)
class _Scored:
    """Columns of the held-out rows."""

    sensitivity: Floats
    damage: Floats
    matched: Floats
    rate: Floats
    predicted: Floats
    inside: NDArray[np.bool_]
    closed: NDArray[np.bool_]
    is_open: NDArray[np.bool_]
    deficits: NDArray[np.bool_]


def _pooled(one: _Scored, rows: NDArray[np.intp]) -> float:
    kept = rows[one.deficits[rows]]
    return spearman(one.sensitivity[kept], one.damage[kept])


def _rate_held(one: _Scored, rows: NDArray[np.intp]) -> float:
    kept = rows[one.deficits[rows]]
    return partial_spearman(one.sensitivity[kept], one.damage[kept], one.rate[kept])


def _matched(one: _Scored, rows: NDArray[np.intp]) -> float:
    kept = rows[one.deficits[rows]]
    return spearman(one.sensitivity[kept], one.matched[kept])


def _r2(one: _Scored, rows: NDArray[np.intp]) -> float:
    kept = rows[one.deficits[rows]]
    damage = one.damage[kept]
    return float(1 - ((damage - one.predicted[kept]) ** 2).sum() / ((damage - damage.mean()) ** 2).sum())


def _kept(one: _Scored, rows: NDArray[np.intp]) -> float:
    return _share(one.damage[rows] < SMALLEST, one.closed[rows] & one.deficits[rows])


def _coverage(one: _Scored, rows: NDArray[np.intp]) -> float:
    return _share(one.inside[rows], one.deficits[rows])


def _share(what: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    return float(what[of].mean()) if of.any() else float("nan")


def _draws(training: NDArray[np.str_], seed: int, draws: int) -> list[NDArray[np.intp]]:
    """Rows of as many trainings as there are, drawn with replacement."""
    rows = [np.flatnonzero(training == name) for name in sorted(set(training.tolist()))]
    random = np.random.default_rng(seed)
    return [np.concatenate([rows[place] for place in random.integers(0, len(rows), len(rows))]) for _ in range(draws)]


def _ranks(values: Floats) -> Floats:
    """Mean ranks of equal values."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)


def _pearson(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size > 0 else 0.0
