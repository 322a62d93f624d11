"""The verdict: does damage remain, when does the period close, and what else could explain the curve?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from critlab.analysis.background import background_cost
from critlab.analysis.closing import Closing, closing
from critlab.analysis.confound import Confound as Confound
from critlab.analysis.confounds import confounds
from critlab.analysis.curve import Curve, CurvePoint, curve, main_arm
from critlab.analysis.ignored_source import ignored_sources
from critlab.analysis.inference import LEVEL, MINIMUM_SEEDS, judge, minimum_detectable, summarise
from critlab.analysis.mending import mending
from critlab.analysis.source_windows import window_note
from critlab.analysis.wording import described, places, points, probability

if TYPE_CHECKING:
    from critlab.analysis.results import Results

Answer = Literal["present", "absent", "inconclusive"]


@dataclass(frozen=True)
class Verdict:
    """What a study says.

    Args:
        answer: see :func:`verdict`.
        sentence: the answer in words, with its numbers.
        closing: when the period closes; None unless the answer is ``present``.
        largest: the tested point of largest mean damage; None where nothing was measured.
        p_value: Holm-adjusted, one-sided, of the most significant point; None where nothing could be tested.
        smallest_damage: the smallest damage of interest, a fraction of accuracy.
        minimum_detectable: the damage (a fraction) that these seeds would call present with 80 % power; None
            with too few seeds.
        minimum_seeds: the fewest seeds that can say present.
        confounds: other explanations of the damage; none where the answer is ``absent``.
        notes: what else a reader must know: benefits, what interventions mend, diverged and missing runs, what the
            background costs, a source that the network has come to ignore.
    """

    answer: Answer
    sentence: str
    closing: Closing | None
    largest: CurvePoint | None
    p_value: float | None
    smallest_damage: float
    minimum_detectable: float | None
    minimum_seeds: int
    confounds: tuple[Confound, ...] = ()
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Plain text for a terminal, one line each."""
        found = [self.sentence]
        if self.closing is not None:
            found.append(self.closing.sentence)
        found += [f"{confound.name} ({confound.status}): {confound.sentence}" for confound in self.confounds]
        return [*found, *self.notes]


def verdict(results: Results) -> Verdict:
    """Judges the study's own deficit against the first control of each run.

    Present: the Holm-adjusted p value of some removal epoch (onset) for damage above the smallest of interest
    is below 0.025, one-sided; so no point is called damaged whose displayed 95 % interval reaches down to the
    smallest damage. Absent: the upper limit of every such interval lies below the smallest damage, and no run
    with the deficit diverged, since a run that diverged did not recover. Else inconclusive. The control at 0
    and a deficit that is never removed are not tested. Fewer than three seeds are always inconclusive.

    Error: at most 2.5 % false "present" over the whole sweep for normal differences, whatever the true
    damages up to the smallest of interest. Source: DESIGN, Statistics; Holm 1979; thresholds ours.
    """
    main = curve(results, main_arm(results))
    return _Case(results, main).verdict()


class _Case:
    """One study's evidence, laid out for its sentences."""

    def __init__(self, results: Results, main: Curve) -> None:
        self.results, self.main = results, main
        self.smallest = results.study.statistics.smallest_damage
        self.tested = main.tested
        self.gaps = main.untested
        summaries = [point.damages for point in self.tested]
        padding = [0] * len(self.gaps)
        self.judgement = judge(
            [summary.mean for summary in summaries] + padding,
            [summary.sd for summary in summaries] + padding,
            [summary.n for summary in summaries] + padding,
            self.smallest,
        )
        self.damaged = [p for p, q in zip(self.tested, self.judgement.adjusted, strict=False) if q < LEVEL]
        self.largest = max(self.tested, key=lambda point: point.damage.value, default=None)
        self.testable = [summary for summary in summaries if summary.n >= MINIMUM_SEEDS]
        self.diverged = sum(p.diverged for p in self.tested) + sum(gap.diverged for gap in self.gaps)

    def verdict(self) -> Verdict:
        judged = self.damaged or ([self.largest] if self.largest else [])
        answer = self.answer()
        p_value = float(np.min(self.judgement.adjusted)) if self.testable else None
        return Verdict(
            answer=answer,
            sentence=self.sentence(answer, p_value),
            closing=closing(self.main) if answer == "present" else None,
            largest=self.largest,
            p_value=p_value,
            smallest_damage=self.smallest,
            minimum_detectable=self.detectable(),
            minimum_seeds=MINIMUM_SEEDS,
            confounds=() if answer == "absent" else confounds(self.results, self.main, [p.at for p in judged]),
            notes=(
                *self.notes(),
                *mending(self.results, self.main, [p.at for p in judged]),
                *self.main.notes,
                *background_cost(self.results),
                *(f"{point.arm} at {point.at}: {words}." for point, words in ignored_sources(self.results)),
                *window_note(self.results),
            ),
        )

    def answer(self) -> Answer:
        if self.damaged:
            return "present"
        if self.testable and self.judgement.absent and not self.diverged:
            return "absent"
        return "inconclusive"

    def detectable(self) -> float | None:
        """From the standard deviation pooled over the testable points, with the fewest seeds among them."""
        if not self.testable:
            return None
        freedom = sum(summary.n - 1 for summary in self.testable)
        pooled = math.sqrt(sum((s.n - 1) * s.sd**2 for s in self.testable) / freedom)
        return minimum_detectable(pooled, min(summary.n for summary in self.testable), self.smallest)

    def sentence(self, answer: Answer, p_value: float | None) -> str:
        if self.largest is None:
            planned = "no pair of run and control that is done" if self.gaps else "no point to test"
            return f"Inconclusive: the sweep has {planned}."
        matter = f"the smallest damage of interest, {points(self.smallest)}"
        if answer == "present" and p_value is not None:
            worst = max(self.damaged, key=lambda point: point.damage.value)
            return (
                f"Present: {self.describe(worst)}, above {matter} "
                f"(most significant point: Holm-adjusted {probability(p_value)}, one-sided)."
            )
        if answer == "absent":
            said = f"Absent: every interval lies below {matter}"
            return f"{said}; the largest damage: {self.describe(self.largest)}."
        return f"Inconclusive: {'; '.join([self.describe(self.largest), *self.reasons()])}."

    def describe(self, point: CurvePoint) -> str:
        place = "until epoch" if self.main.kind == "removal" else "from epoch"
        return f"{self.main.arm} {place} {point.at} costs {described(point.damages, of='accuracy')}"

    def reasons(self) -> Iterator[str]:
        fewest = min([point.n for point in self.tested] + [0 for _ in self.gaps])
        if not self.testable:
            yield f"a verdict takes at least {MINIMUM_SEEDS} seeds that are done"
            return
        if fewest < MINIMUM_SEEDS:
            yield f"some points have fewer than the {MINIMUM_SEEDS} seeds that a verdict takes"
        if self.diverged and self.judgement.absent:
            yield "the damage is small wherever a run ended, but a run that diverged did not recover"
        detectable = self.detectable()
        if detectable is not None:
            yield f"these seeds would call {points(detectable)} present with 80 % probability"

    def notes(self) -> Iterator[str]:
        helped: Sequence[CurvePoint] = [
            point for point, p in zip(self.tested, self.judgement.helped, strict=False) if p < LEVEL
        ]
        for point in helped:
            where = places(self.main.kind, [point.at])
            gain = summarise([-seed.damage for seed in point.seeds])
            yield f"At {where} the deficit helps: it gains {described(gain, of='accuracy')}."
        if any(summary.sd == 0 for summary in self.testable):
            yield "Some points have the same damage for every seed, hence intervals of zero width."
