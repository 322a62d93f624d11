"""Whether a learning rate that has decayed, and not a critical period, makes the damage: what other clocks say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from critlab.analysis.confounds.confound import Confound, by_seed, difference, limits, mean
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.wording import described, places
from critlab.study.schedules import EpochPosition, Schedule, SinceRemoval, schedule

if TYPE_CHECKING:
    from critlab.analysis.results import Results


def clocks(results: Results, main: Curve, judged: Sequence[Place]) -> Iterator[Confound]:
    """What each other clock says of the judged points, or that none was tried."""
    optimizer = results.study.optimizer
    if not optimizer.schedule_known:
        text = "The learning rate is the loop's own affair; if it falls meanwhile, that alone could hinder recovery."
        yield Confound("learning rate", "unknown", text)
        return
    own = schedule(optimizer.clock)
    if not own.anneals(optimizer):
        yield Confound("learning rate", "clear", f"The learning rate is constant ({optimizer.lr:g}).")
        return
    arms = dict.fromkeys((run.arm, run.clock) for run in results.study.runs if run.role == "clock_control")
    others = [(arm, clock) for arm, clock in arms if schedule(clock).recovers_at_full_rate]
    if own.recovers_at_full_rate:
        others.insert(0, (main.arm, optimizer.clock))
    for arm, clock in others:
        yield _restart(results, main, arm, schedule(clock), judged)
    if not others and main.sweep.origin is not None:
        epochs = [point.at for point in main.tested if point.at != "never"]
        share = optimizer.lr_decay ** max(epochs)
        yield Confound(
            "learning rate",
            "unknown",
            f"The learning rate has decayed to {optimizer.lr * share:.2g} ({share:.1%} of its start) at the "
            "last removal, which alone could hinder recovery. To find out: "
            f'clocks = ["{SinceRemoval.name}"] in [controls].',
        )


def _restart(results: Results, main: Curve, arm: str, clock: Schedule, judged: Sequence[Place]) -> Confound:
    """Clear: damage remains under the other clock; suspect: the clock removes most of it, or all.

    Where nothing restarts, an annealed control would be no equal: damage is counted from a run under the same clock.
    """
    against = "plain" if clock.restarts else clock.twin
    name = "learning rate" + (f" ({clock.detail})" if clock.detail else "")
    again = curve(results, arm, against)
    shared = [at for at in judged if any(at == point.at for point in again.tested)]
    own, left = by_seed(curve(results, main.arm, "plain"), shared), by_seed(again, shared)
    damage, remains, mended = mean(own), mean(left), difference(own, left)
    if not shared or damage is None or remains is None or mended is None:
        where = places(main.sweep, judged)
        text = f"Under {clock.phrase} there are no results at {where}; add these to 'at' in [controls]."
        return Confound(name, "unknown", text)
    where = places(main.sweep, shared)
    said = f"with {clock.phrase} the damage is {described(remains)} at {where}"
    twin = remains if against != "plain" else mean(by_seed(curve(results, arm, "restarted"), shared))
    if against != "plain":
        said += f", against {clock.control_phrase}"
    elif twin is not None:
        said += f" ({described(twin)} against {clock.control_phrase})"
    if arm != main.arm:
        said += f"; that mends {described(mended)}"
    if limits(mended)[0] > 0 and (limits(remains)[0] <= 0 or remains.mean < damage.mean / 2):
        text = "The curve may be nothing but a decayed learning rate"
        if limits(remains)[0] > 0:
            text = "A decayed learning rate explains much of the damage, but not all"
        elif twin and limits(twin)[0] > 0:
            text += ", yet a clean control restarted likewise does better still"
        return Confound(name, "suspect", f"{text}: {said}.")
    if limits(remains)[0] > 0:
        return Confound(name, "clear", f"A decayed learning rate does not explain the damage: {said}.")
    return Confound(name, "unknown", f"The seeds are too few or too scattered to tell: {said}.")


def onset(results: Results) -> Iterator[Confound]:
    """In a window sweep: whether the learning rate of the first window is another than that of the last."""
    optimizer, onsets = results.study.optimizer, results.study.sweep.points
    clock = schedule(optimizer.clock)
    if not clock.anneals(optimizer) or len(onsets) < 2:
        return
    sweep, rates = results.study.sweep, []
    for at in (onsets[0], onsets[-1]):
        window = sweep.window(at)
        rates.append(clock.learning_rate(optimizer, EpochPosition(window.start, window.stop, sweep.run_epochs(at))))
    first, last = rates
    yield Confound(
        "learning rate at the onset",
        "suspect",
        f"It falls from {first:.2g} at the first window to {last:.2g} at the last, so a late window also "
        'disturbs less and is repaired less. To tell them apart: clock = "constant" in [optimizer].',
    )
