"""The decision: from the damages of a study, seed by seed, to an answer with the contrasts that support it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from critlab.analysis.statistics.layout import Layout, layout_of_sums, unrelated
from critlab.analysis.statistics.moderated import Moments, moments
from critlab.analysis.statistics.power import detectable, detectable_everywhere
from critlab.analysis.statistics.simultaneous import SPENT, effective_count, holm
from critlab.analysis.statistics.summary import (
    LEVEL,
    MINIMUM_SEEDS,
    RESOLUTION,
    Floats,
    satterthwaite,
    scale_of,
    t_quantile,
)
from critlab.study.runs.estimands import NamedContrast

Kind = Literal["lasting", "critical", "equal_total", "context"]
"""What a contrast decides: whether damage lasts; whether it is a critical period; whether runs of equal length show
damage that longer training hides; nothing (context)."""

KINDS: tuple[Kind, ...] = ("lasting", "critical", "equal_total", "context")

FEW_SEEDS = 10
"""Below so many seeds, "absent" looks at the worst seed too."""

WORST = 2.0
"""The worst seed may lose this many times the smallest damage of interest: a share of up to one half of failing seeds
that makes the mean reach the smallest damage has seeds that lose more."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Family:
    """The contrasts of one study, or of an array of simulated ones.

    Args:
        damages: ``(..., contrasts, seeds)``, in the unit of the study's metric, signed so that damage is positive; NaN
            where a seed is not done.
        kinds: one a contrast.
        smallest: the smallest damage of interest, in the same unit.
        image_variance: ``(..., contrasts)`` or one number: the variance of each mean that comes from the sample of test
            images; 0 where it is unknown.
        complete: every critical contrast that the sweep allows is there.
        length: contrasts that show what longer training is worth, by their place; "absent" needs them below the
            smallest damage of interest. None where longer training may hide damage and nothing shows it: then never
            "absent".
        floor: least standard deviation over seeds, one number or ``(..., contrasts)``.
        level: one-sided; smaller at each look of a sequential design.
        layout: the runs of each contrast, see :func:`layout_of`; None where they are not known.
        scale: of the scores, see :func:`critlab.analysis.statistics.summary.scale_of`; None takes it for that of a
            hundred times the smallest damage of interest, which is the scale of accuracies where this is one point.
    """

    damages: Floats
    kinds: tuple[Kind, ...]
    smallest: float
    image_variance: ArrayLike = 0.0
    complete: bool = True
    length: tuple[int, ...] | None = ()
    floor: ArrayLike = 0.0
    level: float = LEVEL
    layout: Layout | None = None
    scale: float | None = None

    @property
    def size(self) -> float:
        """The scale of the scores."""
        return scale_of(100 * self.smallest) if self.scale is None else self.scale


@dataclass(frozen=True)
class Decision:
    """What a family of contrasts shows; arrays ``(..., contrasts)`` but for ``answer``, in the unit of the damages.

    Args:
        n: seeds that are done.
        estimate: mean damage; NaN without a seed.
        stderr: its standard error over seeds and test images; NaN where nothing estimates it.
        freedom: its degrees of freedom, judged alone.
        together: its degrees of freedom, judged together with the others of its kind.
        p_above: one-sided p value of a damage above the smallest of interest, of this contrast alone; 1 below three
            seeds.
        p_below: one-sided p value of a damage below the smallest of interest.
        adjusted_p: ``p_above``, adjusted over the contrasts of its kind (max-t, step-down), over the part of the level
            that is spent (:data:`critlab.analysis.statistics.simultaneous.SPENT`).
        adjusted_p_helped: one-sided p value of a damage below 0, adjusted over the contrasts of its kind.
        evidence: whether the contrast's damage is above the smallest of interest: ``adjusted_p`` below the level.
        bounded: whether it is below: ``p_below`` under the level.
        worst: the largest damage of a single seed.
        hidden: ``(...)``, whether longer training may hide damage.
        answer: ``(...)``, of ``present``, ``damage_only``, ``absent``, ``undecided``.
        family: what was judged.
    """

    n: Floats
    estimate: Floats
    stderr: Floats
    freedom: Floats
    together: Floats
    p_above: Floats
    p_below: Floats
    adjusted_p: Floats
    adjusted_p_helped: Floats
    evidence: Bools
    bounded: Bools
    worst: Floats
    hidden: Bools
    answer: NDArray[np.str_]
    family: Family

    @cached_property
    def low(self) -> Floats:
        """Lower limits of the damages; all intervals of a kind hold together with probability ``1 - 2 level``."""
        return self.estimate - self._half

    @cached_property
    def high(self) -> Floats:
        """Upper limits; see :attr:`low`. NaN, as these, where nothing estimates the error."""
        return self.estimate + self._half

    @cached_property
    def detectable(self) -> Floats:
        """The damage of one contrast alone that the study calls above the smallest with 80 % probability.

        Infinite below three seeds.
        """
        found = detectable(self.stderr, self.together, self.tests, self.family.smallest, self.family.level)
        return np.where(self.n >= MINIMUM_SEEDS, found, np.inf)

    def detectable_everywhere(self, kind: Kind) -> float:
        """The damage that, present in every contrast of a kind, is found somewhere with 80 % probability; one study."""
        own = np.array(self.family.kinds) == kind
        known = own & (self.n >= MINIMUM_SEEDS)
        stderr = np.where(known, self.stderr, np.nan)[own]
        tests = float(self.tests[own].max(initial=1.0))
        return detectable_everywhere(stderr, self.together[own], self.family.smallest, self.family.level / tests)

    @cached_property
    def _half(self) -> Floats:
        level, known = self.family.level / self.tests, self.freedom > 0
        return np.where(known, t_quantile(1 - level, np.where(known, self.together, 1.0)) * self.stderr, np.nan)

    @cached_property
    def tests(self) -> Floats:
        """By what the level is divided for each contrast, ``(contrasts,)``."""
        found = np.ones(len(self.family.kinds))
        for members, count in _members(self.family):
            found[members] = count / SPENT
        return found


def layout_of(contrasts: Sequence[NamedContrast]) -> Layout:
    """The runs of named contrasts; those with the deficit are the damaged ones."""
    deprived = {one.terms[-1][1] for one in contrasts if one.name in ("lasting_damage", "harm")}
    return layout_of_sums([one.terms for one in contrasts], deprived)


def decide(family: Family) -> Decision:
    """Decide what the contrasts of a study show.

    - ``present``: some critical contrast exceeds the smallest damage of interest (max-t over the critical contrasts,
      :func:`critlab.analysis.statistics.simultaneous.effective_count`).
    - ``damage_only``: some lasting or equal-length contrast does (Bonferroni over both kinds), and every critical one
      is there and shown to lie below it.
    - ``absent``: every lasting, critical and equal-length contrast is shown to lie below it, and so are those of
      ``length``, none is missing, and with fewer than ten seeds no single seed lost twice the smallest damage or more.
    - ``undecided``: else.

    "Some" is a union, hence the adjustment; "every" an intersection, which needs none (Berger 1982, Technometrics 24,
    295). Variances are moderated (:func:`critlab.analysis.statistics.moderated.moments`); the error over test images is
    added with Satterthwaite's degrees of freedom.

    Error: at most ``level`` false answers of each kind, also where seeds are not normal: see ``critlab calibrate``.
    Cost: linear in the number of values; a thousand studies of ten contrasts take some milliseconds.

    Raises:
        ValueError: the number of kinds is not that of the contrasts.
    """
    damages = np.asarray(family.damages, float)
    if damages.ndim < 2 or damages.shape[-2] != len(family.kinds):
        raise ValueError(f"damages: received the shape {damages.shape} for {len(family.kinds)} kinds of contrast")
    sizes = [family.kinds.count(kind) for kind in family.kinds]
    found = moments(damages, family.layout, family.floor, sizes, family.size)
    tests = _tests(family, found)
    worst = np.where(np.isnan(damages), -np.inf, damages).max(-1, initial=-np.inf)
    evidence = tests["adjusted_p"] < family.level
    bounded = tests["p_below"] < family.level
    hidden = _hidden(family, bounded)
    answer = _answer(family, found.n, tests["p_above"], evidence, bounded, worst, hidden)
    return Decision(
        n=found.n,
        estimate=found.mean,
        worst=worst,
        evidence=evidence,
        bounded=bounded,
        hidden=hidden,
        answer=answer,
        family=family,
        **tests,
    )


def _tests(family: Family, found: Moments) -> dict[str, Floats]:
    """The fields of a decision that are computed contrast by contrast and kind by kind."""
    from scipy.special import stdtr

    by_seeds = found.variance / np.maximum(found.n, 1)
    image = np.broadcast_to(np.asarray(family.image_variance, float), by_seeds.shape)
    stderr = np.sqrt(by_seeds + image)
    freedom = satterthwaite(by_seeds, found.freedom, image)
    together = satterthwaite(by_seeds, found.together, image)
    known, enough = freedom > 0, found.n >= MINIMUM_SEEDS

    def p(excess: Floats, freedom: Floats) -> Floats:
        held, exact = np.where(known, freedom, 1.0), np.abs(excess) < RESOLUTION * family.size
        return np.where(known & enough, stdtr(held, -np.where(exact, 0.0, excess) / stderr), 1.0)

    p_above, p_helped = p(found.mean - family.smallest, together), p(-found.mean, together)
    adjusted, helped = np.ones(p_above.shape), np.ones(p_above.shape)
    for members, count in _members(family):
        for adjusting, p_values in ((adjusted, p_above), (helped, p_helped)):
            adjusting[..., members] = np.minimum(holm(p_values[..., members], count) / SPENT, 1.0)
    return {
        "stderr": np.where(known, stderr, np.nan),
        "freedom": freedom,
        "together": together,
        "p_above": p_above,
        "p_below": p(family.smallest - found.mean, freedom),
        "adjusted_p": adjusted,
        "adjusted_p_helped": helped,
    }


def _members(family: Family) -> Iterator[tuple[list[int], float]]:
    """The contrasts of each kind, and how many independent ones they are equal to."""
    layout = family.layout or unrelated(len(family.kinds))
    for kind in KINDS:
        if members := [place for place, own in enumerate(family.kinds) if own == kind]:
            yield members, effective_count(layout.correlation(members), family.level * SPENT)


def _hidden(family: Family, bounded: Bools) -> Bools:
    """Whether longer training may hide damage, ``(...)``."""
    if family.length is None:
        return np.ones(bounded.shape[:-1], bool)
    return np.asarray(~bounded[..., list(family.length)].all(-1))


def _answer(
    family: Family, n: Floats, p_above: Floats, evidence: Bools, bounded: Bools, worst: Floats, hidden: Bools
) -> NDArray[np.str_]:
    kinds = np.array(family.kinds)
    critical, judged = kinds == "critical", kinds != "context"
    lasting = judged & ~critical
    calm = (n >= FEW_SEEDS) | (worst < WORST * family.smallest)
    present = evidence[..., critical].any(-1)
    no_critical = bool(critical.any()) and family.complete & bounded[..., critical].all(-1)
    damaged = p_above[..., lasting].min(-1, initial=1.0) * lasting.sum() < family.level * SPENT
    damage_only = damaged & no_critical
    absent = no_critical & (bounded & calm)[..., judged].all(-1) & ~hidden
    chosen = [present, damage_only, absent]
    return np.select(chosen, ["present", "damage_only", "absent"], "undecided")
