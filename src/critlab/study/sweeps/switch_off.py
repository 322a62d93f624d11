"""The switch-off sweep: on from the start until each of several epochs, and then off."""

from __future__ import annotations

from typing import ClassVar, Literal

from critlab.study.ingredients.window import Window
from critlab.study.sweeps.sweep import SweepWords
from critlab.study.sweeps.timing import TimingSweep
from critlab.study.types import Place


class SwitchOffSweep(TimingSweep):
    """On from the start until each of ``at``, then off; 0 is the clean run, and ``"never"`` is never off: always on."""

    words: ClassVar = SweepWords(
        axis="Switched off after epoch",
        point="switch-off",
        chart="switch_off_curve",
        damage_chart="switch_off_damage",
        damage_title="Loss against never on, by when it is switched off",
        by="when it is switched off",
        note=" All runs have the same number of epochs.",
        when="from the start until each epoch shown",
        column="off after",
        from_to="until epoch",
        closing="switched off by then, {arm} costs at most half of its largest effect",
        further="add later points",
        meaning="The epoch after which the switch is off. Until then it is on.",
    )
    direction: ClassVar[Literal["on", "off"]] = "off"
    origin: ClassVar[Place | None] = 0
    kind: Literal["switch_off"] = "switch_off"

    def window(self, at: Place) -> Window:
        """From the start until the point; to the end for ``"never"``."""
        return Window(0, self.end if at == "never" else at)

    def question(self, deficit: str, model: str, data: str) -> str:
        """What the study asks."""
        return f"After how many epochs of {self.end} should {deficit} be switched off in {model} on {data}"

    def panel_title(self, at: Place) -> str:
        """When it was switched off."""
        return "Never off" if at == "never" else "Never on" if at == 0 else f"Off from epoch {at}"
