"""The onset sweep: on from each of several epochs to the end of training."""

from __future__ import annotations

from typing import ClassVar, Literal

from critlab.study.ingredients.window import Window
from critlab.study.sweeps.sweep import SweepWords
from critlab.study.sweeps.timing import TimingSweep
from critlab.study.types import Place


class OnsetSweep(TimingSweep):
    """On from each of ``at`` to the end of training; 0 is always on, and ``"never"`` is the clean run."""

    words: ClassVar = SweepWords(
        axis="Switched on after epoch",
        point="onset",
        chart="onset_curve",
        damage_chart="onset_damage",
        damage_title="Loss against never on, by when it is switched on",
        by="when it is switched on",
        note=" All runs have the same number of epochs.",
        when="from each epoch shown to the end of training",
        column="on after",
        from_to="from epoch",
        closing="switched on later, {arm} costs less than half of its largest effect",
        further="add later points",
        meaning="The epoch after which the switch is on. Until then it is off.",
    )
    direction: ClassVar[Literal["on", "off"]] = "on"
    origin: ClassVar[Place | None] = "never"
    kind: Literal["onset"] = "onset"

    def window(self, at: Place) -> Window:
        """From the point to the end; empty for ``"never"``."""
        return Window(self.end if at == "never" else at, self.end)

    def question(self, deficit: str, model: str, data: str) -> str:
        """What the study asks."""
        return f"After how many epochs of {self.end} should {deficit} be switched on in {model} on {data}"

    def panel_title(self, at: Place) -> str:
        """When it was switched on."""
        return "Never on" if at == "never" else "Always on" if at == 0 else f"On from epoch {at}"
