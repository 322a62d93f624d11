"""How many seeds, or test images, would probably decide a study that its present ones do not."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.decision import FEW_SEEDS, WORST
from critlab.analysis.statistics import LEVEL, MINIMUM_SEEDS, POWER, t_quantile
from critlab.analysis.statistics.simultaneous import SPENT
from critlab.analysis.statistics.summary import LARGE

MOST_SEEDS = 100
"""Where more seeds would be needed, the damage is so close to the smallest of interest that no number is given."""

MOST_IMAGES = 1_000_000
"""Where more test images would be needed, no number is given."""

FINER = 1.05
"""The ratio of the numbers of test images that are tried."""


def seeds_needed(
    damages: Sequence[Damage], smallest: float, level: float = LEVEL, lengths: Sequence[Damage] = ()
) -> int | None:
    """The seeds at which each claim that an answer rests on is shown with 80 % probability.

    Taken as true are the mean damages and their deviations over seeds. They point to an answer: ``present`` where a
    critical damage lies above the smallest of interest; else ``damage_only`` where a lasting one or one at equal length
    does; else ``absent``, which also needs those of ``lengths``, what longer training is worth, below it, and at least
    ten seeds where one of fewer lost much.
    A claim on a damage needs ``t(1 - level / m) sqrt(sd^2 / n + v) + z(0.8) sd / sqrt(n)`` to be below its distance
    from the smallest damage of interest, with m the damages of its kind over `SPENT` for one above it (of ``lasting``
    and ``equal_total`` together), and 1 for one below it. The variance v of the sample of test images stays as it is:
    new seeds are tested on the same images, so it widens the interval and does not move the mean.

    Returns:
        None with fewer seeds than a deviation needs, or beyond :data:`MOST_SEEDS`.
    """
    claims = _claims([one for one in damages if one.decidable], smallest, lengths)
    needed = [_seeds(one, smallest, _share(one, damages, smallest, level)) for one in claims]
    if not needed or None in needed:
        return None
    least = FEW_SEEDS if any(_lost_much(one, claims, smallest) for one in claims) else MINIMUM_SEEDS
    return max(least, *(number for number in needed if number is not None))


def images_needed(
    damages: Sequence[Damage], smallest: float, level: float = LEVEL, lengths: Sequence[Damage] = ()
) -> int | None:
    """The test images at which the present seeds show each claim of :func:`seeds_needed` with 80 % probability.

    The variance from the sample of test images falls with their number, and that over seeds is taken to stay as it is,
    which is cautious: a part of it is the noise of each seed on each image. To two digits.

    Returns:
        None where nothing is known of test images, or where the seeds alone are too few for a claim.
    """
    claims = _claims([one for one in damages if one.decidable], smallest, lengths)
    needed = [_images(one, smallest, _share(one, damages, smallest, level)) for one in claims]
    if not needed or None in needed:
        return None
    most = max(number for number in needed if number is not None)
    digit = int(10 ** max(len(str(most)) - 2, 0))
    return math.ceil(most / digit) * digit


def stopped_by_images(
    damages: Sequence[Damage],
    smallest: float,
    level: float = LEVEL,
    lengths: Sequence[Damage] = (),
    answers: Collection[str] = ("present", "damage_only", "absent"),
) -> bool:
    """Whether test images alone stand in the way: no number of seeds on them would give any answer.

    With ever more seeds the mean of a damage moves within its 95 % interval over seeds, and its error becomes that of
    the sample of test images. It may be shown above the smallest damage of interest, or below it, where a mean of that
    interval is so far from it. An answer may be reached where all of its claims may be shown.

    Args:
        damages: all that decide.
        smallest: the smallest damage of interest.
        level: one-sided.
        lengths: what longer training is worth, which "absent" needs below the smallest damage.
        answers: those that nothing else forbids.
    """
    critical = [one for one in damages if one.kind == "critical"]
    others = [one for one in damages if one.kind in ("lasting", "equal_total")]

    def reached(with_images: bool) -> bool:
        def above(one: Damage) -> bool:
            return _may_be(one, smallest, _share_above(one, damages, level), 1.0, with_images)

        def below(one: Damage) -> bool:
            return _may_be(one, smallest, level, -1.0, with_images)

        excluded = all(below(one) for one in critical)
        found = {
            "present": any(above(one) for one in critical),
            "damage_only": excluded and any(above(one) for one in others),
            "absent": excluded and all(below(one) for one in (*others, *lengths)),
        }
        return any(found[answer] for answer in answers)

    return reached(False) and not reached(True)


def hardest_claim(
    damages: Sequence[Damage], smallest: float, lengths: Sequence[Damage] = (), of_images: bool = False
) -> Damage | None:
    """The damage that needs the most seeds: nearest to the smallest damage of interest, in standard errors.

    Args:
        damages: as for :func:`seeds_needed`, of the claims that it names.
        smallest: the smallest damage of interest.
        lengths: what longer training is worth.
        of_images: whether standard errors are those from test images alone.

    Returns:
        None where no claim has a standard error.
    """
    claims = _claims([one for one in damages if one.decidable], smallest, lengths)
    errors = [(one.image_stderr if of_images else one.stderr, one) for one in claims]
    spread = [(abs(one.estimated - smallest) / error, one) for error, one in errors if error]
    return min(spread, key=lambda found: found[0])[1] if spread else None


def _claims(damages: Sequence[Damage], smallest: float, lengths: Sequence[Damage]) -> list[Damage]:
    """The damages of which an answer must show on which side of the smallest damage they lie."""
    critical = [one for one in damages if one.kind == "critical"]
    others = [one for one in damages if one.kind in ("lasting", "equal_total")]
    for above, excluded in ((critical, []), (others, critical)):
        largest = max(above, key=lambda one: one.estimated, default=None)
        if largest is not None and largest.estimated > smallest:
            return [largest, *excluded]
    judged = [one for one in damages if one.kind != "context" or one in lengths]
    return judged if all(one.estimated < smallest for one in judged) else []


def _share(damage: Damage, damages: Sequence[Damage], smallest: float, level: float) -> float:
    """The level at which the claim on a damage is tested, on the side on which its mean lies."""
    return _share_above(damage, damages, level) if damage.estimated > smallest else level


def _share_above(damage: Damage, damages: Sequence[Damage], level: float) -> float:
    """The level at which one of ``damages`` is shown above the smallest damage of interest."""
    pairs = {"lasting": ("lasting", "equal_total"), "equal_total": ("lasting", "equal_total")}
    kinds = pairs.get(damage.kind, (damage.kind,))
    return level * SPENT / sum(other.kind in kinds for other in damages)


def _lost_much(damage: Damage, claims: Sequence[Damage], smallest: float) -> bool:
    """Whether one seed of a claim of "absent" lost so much that it takes ten seeds to call the loss an accident."""
    absent = all(one.estimated < smallest for one in claims)
    return absent and damage.kind != "context" and damage.worst >= WORST * smallest


def _parts(damage: Damage) -> tuple[float, float]:
    """The standard deviation over seeds, and the standard error of the mean from test images."""
    stderr, image = damage.stderr or 0.0, damage.image_stderr
    return math.sqrt(max(stderr**2 - image**2, 0.0) * damage.n), image


def _half(sd: float, image: float, n: int, share: float) -> float:
    """How far the interval of ``n`` seeds reaches to one side."""
    total = sd**2 / n + image**2
    of_seeds = sd**2 / n / total if total else 1.0
    freedom = min((n - 1) / max(of_seeds, 1e-3) ** 2, LARGE)  # Satterthwaite 1946, as in the decision
    return float(t_quantile(1 - share, freedom)) * math.sqrt(total)


def _seeds(damage: Damage, smallest: float, share: float) -> int | None:
    from scipy.special import ndtri

    if damage.stderr is None:
        return None
    sd, image = _parts(damage)
    distance = abs(damage.estimated - smallest)

    def enough(n: int) -> bool:
        return _half(sd, image, n, share) + float(ndtri(POWER)) * sd / math.sqrt(n) <= distance

    return next(filter(enough, range(MINIMUM_SEEDS, MOST_SEEDS + 1)), None)


def _images(damage: Damage, smallest: float, share: float) -> int | None:
    from scipy.special import ndtri

    if damage.stderr is None or not damage.images:
        return None
    sd, image = _parts(damage)
    distance = abs(damage.estimated - smallest)

    def enough(images: float) -> bool:
        part = image * math.sqrt(damage.images / images)
        error = math.hypot(sd / math.sqrt(damage.n), part)
        return _half(sd, part, damage.n, share) + float(ndtri(POWER)) * error <= distance

    return _first(enough, damage.images)


def _first(enough: Callable[[float], bool], images: float) -> int | None:
    """The first number from ``images`` on that is enough; None up to :data:`MOST_IMAGES`."""
    while images <= MOST_IMAGES:
        if enough(images):
            return math.ceil(images)
        images *= FINER
    return None


def _may_be(damage: Damage, smallest: float, share: float, side: float, with_images: bool) -> bool:
    """Whether more seeds may show a damage on one ``side`` of the smallest damage of interest, 1 above and -1 below.

    Nothing is known of a damage with fewer than three seeds, and nothing will be of one that has none.
    """
    from scipy.special import ndtri

    if not damage.decidable:
        return bool(damage.seeds)
    sd, image = _parts(damage)
    reach = float(t_quantile(1 - LEVEL, damage.n - 1)) * sd / math.sqrt(damage.n)
    least = -float(ndtri(share)) * image if with_images else 0.0
    return side * (damage.estimated - smallest) + reach > least
