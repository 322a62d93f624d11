"""What a simulation needs to know of a study: the runs of its named contrasts, and the parts that they play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from critlab.analysis.judgement.damages import is_complete, kind_of, length_contrasts
from critlab.analysis.judgement.decision import Kind, layout_of
from critlab.analysis.statistics.layout import Layout
from critlab.analysis.statistics.summary import Floats
from critlab.study.runs.estimands import NamedContrast, named_contrasts
from critlab.study.runs.missing_contrasts import missing_contrasts
from critlab.study.runs.run import Run
from critlab.study.study import Study

Part = Literal["clean", "frozen", "deprived", "last"]
"""``clean``: no deficit. ``frozen``: not trained in the window. ``deprived``: with the deficit. ``last``: with the
deficit, at the point of the largest damage of most sweeps (the last removal, the first onset)."""


POINT = 0.01


@dataclass(frozen=True)
class Design:
    """A study as the statistics see it.

    Args:
        name: of the study.
        study: itself.
        contrasts: its named contrasts.
        complete: whether no critical contrast is missing.
        length: the contrasts that show what longer training is worth, see
            :func:`critlab.analysis.judgement.damages.length_contrasts`.
    """

    name: str
    study: Study
    contrasts: tuple[NamedContrast, ...]
    complete: bool
    length: tuple[int, ...] | None

    @property
    def scale(self) -> float:
        """The unit of simulated numbers, in that of the study's metric.

        Simulated damages and deviations are fractions of accuracy. In another metric they are multiples of its smallest
        damage of interest, which counts as one point.
        """
        smallest = self.study.statistics.smallest_damage
        return 1.0 if self.study.metric.in_points or not smallest else smallest / POINT

    @property
    def smallest(self) -> float:
        """The smallest damage of interest in simulated numbers."""
        return self.study.statistics.smallest_damage / self.scale

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The runs of the contrasts, in the order of the study."""
        named = {name for contrast in self.contrasts for _, name in contrast.terms}
        return tuple(run for run in self.study.runs if run.name in named)

    @cached_property
    def signs(self) -> Floats:
        """The contrasts as sums of runs, ``(contrasts, runs)``."""
        place = {run.name: index for index, run in enumerate(self.runs)}
        found = np.zeros((len(self.contrasts), len(self.runs)))
        for row, contrast in enumerate(self.contrasts):
            for sign, name in contrast.terms:
                found[row, place[name]] += sign
        return found

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """What each contrast decides."""
        return tuple(kind_of(one) for one in self.contrasts)

    @cached_property
    def layout(self) -> Layout:
        """The runs of each contrast as the decision sees them."""
        return layout_of(self.contrasts)

    @cached_property
    def lengths(self) -> Floats:
        """How many runs each contrast has, ``(contrasts,)``."""
        found: Floats = np.abs(self.signs).sum(-1)
        return found

    @cached_property
    def points(self) -> tuple[float, ...]:
        """The tested points that have a lasting damage, in order."""
        return tuple(float(one.at) for one in self.contrasts if one.name == "lasting_damage" and one.at != "never")

    @cached_property
    def early(self) -> bool:
        """Whether a critical period shows as damage of early windows rather than of late removals."""
        return any(one.name == "timing" for one in self.contrasts)

    @cached_property
    def deprived(self) -> frozenset[str]:
        """The runs with the deficit."""
        damaged = ("lasting_damage", "harm")
        return frozenset(one.terms[-1][1] for one in self.contrasts if one.name in damaged)

    @cached_property
    def restarted(self) -> frozenset[str]:
        """Those of them that recover at the newborn's learning rates."""
        return frozenset(one.terms[-1][1] for one in self.contrasts if one.name == "harm")

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The part of each run."""
        return tuple(self._part(run) for run in self.runs)

    def _part(self, run: Run) -> Part:
        if run.role == "delay_control":
            return "frozen"
        if run.name not in self.deprived:
            return "clean"
        worst = self.points[0] if self.early else self.points[-1]
        return "last" if run.at == worst else "deprived"

    def effects(self, truth: Callable[[Design, Run, Part], float]) -> Floats:
        """The true accuracy of each run relative to the newborn's, ``(runs,)``, fractions."""
        return np.array([truth(self, run, part) for run, part in zip(self.runs, self.parts, strict=True)])

    def place(self, run: Run) -> float:
        """Where in the sweep a run stands: 0 at the first point to 1 at the last; 1 where there is one."""
        first, last = self.points[0], self.points[-1]
        return (float(run.at) - first) / (last - first) if last > first else 1.0


def design_of(study: Study) -> Design:
    """The design of a study."""
    contrasts = named_contrasts(study)
    totals = {run.name: run.total for run in study.runs}
    complete = is_complete(missing_contrasts(study))
    return Design(study.name, study, contrasts, complete, length_contrasts(contrasts, totals))
