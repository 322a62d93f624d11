"""Is a source's prime learning window still open? A rule on the growth of the Fisher trace of the source's weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from critlab._core.estimate import Estimate

Floats = NDArray[np.float64]

AVERAGED = 10
"""Epochs over which the trace is averaged, as in the source's code."""

THRESHOLD = 0.04
"""The relative growth in an epoch above which the window is open, as in the source's code."""

RULE = f"open while the trace's mean over {AVERAGED} epochs grows by more than {THRESHOLD * 100:g} % an epoch"
SOURCE = (
    "Huang, Wei, Yang and Hu 2025, whose code has this mean and this threshold, for audio and video; the trace from "
    "drawn labels, its errors and readings at other intervals: ours"
)


@dataclass(frozen=True)
class PrimeWindow:
    """What the rule says after the latest reading of one source.

    Args:
        open: whether the window is open; None while less than an epoch is known, or where the trace is not positive.
        since: the first reading from which on ``open`` has been what it is, in the unit of the readings; None where
            nothing is said.
        growth: relative growth of the mean trace in the latest epoch, with the error that the readings' errors leave;
            None where nothing is said either.
    """

    open: bool | None = None
    since: float | None = None
    growth: Estimate | None = None

    @property
    def name(self) -> str:
        """``open``, ``closed`` or ``unknown``."""
        return "unknown" if self.open is None else "open" if self.open else "closed"


def prime_window(
    at: Sequence[float], traces: Sequence[float], errors: Sequence[float], *, epoch: float = 1.0
) -> PrimeWindow:
    """The window after the last of some readings of a source's trace; it may open again.

    The window is open where :func:`growth` is above 0.04. So a trace that grows exponentially keeps it open while it
    grows by more than ``-log(0.96)`` = 0.0408 an epoch, and one that grows linearly from 0 until epoch 29.5.

    Args:
        at: places of the readings, increasing: steps or epochs.
        traces: of the weights that only this source feeds, at least one reading.
        errors: their standard errors; 0 for exact ones.
        epoch: an epoch in the unit of ``at``.

    Error: whether the window is open is said from the growth alone, however large its error.

    Source: Huang, Wei, Yang and Hu, CVPR 2025 (InfoReg), who call "prime learning window" the early epochs in which a
    modality's information grows, and slow the faster modality down there. From their code: the mean over ten epochs,
    its relative growth, and the threshold of 0.04, which they chose for their audio and video; nothing says that it
    holds elsewhere. Differences: their trace is of the gradients of batches at the data's labels, squared, averaged
    over the weights of each convolutional or linear layer and summed over the modality's layers; ours is the Fisher
    information with labels from the model, of all weights of the modality. Where fewer than ten epochs are known, they
    divide by ten all the same, so that a trace that rests looks as if it grew for ten epochs and keeps their window
    open; ours is the mean of what is known. They read it of one modality, ours of each. Readings that are not an epoch
    apart, and errors: ours.
    """
    window = PrimeWindow()
    for last in range(len(at)):
        stop = last + 1
        window = followed(window, at[:stop], traces[:stop], errors[:stop], epoch=epoch)
    return window


def followed(
    window: PrimeWindow,
    at: Sequence[float],
    traces: Sequence[float],
    errors: Sequence[float],
    *,
    epoch: float = 1.0,
) -> PrimeWindow:
    """The window after one more reading, the last of those given.

    Args:
        window: as it was before this reading.
        at, traces, errors, epoch: as of :func:`prime_window`.
    """
    found = growth(at, traces, errors, epoch=epoch)
    if found is None:
        return PrimeWindow()
    now = found.value > THRESHOLD
    return PrimeWindow(now, window.since if now == window.open else float(at[-1]), found)


def growth(
    at: Sequence[float], traces: Sequence[float], errors: Sequence[float], *, epoch: float = 1.0
) -> Estimate | None:
    """The relative growth of a source's mean trace in the epoch that ends at the last reading.

    ``(M(t) - M(t - 1)) / M(t)`` with ``M(t)`` the mean of the trace at the epochs ``t, t - 1, ..., t - 9``, of which
    there are fewer near the beginning; between readings the trace is interpolated linearly.

    Args:
        at, traces, errors, epoch: as of :func:`prime_window`.

    Returns:
        None where less than an epoch is known, or where the mean trace is not positive and finite.

    Error: to first order, from the errors of the readings as if these were independent.

    Source: as of :func:`prime_window`.
    """
    places = np.asarray(at, dtype=np.float64) / epoch
    now, before = _mean_weights(places, places[-1]), _mean_weights(places, places[-1] - 1)
    if now is None or before is None:
        return None
    values = np.asarray(traces, dtype=np.float64)
    late, early = float(now @ values), float(before @ values)
    if not (math.isfinite(late) and math.isfinite(early) and late > 0):
        return None
    slopes = (early / late * now - before) / late
    # where no reading's error is needed, an unknown one does no harm: 0 times infinity is not a number
    parts = slopes[slopes != 0] * np.asarray(errors, dtype=np.float64)[slopes != 0]
    return Estimate(1 - early / late, float(np.sqrt(np.square(parts).sum())))


def _mean_weights(places: Floats, end: float) -> Floats | None:
    """The weight of each reading in the mean over the epochs up to ``end``; None where ``end`` lies before them."""
    # steps divided by an epoch's length are not quite whole
    known = math.floor(end - places[0] + 1e-9) + 1
    if known < 1:
        return None
    wanted = np.maximum(end - np.arange(min(known, AVERAGED)), places[0])
    if len(places) == 1:
        return np.ones(1)
    weights = np.zeros(len(places))
    after = np.clip(np.searchsorted(places, wanted), 1, len(places) - 1)
    share = (wanted - places[after - 1]) / (places[after] - places[after - 1])
    np.add.at(weights, after - 1, (1 - share) / len(wanted))
    np.add.at(weights, after, share / len(wanted))
    return weights
