"""Whether a user's epochs can be repeated, and whether a saved state goes on, on both sides of a switch."""

from __future__ import annotations

from critlab._core.errors import Diverged, StudyError
from critlab.hooks.own_loop.resume_check import same_states
from critlab.hooks.when.learner import SwitchLearner
from critlab.hooks.when.options import Direction
from critlab.hooks.when.study import OwnSwitch
from critlab.study.runs.recipe import Recipe

OFF = Recipe(lr=1.0, weight_decay=0.0)
ON = Recipe(lr=1.0, weight_decay=0.0, deficit=OwnSwitch())


def check_switch(learner: SwitchLearner, seed: int, direction: Direction, total: int) -> None:
    """Trains a state, flips the switch in it and in its copy, and compares what becomes of both.

    Args:
        learner: with the user's functions.
        seed: of the state.
        direction: of the switch.
        total: epochs of a run; of a shorter one less is checked.

    Raises:
        StudyError: two states made with the same seed differ; a state and its copy, which were saved and loaded or
            trained for the same epoch, differ; or the switch failed.

    Cost: five epochs.
    """
    before, after = (OFF, ON) if direction == "on" else (ON, OFF)
    state = learner.start({"seed": seed})
    again = learner.start({"seed": seed})
    same_states(learner, state, again, "make(seed) gave two states", "draw from torch's generator", "when")
    keep = "save everything that the next epoch depends on, such as the optimiser's state and whether the switch is on"
    repeat = f"{keep}; and let advance draw random numbers from torch's, numpy's or Python's global generators only"
    try:
        learner.advance(state, before, 0)
        if total < 2:
            return
        for recipe, epoch in ((after, 1), (after, 2))[: total - 1]:
            copy = learner.unpack(learner.pack(state))
            same_states(learner, state, copy, "load(save(training)) and the training itself", keep, "when")
            losses, other = (learner.advance(one, recipe, epoch) for one in (state, copy))
            side = "across the switch" if epoch == 1 else "after the switch"
            what = f"a training and its copy, trained for another epoch {side},"
            same_states(learner, state, copy, what, repeat, "when")
            if losses != other:
                raise StudyError(f"when: {what} gave the losses {losses} and {other}; {repeat}")
    except Diverged:
        # a training that diverges is a result, and is reported where it is trained
        return
