"""The trainings of the bench: schedules, lengths, networks, data and batches, and what is forked from each.

The settings were chosen on seeds 100 to 109, which the bench does not use, by rules that were written down before: the
peak rate is the one of 0.02, 0.05, 0.1 and 0.2 with the best test accuracy under a cosine of 32 epochs with batch 16.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

from closing_bench.data import DEFICITS, Data, images, tokens
from closing_bench.networks import Convolution, Network
from closing_bench.training import Epoch, Trainer

SEEDS = tuple(range(10))
WINDOW, LENGTHS, CLEAN = 4, (1, 2, 4), 3
"""Epochs of the window whose damage is measured; of forks' windows; clean epochs after these, each with a reading."""

RECOVERY = 8
"""Epochs of a recovery at matched rates: from the peak rate down on a straight line."""

ONSETS = {16: (0, 1, 2, 3, 4, 6, 8), 32: (0, 1, 3, 6, 10, 16, 24), 64: (0, 2, 5, 11, 21, 35, 56)}
SCHEDULES = ("constant", "exponential", "step", "cosine", "cyclic", "warmup_stable_decay")
PEAK = {"images": 0.02, "tokens": 0.1}


def share_of_peak(schedule: str, progress: float) -> float:
    """The learning rate of a schedule as a share of its peak; ``progress`` is the middle of an epoch, in (0, 1)."""
    if schedule == "constant":
        return 1.0
    if schedule == "exponential":
        return float(0.01**progress)
    if schedule == "step":
        return float(0.2 ** (math.floor(3 * progress)))
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    if schedule == "cyclic":
        return 1 - 0.9 * (1 - abs(2 * (2 * progress % 1) - 1))
    if schedule == "warmup_stable_decay":
        return min(1.0, progress / 0.15, (1 - progress) / 0.3)
    raise ValueError(f"schedule: received {schedule!r}; must be one of {SCHEDULES}")


@dataclass(frozen=True)
class Training:
    """One training of the bench.

    Args:
        schedule: of the learning rate.
        length: epochs.
        kind: ``mlp`` or ``conv``.
        data: ``images`` or ``tokens``.
        batch: examples of a step.
    """

    schedule: str
    length: int
    kind: str
    data: str
    batch: int

    @property
    def name(self) -> str:
        """``schedule-length-kind-data-batch``."""
        return f"{self.schedule}-{self.length}-{self.kind}-{self.data}-{self.batch}"

    @property
    def held_out(self) -> bool:
        """A third of the trainings, by a hash of their names."""
        return int(hashlib.sha256(self.name.encode()).hexdigest(), 16) % 3 == 0

    @property
    def onsets(self) -> tuple[int, ...]:
        """Epochs at which a window begins."""
        return ONSETS[self.length]

    @property
    def deficits(self) -> tuple[str, ...]:
        """Those of the data."""
        return DEFICITS[self.data]

    @cached_property
    def rates(self) -> tuple[float, ...]:
        """The learning rate of each epoch."""
        peak = PEAK[self.data]
        return tuple(peak * share_of_peak(self.schedule, (epoch + 0.5) / self.length) for epoch in range(self.length))

    @property
    def recovery(self) -> tuple[float, ...]:
        """The rates of a recovery at matched rates."""
        return tuple(PEAK[self.data] * (1 - (epoch + 0.5) / RECOVERY) for epoch in range(RECOVERY))

    def trainer(self, seeds: tuple[int, ...] = SEEDS) -> Trainer:
        """Ten seeds of it."""
        data = images() if self.data == "images" else tokens()
        return Trainer(network(self.kind, data), data, self.batch, seeds)

    def clean(self, start: int, stop: int) -> list[Epoch]:
        """The training's own epochs."""
        return [Epoch(self.rates[number], number) for number in range(start, stop)]

    def window(self, onset: int, length: int, deficit: str) -> list[Epoch]:
        """Epochs with a deficit; ``identity`` changes nothing but the order of the data."""
        order = 1 if deficit == "identity" else 0
        name = "" if deficit == "identity" else deficit
        return [Epoch(self.rates[number], number, name, order) for number in range(onset, onset + length)]

    def matched(self, onset: int, deficit: str, window: int = WINDOW) -> list[Epoch]:
        """A window at the peak rate and a recovery, whose rates are the same at every onset."""
        inside = [Epoch(PEAK[self.data], onset + place, deficit) for place in range(window)]
        return inside + [Epoch(rate, onset + WINDOW + place) for place, rate in enumerate(self.recovery)]


def network(kind: str, data: Data) -> Network:
    """The small network of a kind for the data."""
    if kind == "mlp":
        return Network(data.example, (), (64, 32), data.classes)
    if data.name == "images":
        return Network(data.example, (Convolution((4, 4), 2, 8), Convolution((3, 3), 1, 16)), (), data.classes)
    width = data.example[1]
    return Network(data.example, (Convolution((3, width), 1, 24), Convolution((3, 1), 1, 32)), (), data.classes)


def trainings() -> list[Training]:
    """All trainings: each schedule with each pair of network and data, at two lengths and both batch sizes.

    The first half is a design of its own: lengths and batch sizes are balanced over schedules, networks and data.
    """
    found = []
    for half in range(2):
        for place, schedule in enumerate(SCHEDULES):
            for pair, (kind, data) in enumerate(PAIRS):
                length = (16, 32, 64)[(place + pair + half) % 3]
                found.append(Training(schedule, length, kind, data, (16, 32)[(place + pair // 2 + half) % 2]))
    return found


PAIRS = (("mlp", "images"), ("conv", "tokens"), ("mlp", "tokens"), ("conv", "images"))
