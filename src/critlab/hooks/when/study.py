"""The question of ``critlab.when`` as a study: its trunk, its forks and their names are those of the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from critlab._core.user_code.identity import OwnCode, own_code
from critlab.deficits import Deficit
from critlab.hooks.own_loop.study import OwnData, OwnModel, OwnSchedule
from critlab.hooks.when.learner import SwitchLoop
from critlab.hooks.when.options import WhenOptions
from critlab.study.ingredients.window import Window
from critlab.study.study import Study
from critlab.study.sweeps.sweep import Sweep, SweepWords
from critlab.study.types import Epoch, Place, sequence

if TYPE_CHECKING:
    from critlab.study.sweeps.sweep import Floats

NEVER_TESTED = 1_000_000
"""Epochs between two tests: only the ends of runs are tested."""


class OwnSwitch(Deficit):
    """Stands for the user's switch, which is on in the window; the user's loop applies it."""

    name = "switch"
    citation = "ours"
    version: ClassVar[int | str] = "1"
    input_kind: ClassVar[Any] = "unread"
    label_kind: ClassVar[Any] = "unread"

    def apply(self, images: Any, labels: Any, context: Any) -> tuple[Any, Any]:
        """Return the batch as it is."""
        return images, labels


class SwitchTimes(Sweep):
    """A switch of the user's, on from each time to the end, or from the start until each time."""

    words: ClassVar = SweepWords(
        axis="Time of the switch (epochs)",
        point="time",
        chart="switch_times",
        damage_chart="switch_costs",
        damage_title="Cost by time of the switch",
        by="when the switch is flipped",
        note="",
        when="from each epoch shown",
        column="time",
        from_to="at epoch",
        closing="a switch that is flipped later costs less than half of the worst",
        further="add times",
    )
    points_key: ClassVar[str] = "at"
    kind: Literal["critlab.hooks.when.study:SwitchTimes"] = "critlab.hooks.when.study:SwitchTimes"
    at: Annotated[tuple[Epoch, ...], BeforeValidator(sequence), Field(min_length=1)]
    direction: Literal["on", "off"] = "on"

    @property
    def points(self) -> tuple[Place, ...]:
        """Times at which the switch is flipped and, later or earlier, on."""
        return self.at

    def window(self, at: Place) -> Window:
        """When the switch is on."""
        end = self.run_epochs(at)
        return Window(int(at), end) if self.direction == "on" else Window(0, int(at))

    def run_epochs(self, at: Place) -> int:
        """All runs are equally long."""
        return int(self.total or 0)

    def tested(self, at: Place) -> bool:
        """No verdict is about a switch of the user's."""
        return False

    @property
    def shortest(self) -> int:
        """The length of training."""
        return int(self.total or 0)

    def question(self, deficit: str, model: str, data: str) -> str:
        """What the study asks."""
        return f"When should {deficit} be turned {self.direction} in {model} on {data}"

    def panel_title(self, at: Place) -> str:
        """When the switch was flipped."""
        return f"Flipped at epoch {at}"

    def half_maximum(self, at: Floats, means: Floats) -> Floats:
        """Infinite: a switch has a best time and no closing."""
        import numpy as np

        return np.full(means.shape[:-1], np.inf)

    def open_reason(self, at: Floats, means: Floats, closing: float) -> str:
        """Nothing."""
        return ""


class WhenStudy(Study):
    """A study that only the same call can run, since no file can hold the user's functions."""

    command: ClassVar[str] = "the same call of critlab.when, with the same store"


def when_study(
    loop: SwitchLoop, times: Sequence[int], seeds: Sequence[int], total: int, options: WhenOptions
) -> WhenStudy:
    """The study of all times and seeds that may be tried; its names do not depend on which are.

    Raises:
        StudyError: with one line for each problem; or a function cannot be read and there is no version.
    """
    codes = [] if options.version is not None else list(_sources(loop))
    named = {} if options.version is None else {"version": options.version}
    on = options.direction == "on"
    treated = [time for time in times if (time < total if on else time > 0)]
    return WhenStudy.read(
        {
            "name": options.name,
            "seeds": list(seeds),
            "data": OwnData(name=options.data),
            "model": OwnModel.of(options.model, named, codes),
            "optimizer": OwnSchedule(name="sgd"),
            "deficit": OwnSwitch(),
            "sweep": {
                "kind": "critlab.hooks.when.study:SwitchTimes",
                "at": treated or [0 if on else total],
                "total": total,
                "direction": options.direction,
            },
            "controls": {"delay": False, "clocks": ()},
            "statistics": {"final_epochs": 1},
            "evaluation": {"every": NEVER_TESTED},
            "precision": "float32",
        },
        "when",
    )


def _sources(loop: SwitchLoop) -> Iterator[tuple[str, OwnCode]]:
    for name in ("make", "advance", "evaluate", "switch"):
        function = getattr(loop, name)
        # a framework's loop is critlab's code around functions of the user's
        yield f"source_of_{name}", own_code(getattr(function, "__wrapped__", function), name, here=True)
