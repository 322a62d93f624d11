"""Calibrate the decisions on a study's design: simulate null and planted studies, and judge them as real ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from zlib import crc32

import numpy as np
from numpy.random import Generator

from critlab.analysis.calibration.closings import closing_rows
from critlab.analysis.calibration.design import Design, design_of
from critlab.analysis.calibration.judging import CALM, DEVIATION, Law, Outcome, Simulated, outcome, simulate
from critlab.analysis.calibration.noise import IMAGES, NOISES, NORMAL
from critlab.analysis.calibration.results import (
    Calibration,
    CoverageRow,
    FailingRow,
    NullRow,
    PowerRow,
    Rate,
    Seeds,
)
from critlab.analysis.calibration.truths import Truth, nulls
from critlab.analysis.statistics.sequential import look_level
from critlab.analysis.statistics.summary import RESOLUTION
from critlab.study.runs.sequential import STANDARD
from critlab.study.study import Study

DAMAGES = (0.02, 0.03, 0.04, 0.06)
"""Planted harm, fractions; a run has a deviation of 0.01."""

PLACES = ("last", "step", "smooth")

COVERED = ("step", "smooth", "plateau")

FAILING = (0.1, 0.2, 0.5)
"""Shares of seeds that fail."""

Progress = Callable[[int, int], None]


def calibrate(
    studies: Sequence[Study],
    counts: Sequence[int],
    repeats: int,
    seed: int = 0,
    sequential: tuple[int, ...] | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Error rates, power and coverage of the designs of ``studies``.

    Every simulated study is judged by
    :func:`critlab.analysis.judgement.decision.decide`, and its closing read by the functions behind
    :func:`critlab.analysis.closing.closing`.

    Args:
        studies: whose runs, contrasts and smallest damage of interest are simulated. Seeds vary by a standard deviation
            of one point of accuracy; in simulations about "absent" of 0.3 points. In a metric that is not shown in
            points, the smallest damage of interest takes the place of a point.
        counts: fixed numbers of seeds.
        repeats: simulated studies for each row.
        seed: of all random numbers.
        sequential: looks of the sequential design; by default 3 to 20 seeds.
        progress: called with the number of finished parts and of all.

    Error: binomial, see :attr:`Rate.stderr`. Cost: about 20 seconds a thousand repeats for one study with one number of
    seeds, half of it for the sequential design.
    """
    designs = [design_of(study) for study in studies]
    plan = sequential or STANDARD.counts
    parts = [_Part(design, repeats, seed, plan) for design in designs]
    jobs = [job for part in parts for job in part.jobs(counts)]
    done = []
    for finished, job in enumerate(jobs):
        if progress:
            progress(finished, len(jobs))
        done += list(job())
    return Calibration(
        studies=repeats,
        seed=seed,
        designs=tuple(design.name for design in designs),
        metrics={design.name: design.study.metric for design in designs},
        looks=plan,
        level=look_level(plan),
        nulls=tuple(row for row in done if isinstance(row, NullRow)),
        power=tuple(row for row in done if isinstance(row, PowerRow)),
        coverage=tuple(row for row in done if isinstance(row, CoverageRow)),
        failing=tuple(row for row in done if isinstance(row, FailingRow)),
    )


Row = NullRow | PowerRow | CoverageRow | FailingRow


class _Part:
    """The simulations of one design."""

    def __init__(self, design: Design, repeats: int, seed: int, plan: tuple[int, ...]) -> None:
        self.design, self.repeats, self.seed, self.plan = design, repeats, seed, plan
        self.smallest = design.smallest
        self.decides = "critical" in design.kinds

    def jobs(self, counts: Sequence[int]) -> Iterator[Callable[[], Iterator[Row]]]:
        for at in dict.fromkeys((*((count,) for count in counts), self.plan)):
            for truth in nulls(self.smallest):
                yield partial(self.null_rows, truth, at)
            yield partial(self.power_rows, at)
            yield partial(self.coverage_rows, at)
            yield partial(self.failing_rows, at)

    def random(self, *key: object) -> Generator:
        """Numbers that depend on the seed and on what is simulated, not on what else is."""
        return np.random.default_rng([self.seed, crc32(repr((self.design.name, *key)).encode())])

    def simulated(self, law: Law, at: Sequence[int]) -> Simulated:
        random = self.random(law.truth, law.noise.name, law.deviation, tuple(at))
        return simulate(self.design, law, self.repeats, max(at), random)

    def null_rows(self, truth: Truth, at: Sequence[int]) -> Iterator[NullRow]:
        for noise in NOISES:
            rates: dict[str, Rate] = {}
            for deviation, answers in ((DEVIATION, ("present", "damage_only")), (CALM, ("absent",))):
                simulated = self.simulated(Law(truth, noise, deviation), at)
                false = set(answers) & set(false_answers(simulated, self.smallest))
                given = outcome(simulated, at).answer if false else np.empty(0)
                rates |= {answer: Rate(float(np.mean(given == answer)), self.repeats) for answer in false}
            found = (rates.get(name) for name in ("present", "absent", "damage_only"))
            yield NullRow(self.design.name, truth.name, noise.name, _seeds(at), *found)

    def power_rows(self, at: Sequence[int]) -> Iterator[PowerRow]:
        if not self.decides:
            return
        yield self._power(Truth("nothing planted"), "nowhere", at)
        for damage in DAMAGES:
            for place in PLACES:
                yield self._power(Truth("planted", harm=damage, shape=place), place, at)

    def _power(self, truth: Truth, place: str, at: Sequence[int]) -> PowerRow:
        law = Law(truth, NORMAL, DEVIATION if truth.harm else CALM)
        found = outcome(self.simulated(law, at), at)
        right = Rate(_right(found, law), self.repeats)
        fixed = self._fixed(law, right, at) if len(at) > 1 else None
        seeds = float(found.seeds.mean())
        return PowerRow(self.design.name, truth.harm * self.design.scale, place, _seeds(at), right, seeds, fixed)

    def _fixed(self, law: Law, right: Rate, at: Sequence[int]) -> int | None:
        """The smallest fixed number of seeds with the power of the sequential design (within one standard error)."""

        def enough(count: int) -> bool:
            return _right(outcome(self.simulated(law, (count,)), (count,)), law) >= right.value - right.stderr

        counts = range(at[0], at[-1] + 1)
        place = bisect_left(counts, True, key=enough)
        return counts[place] if place < len(counts) else None

    def coverage_rows(self, at: Sequence[int]) -> Iterator[CoverageRow]:
        """None for a single seed, which has no interval."""
        if min(at) < 2:
            return
        for shape in COVERED:
            truth = Truth("planted", harm=0.04, shape=shape)
            for noise in (NORMAL, IMAGES):
                simulated = self.simulated(Law(truth, noise), at)
                for interval, held in covered(simulated, outcome(simulated, at)).items():
                    rate = Rate(held, self.repeats)
                    yield CoverageRow(self.design.name, interval, shape, noise.name, _seeds(at), rate)
                if len(at) == 1:
                    random = self.random("closing", truth, noise.name, at)
                    yield from closing_rows(simulated, shape, noise, random)

    def failing_rows(self, at: Sequence[int]) -> Iterator[FailingRow]:
        """Runs with the deficit fail in a share of the seeds; the others are as good as the newborn."""
        lasting = [index for index, kind in enumerate(self.design.kinds) if kind in ("lasting", "critical")]
        for share in FAILING:
            random = self.random("failing", share, tuple(at))
            simulated = simulate(self.design, Law(Truth("failing"), NORMAL, CALM / 3), self.repeats, max(at), random)
            fails = random.random((self.repeats, 1, max(at))) < share
            damages = simulated.damages.copy()
            damages[:, lasting] += fails * 1.5 * self.smallest / share
            answers = outcome(replace(simulated, damages=damages), at).answer
            rate = Rate(float(np.mean(answers == "absent")), self.repeats)
            yield FailingRow(self.design.name, share, _seeds(at), rate, (1 - share) ** min(at))


def _right(found: Outcome, law: Law) -> float:
    return float(np.mean(found.answer == ("present" if law.truth.harm else "absent")))


def false_answers(simulated: Simulated, smallest: float) -> tuple[str, ...]:
    """Which answers are false, given the true damages."""
    kinds = np.array(simulated.design.kinds)
    reaches = simulated.truth >= smallest - RESOLUTION
    exceeds = simulated.truth > smallest + RESOLUTION
    critical, damage = kinds == "critical", np.isin(kinds, ("lasting", "equal_total"))
    found = []
    if not exceeds[critical].any():
        found.append("present")
    if reaches[kinds != "context"].any() or simulated.hidden:
        found.append("absent")
    if reaches[critical].any() or not exceeds[damage].any():
        found.append("damage_only")
    return tuple(found)


def covered(simulated: Simulated, found: Outcome) -> dict[str, float]:
    """Share of the studies whose intervals hold the truth: of the worst contrast, and of the largest of each kind."""
    held = (found.low <= simulated.truth) & (simulated.truth <= found.high)
    kinds = np.array(simulated.design.kinds)
    largest = [
        float(np.take_along_axis(held[:, members], found.estimate[:, members].argmax(-1)[:, None], -1).mean())
        for kind in dict.fromkeys(simulated.design.kinds)
        if (members := np.flatnonzero(kinds == kind)).size
    ]
    return {"each": float(held.mean(0).min()), "largest": min(largest)}


def _seeds(at: Sequence[int]) -> Seeds:
    return at[0] if len(at) == 1 else f"{at[0]}-{at[-1]}"
