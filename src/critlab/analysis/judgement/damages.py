"""Named damages: paired contrasts of runs, each with its simultaneous interval, and what they decide together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from critlab.analysis.judgement.decision import Decision, Family, Kind, decide, layout_of
from critlab.analysis.statistics import LEVEL, MINIMUM_SEEDS, Floats, scale_of, t_quantile
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.test_images import ImageSample, image_sample, least_sd
from critlab.study.runs.estimands import EstimandName, NamedContrast, Terms
from critlab.study.runs.missing_contrasts import MissingContrast
from critlab.study.types import Place

Limit = Literal["seeds", "images"]


@dataclass(frozen=True)
class Damage:
    """One named damage; numbers are in the unit of the study's metric, None where too few seeds are done.

    Args:
        name: what is compared with what; see :mod:`critlab.study.runs.estimands`.
        at: the point of the sweep; for ``timing`` the first onset.
        other: the last onset of ``timing``; else None.
        kind: what it decides: ``lasting``, whether damage lasts; ``critical``, whether there is a critical period;
            ``equal_total``, whether runs of equal length show damage that longer training hides; ``context``, nothing.
        seeds: the damage of each seed of which all runs are done.
        stderr: standard error of the mean, with moderated variance and with the sample of test images.
        low: lower limit of the simultaneous 95 % interval over the damages of this kind.
        high: upper limit.
        upper: the upper limit of this damage alone, at the level of the study; ``bounded`` where it lies below the
            smallest damage of interest.
        adjusted_p: one-sided p value of damage above the smallest of interest, adjusted over the damages of this kind.
        exceeds: whether it is shown to be above the smallest damage of interest: ``adjusted_p`` is below the level.
        bounded: whether it is shown to be below the smallest damage of interest, this damage alone.
        helps: whether it is shown to be below 0, adjusted over the damages of this kind.
        detectable: the true damage that the study detects here with 80 % power.
        limited_by: what contributes more to the variance of the mean; None where correctness of single test images is
            not stored.
        image_stderr: the part of ``stderr`` that comes from the sample of test images, which more seeds do not narrow;
            0 where it is not known.
        images: how many test images there are; 0 where that is not known.
        diverged: seeds left out because a run diverged.
        missing: seeds left out for another reason.
        terms: a sign and the name of a run each, whose final scores add up to the damage.
    """

    name: EstimandName
    at: Place
    other: Place | None
    kind: Kind
    seeds: Mapping[int, float]
    stderr: float | None = None
    low: float | None = None
    high: float | None = None
    upper: float | None = None
    adjusted_p: float | None = None
    exceeds: bool = False
    bounded: bool = False
    helps: bool = False
    detectable: float | None = None
    limited_by: Limit | None = None
    image_stderr: float = 0.0
    images: int = 0
    diverged: int = 0
    missing: int = 0
    terms: Terms = ()

    @property
    def n(self) -> int:
        """Seeds of which all runs are done."""
        return len(self.seeds)

    @property
    def estimate(self) -> float | None:
        """The mean over seeds."""
        return math.fsum(self.seeds.values()) / len(self.seeds) if self.seeds else None

    @property
    def estimated(self) -> float:
        """The mean over seeds; minus infinity where no seed is done, so that damages can be ordered."""
        return -float("inf") if self.estimate is None else self.estimate

    @property
    def worst(self) -> float:
        """The largest damage of a single seed; minus infinity where none is done."""
        return max(self.seeds.values(), default=-float("inf"))

    @property
    def decidable(self) -> bool:
        """Whether enough seeds are done."""
        return self.n >= MINIMUM_SEEDS


def damages_of(terms: Sequence[tuple[int, str]], scores: Mapping[str, Floats], sign: float = 1.0) -> Floats:
    """The damage of every seed: the signed sum of final scores.

    Args:
        terms: sign and name of each run, for a score of which higher is better.
        scores: of each run, ``(..., seeds)``, NaN where a seed is not done.
        sign: -1 where lower scores are better, so that damage is positive where a run is worse.

    Returns:
        In the unit of the scores, ``(..., seeds)``; NaN where any of the runs is not done.
    """
    total: Floats = sign * np.sum([one * scores[run] for one, run in terms], axis=0)
    return total


def final_scores(results: StudyTable, runs: Sequence[str]) -> dict[str, Floats]:
    """The final score of each named run, ``(seeds,)`` in the order of the seeds; NaN where not done."""
    finals = results.final_scores
    found = {}
    for name in runs:
        run = results.run_named[name]
        values = (finals.get(run.identifier(seed)) for seed in sorted(results.study.seeds))
        found[name] = np.array([np.nan if value is None else value[0] for value in values])
    return found


class Judged(NamedTuple):
    """The named damages of a study, and what they decide together; None where there is nothing to decide."""

    damages: tuple[Damage, ...]
    decision: Decision | None


def judged_damages(
    results: StudyTable, contrasts: Sequence[NamedContrast], complete: bool, level: float = LEVEL
) -> Judged:
    """The named damages of a study, decided together.

    Args:
        results: of the study.
        contrasts: its named contrasts.
        complete: whether every critical contrast that its sweep allows is among them.
        level: one-sided level of the decision.
    """
    if not contrasts:
        return Judged((), None)
    runs = list(dict.fromkeys(name for contrast in contrasts for _, name in contrast.terms))
    finals = final_scores(results, runs)
    values = np.stack([damages_of(contrast.terms, finals, results.metric.sign) for contrast in contrasts])
    samples = [image_sample(results, contrast.terms) for contrast in contrasts]
    family = Family(
        damages=values,
        kinds=tuple(kind_of(contrast) for contrast in contrasts),
        smallest=results.study.statistics.smallest_damage,
        image_variance=np.array([0.0 if sample is None else sample.variance for sample in samples]),
        complete=complete,
        length=length_contrasts(contrasts, {name: run.total for name, run in results.run_named.items()}),
        floor=np.array([least_sd(results, len(contrast.terms)) for contrast in contrasts]),
        level=level,
        layout=layout_of(contrasts),
        scale=scale_of([*np.concatenate([*finals.values()]), results.study.statistics.smallest_damage]),
    )
    decision = decide(family)
    found = (
        _damage(results, contrast, values[index], samples[index], decision, index)
        for index, contrast in enumerate(contrasts)
    )
    return Judged(tuple(found), decision)


def is_complete(missing: Sequence[MissingContrast]) -> bool:
    """Whether no critical contrast is missing that would have to be bounded before a study is called absent.

    Timing at another learning rate needs another study; without it nothing that is shown absent becomes present.
    """
    return all(one.name == "timing" for one in missing)


def kind_of(contrast: NamedContrast) -> Kind:
    """What a named contrast decides."""
    return "equal_total" if contrast.name == "equal_total" else contrast.kind


def _damage(
    results: StudyTable,
    contrast: NamedContrast,
    values: Floats,
    sample: ImageSample | None,
    decision: Decision,
    index: int,
) -> Damage:
    seeds = sorted(results.study.seeds)
    by_seed = {seed: float(value) for seed, value in zip(seeds, values, strict=True) if np.isfinite(value)}
    diverged = sum(_diverged(results, contrast, seed) for seed in seeds)
    plain = Damage(contrast.name, contrast.at, contrast.other, kind_of(contrast), by_seed, diverged=diverged)
    plain = replace(plain, missing=len(seeds) - plain.n - diverged, terms=contrast.terms)
    if not plain.decidable:
        return plain
    stderr, freedom = float(decision.stderr[index]), float(decision.freedom[index])
    return replace(
        plain,
        stderr=stderr,
        low=float(decision.low[index]),
        high=float(decision.high[index]),
        upper=float(decision.estimate[index] + t_quantile(1 - decision.family.level, freedom) * stderr),
        adjusted_p=float(decision.adjusted_p[index]),
        exceeds=bool(decision.evidence[index]),
        bounded=bool(decision.bounded[index]),
        helps=bool(decision.adjusted_p_helped[index] < decision.family.level),
        detectable=float(decision.detectable[index]),
        limited_by=None if sample is None else sample.limited_by,
        image_stderr=0.0 if sample is None else math.sqrt(sample.variance),
        images=0 if sample is None else sample.images,
    )


def _diverged(results: StudyTable, contrast: NamedContrast, seed: int) -> bool:
    names = (results.run_named[run].identifier(seed) for _, run in contrast.terms)
    outcomes = (results.outcome_named.get(name) for name in names)
    return any(outcome is not None and outcome.status == "diverged" for outcome in outcomes)


def length_contrasts(contrasts: Sequence[NamedContrast], totals: Mapping[str, int]) -> tuple[int, ...] | None:
    """The contrasts that show what longer training is worth, and that "absent" needs to be bounded.

    Where the runs with the deficit train longer than the control, longer training may hide damage. Then either clean
    runs of equal length are compared with them, or what clean training in that time would have been worth is bounded
    below the smallest damage of interest, for the longest of them too.

    Args:
        contrasts: of a study.
        totals: epochs of each run, by its name.

    Returns:
        Their places; none where nothing is hidden, and None where nothing shows what the longest run hides.
    """
    lengths = {one.at: [totals[run] for _, run in one.terms] for one in contrasts if one.name == "lasting_damage"}
    longer = {at: deprived for at, (clean, deprived) in lengths.items() if deprived > clean}
    if not longer or any(one.name == "equal_total" for one in contrasts):
        return ()
    found = {index: one.at for index, one in enumerate(contrasts) if one.name == "missed_learning"}
    longest = max(longer, key=longer.__getitem__)
    return tuple(found) if longest in found.values() else None
