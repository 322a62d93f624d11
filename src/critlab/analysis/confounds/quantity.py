"""Differences of scores at points of a sweep: seed by seed, with the runs that they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from critlab.analysis.curve import Curve, Place
from critlab.analysis.test_images import Part
from critlab.study.runs.estimands import Terms


@dataclass(frozen=True)
class Quantity:
    """A signed sum of final scores at each of several points, paired by seed.

    Args:
        values: of each point and seed, in the unit of the study's metric.
        terms: of each point, a sign and the name of a run each.
        part: the data on which the scores are measured.
    """

    values: Mapping[Place, Mapping[int, float]]
    terms: Mapping[Place, Terms]
    part: Part = "test"

    def at(self, judged: Sequence[Place]) -> Quantity:
        """The same at the ``judged`` points only."""
        kept = [at for at in judged if at in self.values]
        return replace(self, values={at: self.values[at] for at in kept}, terms={at: self.terms[at] for at in kept})

    def averaged(self, judged: Sequence[Place]) -> dict[int, float]:
        """Each seed's mean over the judged points, of the seeds that have all of them; none where a point lacks."""
        if not judged or any(at not in self.values for at in judged):
            return {}
        seeds = set.intersection(*(set(self.values[at]) for at in judged))
        return {seed: sum(self.values[at][seed] for at in judged) / len(judged) for seed in sorted(seeds)}

    def averaged_terms(self, judged: Sequence[Place]) -> tuple[tuple[float, str], ...]:
        """The runs of the mean over the judged points, each with its weight."""
        weights: dict[str, float] = {}
        for at in judged:
            for sign, run in self.terms[at]:
                weights[run] = weights.get(run, 0.0) + sign / len(judged)
        return tuple((weight, run) for run, weight in weights.items() if weight)

    def __sub__(self, other: Quantity) -> Quantity:
        """The difference at the points and of the seeds that both have; runs that both have cancel."""
        points = [at for at in self.values if at in other.values]
        values = {at: _differences(self.values[at], other.values[at]) for at in points}
        return replace(self, values=values, terms={at: _less(self.terms[at], other.terms[at]) for at in points})


def damage_of(curve: Curve) -> Quantity:
    """The damage at the points of a curve that a verdict is about."""
    values = {point.at: {one.seed: one.damage for one in point.seeds} for point in curve.tested}
    return Quantity(values, {point.at: point.terms for point in curve.tested})


def training_gap_of(curve: Curve) -> Quantity:
    """The same on training data, of the seeds whose training scores are known."""
    values = {
        point.at: {one.seed: one.train_gap for one in point.seeds if one.train_gap is not None}
        for point in curve.tested
    }
    return Quantity(values, {point.at: point.terms for point in curve.tested}, "train")


def _differences(first: Mapping[int, float], second: Mapping[int, float]) -> dict[int, float]:
    return {seed: first[seed] - second[seed] for seed in first if seed in second}


def _less(first: Terms, second: Terms) -> Terms:
    signs = {run: sign for sign, run in first}
    for sign, run in second:
        signs[run] = signs.get(run, 0) - sign
    return tuple((sign, run) for run, sign in signs.items() if sign)
