"""A run: one network's whole training, as a choice of deficit, window, clock, intervention and length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from critlab.deficits import Deficit
from critlab.study.ingredients.background_deficit import BackgroundDeficit
from critlab.study.ingredients.intervention import Intervention
from critlab.study.ingredients.window import Window
from critlab.study.ingredients.window_override import WindowOverride
from critlab.study.types import Place

Role = Literal[
    "control",
    "deficit",
    "negative_control",
    "clock_control",
    "intervention_control",
    "restarted_control",
    "same_clock_control",
    "intervened_control",
    "equal_total_control",
    "undisturbed_control",
    "delay_control",
    "newborn_control",
]
FROZEN = "frozen"
"""What the table says of the window of a frozen run."""

Against = Literal["plain", "restarted", "same_clock", "intervened", "equal_total", "undisturbed"]


class Contrast(NamedTuple):
    """A clean run that a run is compared with.

    Args:
        kind: in what the clean run is equal to the run, apart from the deficit.
        control: the clean run's name.
    """

    kind: Against
    control: str


def treatment_label(
    deficit: Deficit | None, switch: WindowOverride | None, background: tuple[BackgroundDeficit, ...] = ()
) -> str:
    """The deficit's name, the switch in one word, the background in words, or several; empty where nothing is on."""
    names = [deficit.name] if deficit else []
    return " + ".join([*names, *([switch.words()] if switch else []), *(one.words() for one in background)])


def final_epochs(total: int, window: Window, most: int) -> range:
    """The epochs whose tests make up a final accuracy, counted from 1.

    The last ``min(most, clean epochs after the window)``; where there are no such epochs (a clean run, a deficit that
    is never removed), the last ``min(most, total)``.

    Args:
        total: epochs of the run.
        window: when the deficit was on; empty in a clean run.
        most: at most so many, at least 1.
    """
    stop = window.stop if window.start < window.stop < total else 0
    return range(max(total - most, stop) + 1, total + 1)


@dataclass(frozen=True)
class Run:
    """One network's training, the same for every seed.

    Args:
        name: stable and readable; unique in its study.
        arm: the curve that the run is a point of.
        role: what the run is for.
        at: its place on that curve: removal epoch, ``"never"``, or onset.
        deficit: None for a clean run, or where only a switch is on.
        window: when the deficit and the switch are on. A clean run whose schedule restarts, or that gets an
            intervention, has an empty window there.
        clock: which clock the learning rate follows.
        total: epochs in all.
        controls: the clean runs that it is compared with, the first one first of all.
        switch: what else is changed in the window.
        intervention: what is done to the network when the window has closed.
        background: deficits with windows of their own.
        frozen: whether nothing is trained in the window: the epochs are counted, and the state stays as it is.
    """

    name: str
    arm: str
    role: Role
    at: Place
    deficit: Deficit | None
    window: Window
    clock: str
    total: int
    controls: tuple[Contrast, ...] = ()
    switch: WindowOverride | None = None
    intervention: Intervention | None = None
    background: tuple[BackgroundDeficit, ...] = ()
    frozen: bool = False

    @property
    def clean(self) -> bool:
        """Whether nothing is on in the window, whatever the background."""
        return self.deficit is None and self.switch is None and not self.frozen

    @property
    def recovery(self) -> int:
        """Epochs after the window."""
        return self.total - self.window.stop

    @property
    def frozen_epochs(self) -> int:
        """Epochs in which nothing is trained; they cost nothing."""
        return self.window.stop - self.window.start if self.frozen else 0

    @property
    def treatment_label(self) -> str:
        """What is on in the window and in the background, as the table has it; empty where nothing is."""
        label = treatment_label(self.deficit, self.switch, self.background)
        return " + ".join(filter(None, [FROZEN, label])) if self.frozen else label

    def final_epochs(self, most: int) -> range:
        """The epochs whose tests make up the final accuracy: the last ``most``, without those of the window."""
        return final_epochs(self.total, self.window, most)

    def identifier(self, seed: int) -> str:
        """The readable name of the run with one seed."""
        return f"{self.name}-seed{seed}"
