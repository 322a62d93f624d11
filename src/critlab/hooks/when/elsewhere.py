"""Trainings with a switch in another process: from the message that begins its work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from critlab.engine.learner import Learner, WorkSource
from critlab.engine.study_run import StudyRun
from critlab.hooks.own_loop.given import GivenLoop
from critlab.hooks.own_loop.processes.probe_work import loop_again, study_again
from critlab.hooks.when.learner import SwitchLearner, SwitchLoop
from critlab.hooks.when.options import WhenOptions
from critlab.hooks.when.study import COUNTED, OwnSwitch, WhenStudy, when_tree
from critlab.store import Store

SWITCH_FUNCTIONS = ("make", "advance", "evaluate", "save", "load", "switch")
"""What a loop with a switch has."""


def when_source(loop: GivenLoop, options: WhenOptions, times: Iterable[int], metric: str) -> WorkSource:
    """From what another process makes the study and its learner."""
    own = {"loop": loop.path, "device": loop.device, "threads": options.threads or 1, "metric": metric}
    return WorkSource("critlab.hooks.when.elsewhere:when_work", {**own, "times": sorted(times)})


def when_work(setup: Mapping[str, Any], images: object) -> tuple[StudyRun, Learner]:
    """The study that a message describes, and its learner.

    Raises:
        CritlabError: the user's code is not what it was when the message was written.
    """
    values = setup["source_values"]
    loop = loop_again(values, SWITCH_FUNCTIONS, "when")
    codes = [] if "version" in setup["study"]["model"] else loop.codes(COUNTED, wrapped=True)
    study, ids = study_again(WhenStudy, setup, codes, deficit=OwnSwitch())
    run = StudyRun(study, ids, Store(setup["store"]), when_tree(study, ids.adopted, values["times"]))
    return run, SwitchLearner(SwitchLoop(**loop.functions), values["metric"])
