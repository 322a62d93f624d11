"""How many seeds would probably decide a study that its present seeds do not."""

from __future__ import annotations

import math
from collections.abc import Sequence

from critlab.analysis.judgement.damages import Damage
from critlab.analysis.statistics import LEVEL, MINIMUM_SEEDS, POWER, t_quantile
from critlab.analysis.statistics.simultaneous import SPENT

MOST_SEEDS = 100
"""Where more seeds would be needed, the damage is so close to the smallest of interest that no number is given."""


def seeds_needed(
    damages: Sequence[Damage], smallest: float, level: float = LEVEL, lengths: Sequence[Damage] = ()
) -> int | None:
    """The seeds at which each claim that an answer rests on is shown with 80 % probability.

    Taken as true are the mean damages and their deviations over seeds. They point to an answer: ``present`` where a
    critical damage lies above the smallest of interest; else ``damage_only`` where a lasting one does; else ``absent``,
    which also needs those of ``lengths``, what longer training is worth, below it.
    A claim on a damage needs ``(t(1 - level / m, n - 1) + z(0.8)) sd / sqrt(n)`` to be below its distance from the
    smallest damage of interest, with m the damages of its kind over `SPENT` for one above it, and 1 for one below
    it.

    Returns:
        None with fewer seeds than a deviation needs, or beyond :data:`MOST_SEEDS`.
    """
    known = [one for one in damages if one.decidable]
    claims = _claims(known, smallest, lengths)
    needed = [_seeds(one, smallest, sum(other.kind == one.kind for other in damages), level) for one in claims]
    if not needed or None in needed:
        return None
    return max(number for number in needed if number is not None)


def hardest_claim(damages: Sequence[Damage], smallest: float, lengths: Sequence[Damage] = ()) -> Damage | None:
    """The damage that needs the most seeds: nearest to the smallest damage of interest, in standard errors.

    Args:
        damages: as for :func:`seeds_needed`, of the claims that it names.
        smallest: the smallest damage of interest.
        lengths: what longer training is worth.

    Returns:
        None where no claim has a standard error.
    """
    claims = _claims([one for one in damages if one.decidable], smallest, lengths)
    spread = [(abs(one.estimated - smallest) / one.stderr, one) for one in claims if one.stderr]
    return min(spread, key=lambda found: found[0])[1] if spread else None


def _claims(damages: Sequence[Damage], smallest: float, lengths: Sequence[Damage]) -> list[Damage]:
    """The damages of which an answer must show on which side of the smallest damage they lie."""
    critical = [one for one in damages if one.kind == "critical"]
    lasting = [one for one in damages if one.kind == "lasting"]
    for above, others in ((critical, []), (lasting, critical)):
        largest = max(above, key=lambda one: one.estimated, default=None)
        if largest is not None and largest.estimated > smallest:
            return [largest, *others]
    judged = [one for one in damages if one.kind != "context" or one in lengths]
    return judged if all(one.estimated < smallest for one in judged) else []


def _seeds(damage: Damage, smallest: float, contrasts: int, level: float) -> int | None:
    from scipy.special import ndtri

    if damage.stderr is None:
        return None
    sd, distance = damage.stderr * math.sqrt(damage.n), abs(damage.estimated - smallest)
    share = level * SPENT / contrasts if damage.estimated > smallest else level
    for n in range(MINIMUM_SEEDS, MOST_SEEDS + 1):
        if (float(t_quantile(1 - share, n - 1)) + ndtri(POWER)) * sd / math.sqrt(n) <= distance:
            return n
    return None
