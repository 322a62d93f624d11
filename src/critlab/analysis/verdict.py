"""The verdict: does damage remain, when does the period close, and what else could explain the curve?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from critlab.analysis.closing import Closing, closing
from critlab.analysis.confounds.confound import Confound as Confound
from critlab.analysis.confounds.found import confounds
from critlab.analysis.curve import Curve, CurvePoint, curve, equal_total_curve, main_arm
from critlab.analysis.effects.background import background_cost
from critlab.analysis.effects.intervention import intervention_effect
from critlab.analysis.guards import Guard, guard_words, unconverged, unlearned
from critlab.analysis.mixture import mixture, mixture_lines
from critlab.analysis.sources.ignored_source import ignored_sources
from critlab.analysis.sources.source_windows import window_note
from critlab.analysis.statistics import LEVEL, MINIMUM_SEEDS, judge, minimum_detectable, summarise
from critlab.analysis.wording import described, effect, places, points, probability

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
        p_value: Holm-adjusted, one-sided, of the point ``strongest``; None where nothing could be tested.
        smallest_damage: the smallest damage of interest, a fraction of accuracy.
        minimum_detectable: the damage (a fraction) that these seeds would call present with 80 % power; None
            with too few seeds.
        minimum_seeds: the fewest seeds that can say present.
        confounds: other explanations of the damage; none where the answer is ``absent``.
        notes: what else a reader must know: benefits, what interventions mend, diverged and missing runs, what the
            background costs, a source that the network has come to ignore.
        strongest: the most significant point, to which ``p_value`` belongs.
        guards: what makes the sweep say less than it seems to; the sentence or a note says it in words.
        level: below which ``p_value`` says present.
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
    strongest: CurvePoint | None = None
    guards: tuple[Guard, ...] = ()
    level: float = LEVEL

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

    Two guards: where the control learned nothing, there is nothing to damage, and the answer is inconclusive. Where
    clean runs of equal length were trained, absent holds against them too; where they were not, and the control of
    shorter training has not converged, nothing is called absent.

    Error: at most 2.5 % false "present" over the whole sweep for normal differences, whatever the true
    damages up to the smallest of interest. Source: DESIGN, Statistics; Holm 1979; thresholds ours.
    """
    main = curve(results, main_arm(results))
    return _Case(results, main).verdict()


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


class _Case:
    """One study's evidence, laid out for its sentences."""

    def __init__(self, results: Results, main: Curve) -> None:
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
        answer, strongest = self.answer(), evidence.strongest
        return Verdict(
            answer=answer,
            sentence=self.sentence(answer),
            closing=closing(self.main) if answer == "present" else None,
            largest=self.largest,
            p_value=strongest[1] if strongest else None,
            smallest_damage=self.smallest,
            minimum_detectable=self.detectable(),
            minimum_seeds=MINIMUM_SEEDS,
            confounds=() if answer == "absent" else confounds(self.results, self.main, [p.at for p in judged]),
            notes=(
                *self.notes(),
                *intervention_effect(self.results, self.main, [p.at for p in judged]),
                *self.main.notes,
                *mixture_lines(mixture(self.results)),
                *background_cost(self.results),
                *(f"{point.arm} at {point.at}: {words}." for point, words in ignored_sources(self.results)),
                *window_note(self.results),
            ),
            strongest=strongest[0] if strongest else None,
            guards=tuple(guard for guard in (self.unlearned, self.unconverged) if guard is not None),
        )

    def answer(self) -> Answer:
        if self.unlearned is not None:
            return "inconclusive"
        if self.evidence.damaged:
            return "present"
        if self.evidence.absent and not self.diverged and not self.hidden():
            return "absent"
        return "inconclusive"

    def hidden(self) -> str:
        """Why longer training may hide damage that the first control does not show; empty where it does not."""
        if self.equal is not None and self.equal.tested:
            if _Evidence(self.equal, self.smallest).absent:
                return ""
            return "against clean runs of equal length damage is not ruled out"
        if self.unconverged is not None and self.unconverged.longer:
            return f"{guard_words(self.unconverged)}"
        return ""

    def detectable(self) -> float | None:
        """From the standard deviation pooled over the testable points, with the fewest seeds among them."""
        testable = self.evidence.testable
        if not testable:
            return None
        freedom = sum(summary.n - 1 for summary in testable)
        pooled = math.sqrt(sum((s.n - 1) * s.sd**2 for s in testable) / freedom)
        return minimum_detectable(pooled, min(summary.n for summary in testable), self.smallest)

    def sentence(self, answer: Answer) -> str:
        if self.largest is None:
            planned = "no pair of run and control that is done" if self.gaps else "no point to test"
            return f"Inconclusive: the sweep has {planned}."
        matter = f"the smallest damage of interest, {points(self.smallest)}"
        if answer == "present":
            worst = max(self.evidence.damaged, key=lambda point: point.damage.value)
            said = f"Present: {self.describe(worst)}, above {matter} (most significant point: {self.significance()})"
            return "; ".join([said, *self.of_equal_length(worst)]) + "."
        if answer == "absent":
            said = f"Absent: every interval lies below {matter}"
            return "; ".join([said, self.at_most(), *self.of_equal_length(self.largest)]) + "."
        parts = [*([guard_words(self.unlearned)] if self.unlearned else []), self.describe(self.largest)]
        return f"Inconclusive: {'; '.join([*parts, *self.of_equal_length(self.largest), *self.reasons()])}."

    def describe(self, point: CurvePoint) -> str:
        place = self.main.sweep.words.from_to
        return f"{self.main.arm} {place} {point.at} {effect(point.damages)}"

    def at_most(self) -> str:
        """The largest damage, which may be a gain."""
        assert self.largest is not None, "a sweep that is absent has points"
        words = self.describe(self.largest)
        return f"the largest damage: {words}" if " costs " in words else f"no point has damage in the mean: {words}"

    def of_equal_length(self, point: CurvePoint) -> Iterator[str]:
        """The same point, and the worst one where that is another, against clean runs of equal length."""
        if self.equal is None or not self.equal.tested:
            return
        worst = max(self.equal.tested, key=lambda other: other.damage.value)
        same = next((other for other in self.equal.tested if other.at == point.at), None)
        if same is not None:
            yield f"against clean runs of equal length it {effect(same.damages)}"
        if worst is not same:
            where = places(self.main.sweep, [worst.at])
            yield f"against these the largest damage is at {where}: it {effect(worst.damages)}"

    def significance(self) -> str:
        """The most significant point, its p value, and the level at which that decides."""
        strongest = self.evidence.strongest
        assert strongest is not None, "asked for only where some point was tested"
        where = places(self.main.sweep, [strongest[0].at])
        return f"{where}, Holm-adjusted {probability(strongest[1])}, one-sided, level {LEVEL:g}"

    def reasons(self) -> Iterator[str]:
        fewest = min([point.n for point in self.tested] + [0 for _ in self.gaps])
        if not self.evidence.testable:
            yield f"a verdict takes at least {MINIMUM_SEEDS} seeds that are done"
            return
        if fewest < MINIMUM_SEEDS:
            yield f"some points have fewer than the {MINIMUM_SEEDS} seeds that a verdict takes"
        if self.diverged and self.evidence.absent:
            yield "the damage is small wherever a run ended, but a run that diverged did not recover"
        if self.evidence.absent and not self.diverged and not self.unlearned and (hidden := self.hidden()):
            yield hidden
        yield f"the most significant point is {self.significance()}"
        detectable = self.detectable()
        if detectable is not None and not self.unlearned:
            yield f"these seeds would call {points(detectable)} present with 80 % probability"

    def notes(self) -> Iterator[str]:
        if self.unconverged is not None:
            words = guard_words(self.unconverged, self.equal is not None)
            yield f"{words[0].upper()}{words[1:]}."
        helped: Sequence[CurvePoint] = [
            point for point, p in zip(self.tested, self.evidence.judgement.helped, strict=False) if p < LEVEL
        ]
        for point in helped:
            where = places(self.main.sweep, [point.at])
            gain = summarise([-seed.damage for seed in point.seeds])
            yield f"At {where} the deficit helps: it gains {described(gain, of='accuracy')}."
        if any(summary.sd == 0 for summary in self.evidence.testable):
            yield "Some points have the same damage for every seed, hence intervals of zero width."
