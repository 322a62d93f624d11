"""Curves: final score and damage at every point of a sweep, paired by seed, with intervals of each point alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.terminal.shown import Shown
from critlab.analysis.curve_notes import (
    ControlPoint,
    CurveNote,
    Diverged,
    MixedMachines,
    NeverRemoved,
    SingleSeed,
    Unfinished,
)
from critlab.analysis.curve_points import CurvePoint, Gap, SeedPoint
from critlab.analysis.judgement.mixture import is_mixed
from critlab.analysis.statistics import scale_of, summarise
from critlab.analysis.tables.study_table import CURVE_ROLES as CURVE_ROLES
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.test_images import image_variance, least_sd
from critlab.learning_tasks.metric import ACCURACY, Metric
from critlab.study.runs.estimands import Terms
from critlab.study.runs.run import Run
from critlab.study.sweeps import Sweep
from critlab.study.types import Place as Place

AGAINST = ("first", "plain", "restarted", "same_clock", "intervened", "equal_total", "undisturbed")
_ORIGINS = {"undisturbed": "undisturbed_control"}
"""Which clean run the point at 0 of a removal sweep is counted from, where it is not the control itself."""


@dataclass(frozen=True, repr=False)
class Curve(Shown):
    """The points of one arm, in the order of the sweep.

    Args:
        arm: which curve.
        sweep: the kind of sweep, which knows what its points are.
        clock: which clock the learning rate follows after the deficit.
        against: which clean runs damage is counted from.
        points: those with at least one seed. In a removal sweep the first is the control itself at 0, whose
            damage is 0 by definition.
        gaps: those without any.
        notes: what a reader of the curve must know.
        metric: in which scores and damage are measured.
    """

    arm: str
    sweep: Sweep
    clock: str
    against: str
    points: tuple[CurvePoint, ...]
    gaps: tuple[Gap, ...] = ()
    notes: tuple[CurveNote, ...] = ()
    metric: Metric = ACCURACY

    def __iter__(self) -> Iterator[CurvePoint]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def tested(self) -> tuple[CurvePoint, ...]:
        """The points that a verdict is about: not the control itself, nor a deficit that is never removed."""
        return tuple(point for point in self.points if self._is_tested(point.at))

    @property
    def untested(self) -> tuple[Gap, ...]:
        """The gaps among the points that a verdict is about."""
        return tuple(gap for gap in self.gaps if self._is_tested(gap.at))

    def _is_tested(self, at: Place) -> bool:
        return self.sweep.tested(at)

    def rows(self) -> list[dict[str, Any]]:
        """One plain dictionary a point, gaps included; what is not known (limits for one seed) is None.

        The score goes by the name of the metric, such as ``accuracy``, with ``accuracy_low`` and ``train_accuracy``.
        """
        found: list[dict[str, Any]] = []
        name = self.metric.name
        for point in self.points:
            known = point.n > 1
            found.append(
                {
                    "arm": self.arm,
                    "at": point.at,
                    "n": point.n,
                    name: point.score.value,
                    f"{name}_low": point.score_low,
                    f"{name}_high": point.score_high,
                    self.metric.train: point.train_score.value if point.train_score else None,
                    "control": point.control.value,
                    "damage": point.damage.value,
                    "damage_stderr": point.damage.stderr if known else None,
                    "low": point.low,
                    "high": point.high,
                    "diverged": point.diverged,
                    "missing": point.missing,
                }
            )
        keys = list(found[0]) if found else ["arm", "at", "n", "diverged", "missing"]
        for gap in self.gaps:
            empty = dict.fromkeys(keys)
            counts = {"n": 0, "diverged": gap.diverged, "missing": gap.missing}
            found.append({**empty, "arm": self.arm, "at": gap.at, **counts})
        return sorted(found, key=lambda row: order(row["at"]))


def order(at: Place) -> float:
    """Where a place of a sweep stands: ``"never"`` comes last."""
    return float("inf") if at == "never" else at


def curve(results: StudyTable, arm: str | None = None, against: str = "first") -> Curve:
    """The curve of one arm; see :meth:`StudyTable.curve`.

    Only seeds of which the run and its control are both done enter the means. A diverged run has no final
    score; it is counted at its point and said in the notes: a mean over the survivors flatters the arm.

    Raises:
        StudyError: there is no such arm, or it has no such controls.
    """
    study = results.study
    runs = _runs(results, arm, against)
    arm = arm or main_arm(results)
    clock = next((run.clock for run in runs if run.at != "never"), study.optimizer.clock)
    found: list[CurvePoint | Gap] = []
    if study.sweep.origin is not None:
        plain = next(run for run in study.runs if run.role == "control")
        held = next(run for run in study.runs if run.role == _ORIGINS.get(against, "control"))
        found.append(compare(results, study.sweep.origin, plain, held))
    for run in sorted(runs, key=lambda run: order(run.at)):
        control = _control(run, against)
        if control is not None:
            found.append(compare(results, run.at, run, results.run_named[control]))
    found.sort(key=lambda place: order(place.at))
    points = tuple(point for point in found if isinstance(point, CurvePoint))
    gaps = tuple(gap for gap in found if isinstance(gap, Gap))
    notes = tuple(_notes(study.sweep, against, points, gaps))
    return Curve(arm, study.sweep, clock, against, points, gaps, notes, results.metric)


def equal_total_curve(results: StudyTable) -> Curve | None:
    """The main arm against clean runs of equal length; None where none were asked for."""
    arm = main_arm(results)
    kinds = {kind for run in results.arms.get(arm, ()) for kind, _ in run.controls}
    return curve(results, arm, "equal_total") if "equal_total" in kinds else None


def main_arm(results: StudyTable) -> str:
    """The arm of the study's own deficit."""
    named = (run.arm for run in results.study.runs if run.role == "deficit")
    return next(named, results.study.treatment_label)


def _runs(results: StudyTable, arm: str | None, against: str) -> tuple[Run, ...]:
    if against not in AGAINST:
        raise StudyError(f"against: received {against!r}; must be one of {', '.join(AGAINST)}")
    main = main_arm(results)
    chosen = main if arm is None else arm
    if chosen not in results.arms and chosen != main:
        raise StudyError(f"arm: received {arm!r}; must be one of {', '.join(dict.fromkeys([main, *results.arms]))}")
    runs = results.arms.get(chosen, ())
    if runs and not any(_control(run, against) for run in runs):
        there = ", ".join(dict.fromkeys(["first", *(kind for run in runs for kind, _ in run.controls)]))
        raise StudyError(f"against: received {against!r}; the runs of {runs[0].arm} have {there}")
    return runs


def _control(run: Run, against: str) -> str | None:
    if against == "first":
        return run.controls[0].control
    return next((name for kind, name in run.controls if kind == against), None)


def compare(results: StudyTable, at: Place, run: Run, control: Run) -> CurvePoint | Gap:
    """``run`` against ``control`` over the seeds of which both are done, as the point at ``at``."""
    finals, outcomes, metric = results.final_scores, results.outcome_named, results.metric
    seeds: list[SeedPoint] = []
    diverged = mixed = 0
    for seed in sorted(results.study.seeds):
        own, clean = finals.get(run.identifier(seed)), finals.get(control.identifier(seed))
        outcome = outcomes.get(run.identifier(seed))
        diverged += outcome is not None and outcome.status == "diverged"
        if own and clean:
            gap = None if own[1] is None or clean[1] is None else metric.loss(clean[1], own[1])
            train = None if gap is None else own[1]
            mixed += is_mixed(results, run, control, seed)
            seeds.append(SeedPoint(seed, own[0], clean[0], metric.loss(clean[0], own[0]), train, gap))
    missing = len(results.study.seeds) - len(seeds) - diverged
    if not seeds:
        return Gap(at, diverged, missing)
    point = _point(results, at, tuple(seeds), run.name, control.name)
    return replace(point, diverged=diverged, missing=missing, mixed=mixed)


def _point(results: StudyTable, at: Place, seeds: tuple[SeedPoint, ...], run: str, control: str) -> CurvePoint:
    terms: Terms = () if run == control else ((1, control), (-1, run))
    least = least_sd(results) if terms else 0.0
    least_of_score, least_of_training = least_sd(results, 1), least_sd(results, 1, "train")
    of_damage, of_score, of_control = (image_variance(results, one) for one in (terms, ((1, run),), ((1, control),)))
    scale = scale_of([value for one in seeds for value in (one.score, one.control)])
    score = summarise([one.score for one in seeds], least_of_score, of_score, scale=scale)
    damages = summarise([one.damage for one in seeds], least, of_damage, scale=scale)
    clean = summarise([one.control for one in seeds], least_of_score, of_control, scale=scale)
    trained = [seed.train_score for seed in seeds if seed.train_score is not None]
    train = summarise(trained, least_of_training).estimate if len(trained) == len(seeds) else None
    return CurvePoint(
        at=at,
        n=len(seeds),
        score=score.estimate,
        score_low=score.low,
        score_high=score.high,
        train_score=train,
        control=clean.estimate,
        damage=damages.estimate,
        low=damages.low,
        high=damages.high,
        seeds=seeds,
        least_sd=least,
        least_sd_of_score=least_of_score,
        terms=terms,
        image_variance=of_damage,
        image_variance_of_control=of_control,
    )


def _notes(sweep: Sweep, against: str, points: tuple[CurvePoint, ...], gaps: tuple[Gap, ...]) -> Iterator[CurveNote]:
    for control in (point for point in points if point.at == sweep.origin):
        yield ControlPoint(control.at, control.n, against in _ORIGINS)
    if any(point.at == "never" for point in points) and not sweep.asks_when:
        yield NeverRemoved()
    places: list[CurvePoint | Gap] = [*points, *gaps]
    if diverged := sum(place.diverged for place in places):
        yield Diverged(diverged)
    if missing := sum(place.missing for place in places):
        yield Unfinished(missing)
    if mixed := sum(point.mixed for point in points):
        yield MixedMachines(mixed)
    if any(point.n == 1 for point in points):
        yield SingleSeed()
