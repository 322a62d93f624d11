"""The removal sweep: the deficit from the start until each of several epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from critlab.study.ingredients.window import Window
from critlab.study.sweeps.sweep import Sweep, SweepWords, crossing
from critlab.study.types import Place, Removal, increasing

if TYPE_CHECKING:
    from critlab.study.sweeps.sweep import Floats

STEEP = 0.5
"""A sweep ends too early where its last stretch rises at this share of the mean slope before closing."""


class RemovalSweep(Sweep):
    """The deficit from epoch 0 until each of ``at``; ``"never"`` last: a deficit that is not removed."""

    words: ClassVar = SweepWords(
        axis="Deficit removed after epoch",
        point="removal epoch",
        chart="removal_curve",
        damage_chart="damage",
        damage_title="Damage, by when the deficit is removed",
        by="when the deficit is removed",
        note="",
        when="from the first epoch until removal",
        column="removed",
        from_to="until epoch",
        closing="if removed by then, {arm} leaves at most half of its largest damage",
        further="add later removal epochs",
        meaning="The number of epochs trained under the deficit before it is taken away. Training then goes on with "
        "clean data.",
    )
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, figure 1"
    origin: ClassVar[Place | None] = 0
    points_key: ClassVar[str] = "at"
    kind: Literal["removal"] = "removal"
    at: Annotated[tuple[Removal, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        increasing(self.at, "at")
        self.check_total(self._last, "at")
        return self

    @property
    def _last(self) -> int:
        return max((at for at in self.at if at != "never"), default=0)

    @property
    def points(self) -> tuple[Place, ...]:
        """Removal epochs."""
        return self.at

    def window(self, at: Place) -> Window:
        """From the start until the removal; to the end of the run where the deficit is never removed."""
        return Window(0, self.total_epochs(self._last) if at == "never" else at)

    def run_epochs(self, at: Place) -> int:
        """Epochs of the run; a deficit that is never removed lasts as long as the longest other run."""
        return self.total_epochs(self._last if at == "never" else at)

    def baseline_epochs(self, total: int) -> int:
        """Those of a run whose deficit was removed before it began."""
        return self.total_epochs(0)

    @property
    def shortest(self) -> int:
        """Epochs of the clean run."""
        return self.total_epochs(0)

    def question(self, deficit: str, model: str, data: str) -> str:
        """What the study asks."""
        begins = f"Does {deficit}, present from the start and then removed"
        return f"{begins}, leave lasting damage in {model} on {data}"

    def panel_title(self, at: Place) -> str:
        """When the deficit was removed."""
        return "Never removed" if at == "never" else f"Removed after epoch {at}"

    def half_maximum(self, at: Floats, means: Floats) -> Floats:
        """The earliest epoch at which the mean damage reaches half of its largest value."""
        found: Floats = crossing(at, means, "up")
        return found

    def open_reason(self, at: Floats, means: Floats, closing: float) -> str:
        """Why the largest damage may lie beyond the last removal."""
        if at.size < 3 or closing > at[-2]:
            return "half of the largest damage is reached only between the last two removal epochs"
        slope = (means[-1] - means[-2]) / (at[-1] - at[-2])
        if slope >= STEEP * means.max() / 2 / closing:
            return f"the damage still rises at the last removal epoch, {at[-1]:.0f}"
        return ""
