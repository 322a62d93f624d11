"""Between which epochs a control is judged for convergence: where a falling learning rate does not lift its score."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from critlab.study.ingredients.measurement import convergence_window
from critlab.study.runs.recipe import epoch_rate
from critlab.study.runs.run import Run
from critlab.study.study import Study

FALLEN = 0.2
"""The part of the largest learning rate by which the rate may fall in the last third of a run. Half a cosine (0.25), a
line (0.33) and the decay of ``wsd`` (nearly 1) fall by more; an exponential decay of at least ten epochs, whose rate
has fallen before, by less."""

Where = Literal["last_third", "one_rate", "unknown_rate"]
"""Over which epochs a rise was measured: the last third of the training; the last third of the longest stretch of one
learning rate; the last third of a training whose learning rates only the user's loop knows."""


class Comparison(NamedTuple):
    """Which test scores of a control are compared.

    Args:
        run: the control.
        start: the mean over ``width`` epochs up to this one is compared with
        end: that over as many up to this one.
        width: as said.
        where: what these epochs are of the training.
    """

    run: Run
    start: int
    end: int
    width: int
    where: Where


def comparison(study: Study, tested: Iterable[int]) -> Comparison | None:
    """Where the shortest clean run of a study is judged for convergence; None where nothing could show it.

    Wherever the learning rate falls steeply, the score rises, because the noise of the steps is proportional to the
    rate. Such a rise comes at the end of every training on that schedule, however long, and is no reason to train for
    longer. So the last third of the training is judged where the rate falls in it by at most a fifth of its largest
    value (constant and exponential schedules), and otherwise the longest stretch of one rate: the stable phase of
    ``wsd``, or a step. A schedule that falls steeply all the way (a cosine, a line, one cycle) has none, and its rise
    says nothing. Of a user's own loop the rates are unknown, and the last third is judged with that said. Ours.

    Args:
        study: the question.
        tested: the epochs after which that run was tested. The one where the last third of the training begins, and
            the final ones, always are; inside a stretch of one rate, those count that happen to lie there.
    """
    window = convergence_window(study)
    if window is None:
        return None
    run, start, width = window.run, window.start, window.width
    if not study.optimizer.schedule_known:
        return Comparison(run, start, run.total, width, "unknown_rate")
    rates = [epoch_rate(study, run, epoch).mean for epoch in range(run.total)]
    if rates[start - 1] - rates[-1] <= FALLEN * max(rates):
        return Comparison(run, start, run.total, width, "last_third")
    first, last = _longest_stretch(rates)
    inside = [epoch for epoch in tested if first < epoch <= last]
    end = max(inside, default=first)
    start = max((epoch for epoch in inside if epoch <= end - max(1, (last - first) // 3)), default=first)
    width = min(study.statistics.final_epochs, end - start, start - first)
    return Comparison(run, start, end, width, "one_rate") if width else None


def _longest_stretch(rates: Sequence[float]) -> tuple[int, int]:
    """The epochs before and after the longest stretch of one learning rate; the last one of equals."""
    begins = [epoch for epoch in range(len(rates)) if not epoch or not math.isclose(rates[epoch - 1], rates[epoch])]
    stretches = zip(begins, [*begins[1:], len(rates)], strict=True)
    return max(stretches, key=lambda one: (one[1] - one[0], one[0]))
