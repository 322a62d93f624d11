"""Whether a learning rate that has decayed, and not a critical period, makes the damage: what other clocks say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from critlab.analysis.confound import Confound, by_seed, difference, limits, mean
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.wording import described, places

if TYPE_CHECKING:
    from critlab.analysis.results import Results


@dataclass(frozen=True)
class _Words:
    """How a clock is spoken of.

    Args:
        name: of the confound.
        schedule: what the schedule does.
        twin: what a clean run under it is called.
        against: the clean runs that its damage is counted from: where nothing anneals, an annealed control would be
            no equal.
    """

    name: str
    schedule: str
    twin: str
    against: str


WORDS = {
    "since_removal": _Words(
        "learning rate", "the schedule restarted after the deficit", "a control restarted likewise", "plain"
    ),
    "cosine_restart": _Words(
        "learning rate (half a cosine)",
        "the learning rate restarted after the deficit and taken down along half a cosine",
        "a control restarted likewise",
        "plain",
    ),
    "constant": _Words(
        "learning rate (constant)", "a constant learning rate", "a clean run under the same", "same_clock"
    ),
}
"""The clocks under which recovery begins with the whole learning rate."""


def clocks(results: Results, main: Curve, judged: Sequence[Place]) -> Iterator[Confound]:
    """What each other clock says of the judged points, or that none was tried."""
    optimizer = results.study.optimizer
    if not optimizer.schedule_known:
        text = "The learning rate is the loop's own affair; if it falls meanwhile, that alone could hinder recovery."
        yield Confound("learning rate", "unknown", text)
        return
    flat = optimizer.lr_decay == 1 and optimizer.clock != "cosine_restart"
    if flat or optimizer.clock == "constant":
        yield Confound("learning rate", "clear", f"The learning rate is constant ({optimizer.lr:g}).")
        return
    arms = dict.fromkeys((run.arm, run.clock) for run in results.study.runs if run.role == "clock_control")
    others = [(arm, clock) for arm, clock in arms if clock in WORDS]
    if optimizer.clock in WORDS:
        others.insert(0, (main.arm, optimizer.clock))
    for arm, clock in others:
        yield _restart(results, main, arm, WORDS[clock], judged)
    if not others and main.kind == "removal":
        epochs = [point.at for point in main.tested if point.at != "never"]
        share = optimizer.lr_decay ** max(epochs)
        yield Confound(
            "learning rate",
            "unknown",
            f"The learning rate has decayed to {optimizer.lr * share:.2g} ({share:.1%} of its start) at the "
            "last removal, which alone could hinder recovery. To find out: "
            'clocks = ["since_removal"] in [controls].',
        )


def _restart(results: Results, main: Curve, arm: str, words: _Words, judged: Sequence[Place]) -> Confound:
    """Clear: damage remains under the other clock; suspect: the clock mends most of it, or all."""
    again = curve(results, arm, words.against)
    shared = [at for at in judged if any(at == point.at for point in again.tested)]
    own, left = by_seed(curve(results, main.arm, "plain"), shared), by_seed(again, shared)
    damage, remains, mended = mean(own), mean(left), difference(own, left)
    if not shared or damage is None or remains is None or mended is None:
        where = places(main.kind, judged)
        text = f"Under {words.schedule} there are no results at {where}; add these to 'at' in [controls]."
        return Confound(words.name, "unknown", text)
    where = places(main.kind, shared)
    said = f"with {words.schedule} the damage is {described(remains)} at {where}"
    twin = remains if words.against != "plain" else mean(by_seed(curve(results, arm, "restarted"), shared))
    if words.against != "plain":
        said += f", against {words.twin}"
    elif twin is not None:
        said += f" ({described(twin)} against {words.twin})"
    if arm != main.arm:
        said += f"; that mends {described(mended)}"
    if limits(mended)[0] > 0 and (limits(remains)[0] <= 0 or remains.mean < damage.mean / 2):
        text = "The curve may be nothing but a decayed learning rate"
        if limits(remains)[0] > 0:
            text = "A decayed learning rate explains much of the damage, but not all"
        elif twin and limits(twin)[0] > 0:
            text += ", yet a clean control restarted likewise does better still"
        return Confound(words.name, "suspect", f"{text}: {said}.")
    if limits(remains)[0] > 0:
        return Confound(words.name, "clear", f"A decayed learning rate does not explain the damage: {said}.")
    return Confound(words.name, "unknown", f"The seeds are too few or too scattered to tell: {said}.")


def onset(results: Results) -> Iterator[Confound]:
    """In a window sweep: whether the learning rate of the first window is another than that of the last."""
    optimizer, onsets = results.study.optimizer, results.study.sweep.points
    if optimizer.lr_decay == 1 or optimizer.clock == "constant" or len(onsets) < 2:
        return
    first, last = (optimizer.lr * optimizer.lr_decay ** int(onset) for onset in (onsets[0], onsets[-1]))
    yield Confound(
        "learning rate at the onset",
        "suspect",
        f"It falls from {first:.2g} at the first window to {last:.2g} at the last, so a late window also "
        'disturbs less and is repaired less. To tell them apart: clock = "constant" in [optimizer].',
    )
