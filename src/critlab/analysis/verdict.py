"""The verdict: does damage remain, when does the period close, and what else could explain the curve?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from critlab.analysis.closing import Closing, closing
from critlab.analysis.confounds.confound import Confound as Confound
from critlab.analysis.confounds.found import confounds
from critlab.analysis.curve import Curve, CurvePoint, Place, curve, equal_total_curve, main_arm
from critlab.analysis.curve_notes import CurveNote
from critlab.analysis.effects.background import BackgroundEffect, background_effect
from critlab.analysis.effects.intervention import InterventionEffect, intervention_effects
from critlab.analysis.guards import Guard, Unconverged, unconverged, unlearned
from critlab.analysis.mixture import Mixture, mixture
from critlab.analysis.sources.ignored_source import SourceBalance, source_balances
from critlab.analysis.sources.source_windows import PrimeWindows, prime_windows
from critlab.analysis.statistics import LEVEL, MINIMUM_SEEDS, Summary, judge, minimum_detectable, summarise
from critlab.analysis.study_table import StudyTable
from critlab.study.sweeps import Sweep

Answer = Literal["present", "absent", "inconclusive"]

Reason = Literal[
    "no_point", "no_pair", "few_seeds", "few_seeds_at_some_points", "diverged", "equal_length", "not_converged"
]
"""Why a verdict is inconclusive, besides its guards: no point to test; no run done together with its control; fewer
seeds than a verdict needs, everywhere or at some points; a run diverged; damage that clean runs of equal length do not
rule out; a control that has not converged, so that longer training may hide damage."""


@dataclass(frozen=True)
class Gain:
    """A point at which the deficit helps significantly; ``effect`` is accuracy minus control, a fraction."""

    at: Place
    effect: Summary


@dataclass(frozen=True)
class EqualDamages:
    """At some points every seed has the same damage, so that the interval has zero width."""


Note = (
    Unconverged
    | Gain
    | EqualDamages
    | InterventionEffect
    | CurveNote
    | Mixture
    | BackgroundEffect
    | SourceBalance
    | PrimeWindows
)
"""What else a reader must know."""


@dataclass(frozen=True)
class Verdict:
    """What a study shows: values only, which ``critlab.report.text`` puts into words.

    Args:
        answer: see :func:`verdict`.
        arm: the curve that was judged.
        sweep: the kind of sweep.
        closing: when the period closes; None unless the answer is ``present``.
        largest: the tested point of largest mean damage; None where nothing was measured.
        p_value: Holm-adjusted, one-sided, of the point ``strongest``; None where nothing could be tested.
        smallest_damage: the smallest damage of interest, a fraction of accuracy.
        minimum_detectable: the damage (a fraction) that a study with these seeds detects with 80 % power; None
            with too few seeds.
        minimum_seeds: the fewest seeds that a verdict needs.
        confounds: other explanations of the damage; none where the answer is ``absent``.
        notes: what else a reader must know: benefits, effects of interventions, diverged and missing runs, the effect
            of the background, a source that the network has come to ignore.
        strongest: the most significant point, to which ``p_value`` belongs.
        guards: what makes the sweep less informative than it seems.
        level: the answer is ``present`` where ``p_value`` is below it.
        damaged: the points of significant damage.
        equal_total: the tested points compared with clean runs of equal length; none where these were not trained.
        reasons: why the answer is ``inconclusive``; none for the other answers.
    """

    answer: Answer
    arm: str
    sweep: Sweep
    closing: Closing | None
    largest: CurvePoint | None
    p_value: float | None
    smallest_damage: float
    minimum_detectable: float | None
    minimum_seeds: int
    confounds: tuple[Confound, ...] = ()
    notes: tuple[Note, ...] = ()
    strongest: CurvePoint | None = None
    guards: tuple[Guard, ...] = ()
    level: float = LEVEL
    damaged: tuple[CurvePoint, ...] = ()
    equal_total: tuple[CurvePoint, ...] = ()
    reasons: tuple[Reason, ...] = ()

    def lines(self) -> list[str]:
        """The verdict in words, one line each, as :func:`critlab.report.text.verdict.verdict_lines` writes it."""
        from critlab.report.text.verdict import verdict_lines

        return verdict_lines(self)


def verdict(results: StudyTable) -> Verdict:
    """Judge the study's own deficit against the first control of each run.

    Present: the Holm-adjusted p value of some removal epoch (onset) for damage above the smallest of interest
    is below 0.025, one-sided; so no point is called damaged whose displayed 95 % interval reaches down to the
    smallest damage. Absent: the upper limit of every such interval lies below the smallest damage, and no run
    with the deficit diverged, since a run that diverged did not recover. Else inconclusive. The control at 0
    and a deficit that is never removed are not tested. Fewer than three seeds are always inconclusive.

    Two guards: where the control learned nothing, there is nothing to damage, and the answer is inconclusive. Where
    clean runs of equal length were trained, absent holds against them too; where they were not, and the control of
    shorter training has not converged, nothing is called absent.

    Error: at most 2.5 % false "present" over the whole sweep for normal differences, whatever the true
    damages up to the smallest of interest. Source: Holm 1979 for the adjustment; thresholds ours.
    """
    return _Case(results, curve(results, main_arm(results))).verdict()


class _Evidence:
    """One curve, judged."""

    def __init__(self, main: Curve, smallest: float) -> None:
        self.tested, self.gaps = main.tested, main.untested
        self.summaries = [point.damages for point in self.tested]
        padding = [0] * len(self.gaps)
        self.judgement = judge(
            [summary.mean for summary in self.summaries] + padding,
            [summary.sd for summary in self.summaries] + padding,
            [summary.n for summary in self.summaries] + padding,
            smallest,
        )
        self.damaged = [p for p, q in zip(self.tested, self.judgement.adjusted, strict=False) if q < LEVEL]
        self.largest = max(self.tested, key=lambda point: point.damage.value, default=None)
        self.testable = [summary for summary in self.summaries if summary.n >= MINIMUM_SEEDS]
        self.absent = bool(self.testable and self.judgement.absent)

    @property
    def strongest(self) -> tuple[CurvePoint, float] | None:
        """The most significant point and its adjusted p value; None where nothing could be tested."""
        pairs = list(zip(self.tested, map(float, self.judgement.adjusted), strict=False))
        known = [(point, p) for point, p in pairs if point.n >= MINIMUM_SEEDS]
        return min(known, key=lambda pair: (pair[1], -pair[0].damage.value), default=None)

    def gains(self) -> Iterator[Gain]:
        """The points at which the deficit helps significantly."""
        for point, p in zip(self.tested, self.judgement.helped, strict=False):
            if p < LEVEL:
                yield Gain(point.at, summarise([-seed.damage for seed in point.seeds]))


class _Case:
    """One study's evidence."""

    def __init__(self, results: StudyTable, main: Curve) -> None:
        self.results, self.main = results, main
        self.smallest = results.study.statistics.smallest_damage
        self.evidence = _Evidence(main, self.smallest)
        self.tested, self.gaps, self.largest = main.tested, main.untested, self.evidence.largest
        self.diverged = sum(p.diverged for p in self.tested) + sum(gap.diverged for gap in self.gaps)
        self.equal = equal_total_curve(results)
        self.unlearned, self.unconverged = unlearned(results), unconverged(results)

    def verdict(self) -> Verdict:
        evidence = self.evidence
        judged = evidence.damaged or ([self.largest] if self.largest else [])
        at = [point.at for point in judged]
        answer, strongest = self.answer(), evidence.strongest
        return Verdict(
            answer=answer,
            arm=self.main.arm,
            sweep=self.main.sweep,
            closing=closing(self.main) if answer == "present" else None,
            largest=self.largest,
            p_value=strongest[1] if strongest else None,
            smallest_damage=self.smallest,
            minimum_detectable=self.detectable(),
            minimum_seeds=MINIMUM_SEEDS,
            confounds=() if answer == "absent" else confounds(self.results, self.main, at),
            notes=tuple(self.notes(at)),
            strongest=strongest[0] if strongest else None,
            guards=tuple(guard for guard in (self.unlearned, self.unconverged) if guard is not None),
            damaged=tuple(evidence.damaged),
            equal_total=self.equal.tested if self.equal else (),
            reasons=tuple(self.reasons()) if answer == "inconclusive" else (),
        )

    def answer(self) -> Answer:
        if self.unlearned is not None:
            return "inconclusive"
        if self.evidence.damaged:
            return "present"
        if self.evidence.absent and not self.diverged and not self.hidden():
            return "absent"
        return "inconclusive"

    def hidden(self) -> bool:
        """Whether longer training may hide damage that the first control does not show."""
        if self.equal is not None and self.equal.tested:
            return not _Evidence(self.equal, self.smallest).absent
        return self.unconverged is not None and self.unconverged.longer

    def detectable(self) -> float | None:
        """From the standard deviation pooled over the testable points, with the fewest seeds among them."""
        testable = self.evidence.testable
        if not testable:
            return None
        freedom = sum(summary.n - 1 for summary in testable)
        pooled = math.sqrt(sum((s.n - 1) * s.sd**2 for s in testable) / freedom)
        return minimum_detectable(pooled, min(summary.n for summary in testable), self.smallest)

    def reasons(self) -> Iterator[Reason]:
        if self.largest is None:
            yield "no_pair" if self.gaps else "no_point"
            return
        if not self.evidence.testable:
            yield "few_seeds"
            return
        if min([point.n for point in self.tested] + [0 for _ in self.gaps]) < MINIMUM_SEEDS:
            yield "few_seeds_at_some_points"
        if self.diverged and self.evidence.absent:
            yield "diverged"
        if self.evidence.absent and not self.diverged and not self.unlearned and self.hidden():
            yield "equal_length" if self.equal is not None and self.equal.tested else "not_converged"

    def notes(self, at: list[Place]) -> Iterator[Note]:
        if self.unconverged is not None:
            yield self.unconverged
        yield from self.evidence.gains()
        if any(summary.sd == 0 for summary in self.evidence.testable):
            yield EqualDamages()
        yield from intervention_effects(self.results, self.main, at)
        yield from self.main.notes
        for found in (mixture(self.results), background_effect(self.results)):
            if found is not None:
                yield found
        yield from source_balances(self.results)
        windows = prime_windows(self.results)
        if windows is not None:
            yield windows
