"""The question of ``critlab.when`` as a study: its trunk, its forks and their names are those of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from critlab.deficits import Deficit
from critlab.hooks.own_loop.given import GivenLoop
from critlab.hooks.own_loop.study import OwnData, OwnModel, OwnSchedule
from critlab.hooks.when.options import Direction, WhenOptions
from critlab.study.runs.recipe import recipes
from critlab.study.runs.tree import Tree
from critlab.study.study import Study

COUNTED = ("make", "advance", "evaluate", "switch")
"""The functions of a loop whose code names its results."""

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
    loop: GivenLoop, times: Sequence[int], seeds: Sequence[int], total: int, options: WhenOptions
) -> WhenStudy:
    """The study of all times and seeds that may be tried; its names do not depend on which are.

    Raises:
        StudyError: with one line for each problem; or a function cannot be read and there is no version.
    """
    codes = [] if options.version is not None else loop.codes(COUNTED, wrapped=True)
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


def when_tree(study: WhenStudy, adopted: Mapping[str, str], times: Iterable[int]) -> Tree:
    """The trunk, in which the switch is never flipped, and a fork from it at each of ``times``.

    Args:
        study: the question.
        adopted: as in :func:`critlab.study.runs.tree.build`.
        times: epochs from 0 to the length of training, which stands for never.
    """
    tree, total = Tree(), study.sweep.shortest
    clean = next(run for run in study.runs if run.clean)
    off = recipes(clean, study)
    on = [replace(one, deficit=study.deficit) for one in off]
    trunk, flipped = (off, on) if study.sweep.kind == KINDS["on"] else (on, off)
    for time in sorted(times):
        steps = trunk if time == total else [*trunk[:time], *flipped[time:]]
        tree.add(flip_name(time), steps, adopted, final=(total,))
    return tree


def flip_name(time: int) -> str:
    """The name of the run whose switch is flipped at ``time``."""
    return f"flipped-at-{time}"
