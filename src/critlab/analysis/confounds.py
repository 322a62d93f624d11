"""What else could explain a curve, said in words with numbers.

Each question is asked at the judged points (those with significant damage; without any, the one of largest
damage): every seed's values are averaged over these points, and the seeds give a mean with a 95 % t interval.
The thresholds that turn intervals into a status are ours and stand in each function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.inference import MINIMUM_SEEDS, Summary, summarise
from critlab.analysis.wording import described, places, points

if TYPE_CHECKING:
    from critlab.analysis.results import Results

Status = Literal["clear", "suspect", "unknown"]


@dataclass(frozen=True)
class Confound:
    """Another explanation of the curve.

    Args:
        name: ``training accuracy``, ``negative control <arm>``, ``learning rate``, ``learning rate at the
            onset``, ``equal total`` or ``timing``.
        status: ``clear``: the data speak against it; ``suspect``: they fit it; ``unknown``: they do not tell.
        sentence: why, with numbers; where unknown, how to find out.
    """

    name: str
    status: Status
    sentence: str


def confounds(results: Results, main: Curve, judged: Sequence[Place]) -> tuple[Confound, ...]:
    """The confounds of the curve ``main`` at the ``judged`` points; none where there is no damage."""
    damage = _mean(_by_seed(main, judged))
    if not judged or (damage is not None and damage.mean <= 0):
        return ()
    found = [_training(main, judged), *_negatives(results, main, judged)]
    found += [*_clock(results, main, judged), *_equal_total(results, main, judged)]
    if main.kind == "window":
        found += [*_timing(main, results.study.statistics.smallest_damage), *_onset(results)]
    return tuple(found)


def _by_seed(of: Curve, judged: Sequence[Place], field: str = "damage") -> dict[int, float]:
    """Each seed's mean of ``field`` over the judged points; only seeds that have them all."""
    values = [{s.seed: getattr(s, field) for s in point.seeds} for point in of.points if point.at in judged]
    if not values or len(values) < len(judged):
        return {}
    shared = set.intersection(*map(set, values))
    return {seed: sum(known[seed] for known in values) / len(values) for seed in sorted(shared)}


def _difference(first: dict[int, float], second: dict[int, float]) -> Summary | None:
    values = [first[seed] - second[seed] for seed in first if seed in second]
    return summarise(values) if values else None


def _mean(values: dict[int, float]) -> Summary | None:
    return summarise(list(values.values())) if values else None


def _limits(summary: Summary) -> tuple[float, float]:
    """The interval; unbounded where there are too few seeds for one to mean much."""
    if summary.n < MINIMUM_SEEDS or summary.low is None or summary.high is None:
        return -float("inf"), float("inf")
    return summary.low, summary.high


def _training(main: Curve, judged: Sequence[Place]) -> Confound:
    """Clear: training accuracy surely lost less than half of the damage; suspect: it lost something."""
    name, where = "training accuracy", places(main.kind, judged)
    gap, damage = _mean(_by_seed(main, judged, "train_gap")), _mean(_by_seed(main, judged))
    if gap is None or damage is None:
        return Confound(name, "unknown", f"No seed has every judged point ({where}).")
    low, high = _limits(gap)
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
    own, other = _by_seed(main, shared), _by_seed(negative, shared)
    damage, fall, excess = _mean(own), _mean(other), _difference(own, other)
    if not shared or damage is None or fall is None or excess is None:
        text = f"It has no results at {places(main.kind, judged)}; add these to 'at' in [controls]."
        return Confound(name, "unknown", text)
    where = places(main.kind, shared)
    said = f"at {where} it costs {described(fall)}; {main.arm} exceeds it by {described(excess)}"
    if _limits(fall)[0] > 0 and (_limits(excess)[0] <= 0 or fall.mean > damage.mean / 2):
        text = f"It falls as well: {said}. Much of the damage may come with any change of the input."
        return Confound(name, "suspect", text)
    if _limits(excess)[0] > 0:
        return Confound(name, "clear", f"It falls less: {said}.")
    return Confound(name, "unknown", f"The difference is too uncertain to tell: {said}.")


def _clock(results: Results, main: Curve, judged: Sequence[Place]) -> Iterator[Confound]:
    study = results.study
    name, optimizer = "learning rate", study.optimizer
    if optimizer.lr_decay == 1:
        yield Confound(name, "clear", f"The learning rate is constant ({optimizer.lr:g}).")
        return
    restarts = [run for run in study.runs if run.role == "clock_control" and run.clock == "since_removal"]
    arms = list(dict.fromkeys(run.arm for run in restarts))
    if optimizer.clock == "since_removal":
        arms = [main.arm]
    for arm in arms:
        yield _restart(results, main, arm, judged)
    if not arms and main.kind == "removal":
        epochs = [point.at for point in main.tested if point.at != "never"]
        share = optimizer.lr_decay ** max(epochs)
        yield Confound(
            name,
            "unknown",
            f"The learning rate has decayed to {optimizer.lr * share:.2g} ({share:.1%} of its start) at the "
            "last removal, which alone could hinder recovery. To find out: "
            'clocks = ["since_removal"] in [controls].',
        )


def _restart(results: Results, main: Curve, arm: str, judged: Sequence[Place]) -> Confound:
    """Clear: damage remains under a restarted schedule; suspect: the restart mends most of it, or all."""
    name, again = "learning rate", curve(results, arm, "plain")
    shared = [at for at in judged if any(at == point.at for point in again.tested)]
    own, left = _by_seed(curve(results, main.arm, "plain"), shared), _by_seed(again, shared)
    damage, remains, mended = _mean(own), _mean(left), _difference(own, left)
    if not shared or damage is None or remains is None or mended is None:
        where = places(main.kind, judged)
        text = f"The restarted schedule has no results at {where}; add these to 'at' in [controls]."
        return Confound(name, "unknown", text)
    where = places(main.kind, shared)
    said = f"with the schedule restarted after the deficit the damage is {described(remains)} at {where}"
    against = _mean(_by_seed(curve(results, arm, "restarted"), shared))
    said += f" ({described(against)} against a control restarted likewise)" if against else ""
    if arm != main.arm:
        said += f"; the restart mends {described(mended)}"
    if _limits(mended)[0] > 0 and (_limits(remains)[0] <= 0 or remains.mean < damage.mean / 2):
        text = "The curve may be nothing but a decayed learning rate"
        if _limits(remains)[0] > 0:
            text = "A decayed learning rate explains much of the damage, but not all"
        elif against and _limits(against)[0] > 0:
            text += ", yet a clean control restarted likewise does better still"
        return Confound(name, "suspect", f"{text}: {said}.")
    if _limits(remains)[0] > 0:
        return Confound(name, "clear", f"A decayed learning rate does not explain the damage: {said}.")
    return Confound(name, "unknown", f"The seeds are too few or too scattered to tell: {said}.")


def _equal_total(results: Results, main: Curve, judged: Sequence[Place]) -> Iterator[Confound]:
    """Clear: damaged against clean runs of equal total too; suspect: surely less than half of it is left."""
    if not any(kind == "equal_total" for run in results.study.runs for kind, _ in run.controls):
        return
    damage = _mean(_by_seed(main, judged))
    equal = _mean(_by_seed(curve(results, main.arm, "equal_total"), judged))
    if damage is None or equal is None:
        text = f"No seed has a clean run of the same total at {places(main.kind, judged)}."
        yield Confound("equal total", "unknown", text)
        return
    low, high = _limits(equal)
    status: Status = "clear" if low > 0 else "suspect" if high < damage.mean / 2 else "unknown"
    said = f"Against clean runs of the same total length the damage is {described(equal)}"
    yield Confound("equal total", status, f"{said}, against {points(damage.mean)} by the first control.")


def _timing(main: Curve, smallest: float) -> Iterator[Confound]:
    """Clear: the first window costs more than the last; suspect: surely not by more than matters."""
    if len(main.tested) < 2:
        return
    first, last = main.tested[0], main.tested[-1]
    more = _difference(_by_seed(main, [first.at]), _by_seed(main, [last.at]))
    if more is None:
        return
    low, high = _limits(more)
    said = f"the window at {first.at} exceeds the one at {last.at} by {described(more)}"
    if low > 0:
        yield Confound("timing", "clear", f"It matters when: {said}.")
    elif high < smallest:
        yield Confound("timing", "suspect", f"Damage without an early period: {said}.")
    else:
        yield Confound("timing", "unknown", f"Whether it matters when is not certain: {said}.")


def _onset(results: Results) -> Iterator[Confound]:
    optimizer, onsets = results.study.optimizer, results.study.sweep.points
    if optimizer.lr_decay == 1 or len(onsets) < 2:
        return
    first, last = (optimizer.lr * optimizer.lr_decay ** int(onset) for onset in (onsets[0], onsets[-1]))
    yield Confound(
        "learning rate at the onset",
        "suspect",
        f"It falls from {first:.2g} at the first window to {last:.2g} at the last, so a late window also "
        "disturbs less and is repaired less. To tell them apart: lr_decay = 1.0 in [optimizer].",
    )
