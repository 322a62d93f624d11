"""True effects of simulated studies: nulls that must not be called present or absent, and planted critical periods."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from critlab.analysis.calibration.design import Design, Part
from critlab.study.runs.run import Run

DELAY = 0.10
"""What losing the time until the last point costs on the study's own schedule in the null of pure delay, a fraction."""

LENGTH = 0.05
"""What clean training for as long as the longest run is worth, in the null of longer training: a fraction."""

CURVE = 0.10
"""What is left to learn after the shortest run, in the null of lost time on a learning curve that flattens."""

SATURATION = 3.0
"""How often the learning curve of the null of lost time falls to 1/e of what is left to learn, over the sweep."""

KEPT = 0.3
"""The part of that gain that runs with the deficit keep unless said: they beat the newborn and lose to runs of equal
length."""

Shape = Callable[[float], float]
"""Damage as a share of the largest, by place in the sweep: from 0, where least is expected, to 1 at the other end."""

SHAPES: dict[str, Shape] = {
    "last": lambda place: float(place == 1),
    "step": lambda place: float(place >= 0.5),
    "smooth": lambda place: (1 - math.exp(-(0.2 + 2.5 * place))) / (1 - math.exp(-2.7)),
    "plateau": lambda place: min(1.0, 0.2 + 2 * place),
    "all": lambda place: 1.0,
}
"""``last`` is damage at a single point, ``all`` at every point."""


@dataclass(frozen=True)
class Truth:
    """True effects of the runs of a study.

    Args:
        name: in results.
        harm: what the deficit costs whatever the schedule, a fraction, where ``shape`` is 1.
        shape: of the harm over the sweep.
        delay: what losing the time costs on the study's schedule at the last point.
        length: what clean training for as long as the longest run is worth.
        kept: the part of that gain that runs with the deficit keep.
        curve: what is left to learn after the shortest run, on a learning curve that flattens; epochs in the window
            count for nothing, whether frozen or with the deficit.
    """

    name: str
    harm: float = 0.0
    shape: str = "all"
    delay: float = 0.0
    length: float = 0.0
    # the random numbers of a truth depend on its fields but for these two
    kept: float = field(default=KEPT, repr=False)
    curve: float = field(default=0.0, repr=False)

    def __call__(self, design: Design, run: Run, part: Part) -> float:
        """The true accuracy of a run relative to the newborn's, a fraction."""
        gain, learned = self._gain(design, run), self._learned(design, run)
        if part == "clean":
            return gain + learned
        place = design.place(run)
        lost = self.delay * (0.2 + 0.8 * place) if run.name not in design.restarted else 0.0
        if part == "frozen":
            return learned - lost
        order = 1 - place if design.early else place
        return learned + self.kept * gain - lost - self.harm * SHAPES[self.shape](order)

    def _gain(self, design: Design, run: Run) -> float:
        shortest, longest = min(one.total for one in design.runs), max(one.total for one in design.runs)
        return self.length * (run.total - shortest) / (longest - shortest) if longest > shortest else 0.0

    def _learned(self, design: Design, run: Run) -> float:
        """What the epochs outside the window teach; on a restarted clock, those that follow it at full rate."""
        least = min(one.total - _lost(one) for one in design.runs)
        span = max(one.total for one in design.runs) - least
        return self.curve * (1 - math.exp(-SATURATION * (run.total - _lost(run) - least) / span)) if span else 0.0


def _lost(run: Run) -> int:
    """Epochs that teach nothing where the deficit only takes time: those in the window, of a clean run none."""
    return run.window.stop - run.window.start if run.deficit is not None or run.switch or run.frozen else 0


def nulls(smallest: float) -> tuple[Truth, ...]:
    """Truths of which some answer is false; the last three are exactly at the smallest damage of interest."""
    return (
        Truth("no effect"),
        Truth("delay explains all", delay=DELAY),
        Truth("longer training helps", length=LENGTH),
        Truth("lost time on a flattening learning curve", curve=CURVE),
        Truth("longer training hides the smallest damage", length=smallest, kept=0.0),
        Truth("smallest damage everywhere", harm=smallest, delay=DELAY),
        Truth("smallest damage at one point", harm=smallest, shape="last"),
    )
