"""Where the points of a sweep stand on the horizontal axis."""

from __future__ import annotations

from itertools import pairwise

from critlab.report.charts.encoding import JSON, quantity
from critlab.report.text.names import place_title
from critlab.study import Study

BESIDE, WIDEST = 0.009, 0.6
"""How far curves are moved aside: of the axis, and at most of the gap between two points for all curves together."""


class Places:
    """Where the points of a sweep stand on the axis; ``"never"`` stands one step after the last."""

    def __init__(self, study: Study) -> None:
        numbers = [at for at in study.sweep.points if isinstance(at, int)]
        origin = study.sweep.origin
        self.numbers = sorted({*numbers, *([origin] if isinstance(origin, int) else [])})
        last = self.numbers[-1] if self.numbers else 0
        step = last - self.numbers[-2] if len(self.numbers) > 1 else max(1, last)
        self.never = last + step
        self.has_never = "never" in study.sweep.points
        self.title = place_title(study)

    def __getitem__(self, at: int | str) -> int:
        return self.never if at == "never" else int(at)

    @property
    def shown(self) -> list[int]:
        """All places, in order."""
        return [*self.numbers, *([self.never] if self.has_never else [])]

    def beside(self, place: int, of: int) -> float:
        """How far the curve ``place`` of ``of`` is moved aside, so that no interval covers another one."""
        gap = min((b - a for a, b in pairwise(self.shown)), default=1)
        step = min(BESIDE * (self.shown[-1] - self.shown[0]), WIDEST * gap / max(of, 1)) if len(self.shown) > 1 else 0.0
        # the first curve stands at its points; the others alternate to its right and left
        return step * ((place + 1) // 2) * (1 if place % 2 else -1)

    @property
    def between(self) -> float:
        """Half-way between the last two places, where no interval stands in the way of a label."""
        return sum(self.shown[-2:]) / len(self.shown[-2:])

    @property
    def channel(self) -> JSON:
        """The horizontal channel."""
        axis: JSON = {"tickCount": 8}
        if len(self.shown) <= 12:
            axis = {"values": self.shown, "labelOverlap": "greedy"}
        if self.has_never:
            axis["labelExpr"] = f"datum.value === {self.never} ? 'never' : datum.label"
        # all points of the sweep, also while some of them have no result yet
        scale: JSON = {"zero": False, "nice": False, "padding": 14}
        if len(self.shown) > 1:
            scale["domain"] = [self.shown[0], self.shown[-1]]
        return quantity("x", self.title, axis=axis, scale=scale)
