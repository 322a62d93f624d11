"""The window sweep: a deficit of fixed length at each of several onsets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from critlab.study.ingredients.window import Window
from critlab.study.sweeps.sweep import Sweep, SweepWords, crossing
from critlab.study.types import Epoch, Epochs, Place, increasing

if TYPE_CHECKING:
    from critlab.study.sweeps.sweep import Floats


class WindowSweep(Sweep):
    """A deficit of ``length`` epochs at each of ``onsets``."""

    words: ClassVar = SweepWords(
        axis="Deficit begins at epoch",
        point="onset",
        chart="window_curve",
        damage_chart="sensitivity",
        damage_title="Sensitivity: damage by onset of the deficit",
        by="when the deficit begins",
        note=" Every run has the same number of epochs under the deficit.",
        when="in a window that begins at each epoch shown",
        column="onset",
        from_to="from epoch",
        closing="a window that begins later costs less than half of the worst",
        further="add later onsets",
        meaning="The epoch before which the deficit begins. Training is clean before it and after the window.",
    )
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, figure 1C"
    same_clock_first: ClassVar[bool] = True
    rate_differs_by_point: ClassVar[bool] = True
    points_key: ClassVar[str] = "onsets"
    kind: Literal["window"] = "window"
    onsets: Annotated[tuple[Epoch, ...], Field(min_length=1)]
    length: Epochs

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        increasing(self.onsets, "onsets")
        self.check_total(self.onsets[-1] + self.length, "the windows")
        return self

    @property
    def points(self) -> tuple[Place, ...]:
        """Onsets."""
        return self.onsets

    def window(self, at: Place) -> Window:
        """``length`` epochs from the onset."""
        return Window(int(at), int(at) + self.length)

    @property
    def control_points(self) -> tuple[Place, ...]:
        """The first onset, where a period that closes is open."""
        return self.onsets[:1]

    @property
    def shortest(self) -> int:
        """Epochs of the run with the first window."""
        return self.total_epochs(self.onsets[0] + self.length)

    def question(self, deficit: str, model: str, data: str) -> str:
        """What the study asks."""
        return (
            f"When is {model} on {data} most sensitive to {deficit}, if it lasts {self.length} epochs "
            "and comes earlier or later"
        )

    def panel_title(self, at: Place) -> str:
        """When the deficit was on."""
        window = self.window(at)
        return f"Deficit in epochs {window.start} to {window.stop}"

    def half_maximum(self, at: Floats, means: Floats) -> Floats:
        """The epoch after the peak at which the mean damage falls below half of the peak."""
        found: Floats = crossing(at, means, "down_after_peak")
        return found

    def open_reason(self, at: Floats, means: Floats, closing: float) -> str:
        """Why the damage may fall only after the last onset."""
        stays = f"the damage stays above half of its peak up to the last onset, {at[-1]:.0f}"
        return "" if math.isfinite(closing) else stays
