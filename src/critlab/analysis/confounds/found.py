"""What else could explain a curve, said in words with numbers.

Each question is asked at the judged points (those with significant damage; without any, the one of largest
damage): every seed's values are averaged over these points, and the seeds give a mean with a 95 % t interval.
The thresholds that turn intervals into a status are ours and stand in each function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from critlab.analysis.confounds.confound import Confound, Status, by_seed, difference, limits, mean
from critlab.analysis.confounds.learning_rate import clocks, onset
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.wording import described, effect, places, points

if TYPE_CHECKING:
    from critlab.analysis.results import Results


def confounds(results: Results, main: Curve, judged: Sequence[Place]) -> tuple[Confound, ...]:
    """The confounds of the curve ``main`` at the ``judged`` points; none where there is no damage."""
    damage = mean(by_seed(main, judged))
    if not judged or (damage is not None and damage.mean <= 0):
        return ()
    found = [_training(main, judged), *_negatives(results, main, judged)]
    found += [*clocks(results, main, judged), *_equal_total(results, main, judged)]
    if main.sweep.rate_differs_by_point:
        found += [*_timing(main, results.study.statistics.smallest_damage), *onset(results)]
    return tuple(found)


def _training(main: Curve, judged: Sequence[Place]) -> Confound:
    """Clear: training accuracy surely lost less than half of the damage; suspect: it lost something."""
    name, where = "training accuracy", places(main.sweep, judged)
    gap, damage = mean(by_seed(main, judged, "train_gap")), mean(by_seed(main, judged))
    if gap is None or damage is None:
        return Confound(name, "unknown", f"No seed has training accuracy at every judged point ({where}).")
    low, high = limits(gap)
    said = f"control minus arm is {described(gap)} at {where}, against {points(damage.mean)} of test accuracy"
    if high < damage.mean / 2:
        return Confound(name, "clear", f"Training accuracy is not down alike: {said}.")
    if low > 0:
        advice = "The network may just be under-trained; a longer recovery tells."
        return Confound(name, "suspect", f"Training accuracy is down too: {said}. {advice}")
    return Confound(name, "unknown", f"The seeds are too few or too scattered to tell: {said}.")


def _negatives(results: Results, main: Curve, judged: Sequence[Place]) -> Iterator[Confound]:
    runs = [run for run in results.study.runs if run.role == "negative_control"]
    for arm in dict.fromkeys(run.arm for run in runs):
        yield _negative(main, curve(results, arm), judged)


def _negative(main: Curve, negative: Curve, judged: Sequence[Place]) -> Confound:
    """Suspect: it falls significantly, and by half of the deficit's damage or indistinguishably from it."""
    name = f"negative control {negative.arm}"
    shared = [at for at in judged if any(at == point.at for point in negative.tested)]
    own, other = by_seed(main, shared), by_seed(negative, shared)
    damage, fall, excess = mean(own), mean(other), difference(own, other)
    if not shared or damage is None or fall is None or excess is None:
        text = f"It has no results at {places(main.sweep, judged)}; add these to 'at' in [controls]."
        return Confound(name, "unknown", text)
    where = places(main.sweep, shared)
    said = f"at {where} it {effect(fall)}; {main.arm} exceeds it by {described(excess)}"
    if limits(fall)[0] > 0 and (limits(excess)[0] <= 0 or fall.mean > damage.mean / 2):
        text = f"It falls as well: {said}. Much of the damage may come with any change of the input."
        return Confound(name, "suspect", text)
    if limits(excess)[0] > 0:
        return Confound(name, "clear", f"It falls less: {said}.")
    return Confound(name, "unknown", f"The difference is too uncertain to tell: {said}.")


def _equal_total(results: Results, main: Curve, judged: Sequence[Place]) -> Iterator[Confound]:
    """Clear: damaged against clean runs of equal total too; suspect: surely less than half of it is left."""
    if not any(kind == "equal_total" for run in results.study.runs for kind, _ in run.controls):
        return
    damage = mean(by_seed(main, judged))
    equal = mean(by_seed(curve(results, main.arm, "equal_total"), judged))
    if damage is None or equal is None:
        text = f"No seed has a clean run of the same total at {places(main.sweep, judged)}."
        yield Confound("equal total", "unknown", text)
        return
    low, high = limits(equal)
    status: Status = "clear" if low > 0 else "suspect" if high < damage.mean / 2 else "unknown"
    said = f"Against clean runs of the same total length the damage is {described(equal)}"
    yield Confound("equal total", status, f"{said}, against {points(damage.mean)} by the first control.")


def _timing(main: Curve, smallest: float) -> Iterator[Confound]:
    """Clear: the first window costs more than the last; suspect: surely not by more than matters."""
    if len(main.tested) < 2:
        return
    first, last = main.tested[0], main.tested[-1]
    more = difference(by_seed(main, [first.at]), by_seed(main, [last.at]))
    if more is None:
        return
    low, high = limits(more)
    said = f"the window at {first.at} exceeds the one at {last.at} by {described(more)}"
    if low > 0:
        yield Confound("timing", "clear", f"It matters when: {said}.")
    elif high < smallest:
        yield Confound("timing", "suspect", f"Damage without an early period: {said}.")
    else:
        yield Confound("timing", "unknown", f"Whether it matters when is not certain: {said}.")
