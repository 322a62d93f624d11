"""The question of ``critlab.when`` as a study: its trunk, its forks and their names are those of the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from critlab._core.user_code.identity import OwnCode, own_code
from critlab.deficits import Deficit
from critlab.hooks.own_loop.study import OwnData, OwnModel, OwnSchedule
from critlab.hooks.when.learner import SwitchLoop
from critlab.hooks.when.options import Direction, WhenOptions
from critlab.study.study import Study

KINDS: Mapping[Direction, str] = {"on": "onset", "off": "switch_off"}
"""The sweep over switch times of each direction."""

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
    before = [time for time in times if time < total]
    return WhenStudy.read(
        {
            "name": options.name,
            "seeds": list(seeds),
            "data": OwnData(name=options.data),
            "model": OwnModel.of(options.model, named, codes),
            "optimizer": OwnSchedule(name="sgd"),
            "deficit": OwnSwitch(),
            "sweep": {"kind": KINDS[options.direction], "at": before or [0], "total": total},
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
