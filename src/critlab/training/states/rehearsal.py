"""Whether a run that goes on from a checkpoint equals one that never stopped, tried before the first epoch."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from torch import Tensor

from critlab._core.errors import Diverged, StudyError
from critlab.study.ingredients.measurement import TEST, Measurement
from critlab.study.runs.recipe import Recipe
from critlab.training.learner import NetworkLearner
from critlab.training.optimizers import pack_optimizer
from critlab.training.states.network_state import NetworkState
from critlab.training.states.outside import copied, is_plain, outside, same

REMEDY = "make it a buffer or an attribute of the model, so that checkpoints store it, or compute it from such values"
MOST_NAMES = 5
"""How many differing names a message lists."""


def check_resume(learner: NetworkLearner, recipe: Recipe, seed: int, modules: Collection[str] = ()) -> None:
    """Trains a step, saves, loads, and trains another with and without; then again with a measurement between.

    Args:
        learner: of the study.
        recipe: of an epoch, with everything that is the user's own in it.
        seed: of a run.
        modules: the user's own, whose global variables must not change from step to step.

    Raises:
        StudyError: something differs, or a checkpoint cannot hold it; the message names it.

    Cost: four steps, one test, and five networks made.
    """
    try:
        _rehearse(learner, recipe, seed, modules)
    except Diverged:
        return  # that is a result of the run


def _rehearse(learner: NetworkLearner, recipe: Recipe, seed: int, modules: Collection[str]) -> None:
    state = learner.start({"seed": seed})
    _refuse(
        _differing(state, learner.start({"seed": seed})),
        "two models made with the same seed differ",
        "draw only from the global generators of torch, numpy or random, which critlab seeds",
    )
    _step(learner, state, recipe)
    saved = learner.pack(state)
    loaded, measured = learner.unpack(saved), learner.unpack(saved)
    _refuse(_differing(state, loaded), "a model and its copy from a checkpoint differ", REMEDY)
    learner.measure(measured, Measurement(TEST, None, recipe))
    variables = global_variables(modules)
    for one in (state, loaded, measured):
        _step(learner, one, recipe)
    _refuse(
        _differing(state, loaded), "a model and its copy from a checkpoint, trained for a step more, differ", REMEDY
    )
    _refuse(
        _differing(state, measured),
        "a model that was tested and one that was not, trained for a step more, differ",
        REMEDY,
    )
    found = global_variables(modules)
    moved = [name for name in variables if name not in found or not same(variables[name], found[name])]
    _refuse(
        [f"the variable {name}" for name in moved],
        "a training step changes a value that no checkpoint stores",
        "make it an attribute of the model",
    )


def _step(learner: NetworkLearner, state: NetworkState, recipe: Recipe) -> None:
    learner.advance(state, recipe, state.epoch, lambda: True)


def _refuse(differing: list[str], what: str, remedy: str) -> None:
    if differing:
        more = f" and {len(differing) - MOST_NAMES} more" if len(differing) > MOST_NAMES else ""
        raise StudyError(
            f"model: {what}, in {', '.join(differing[:MOST_NAMES])}{more}, so runs that share epochs would not "
            f"equal runs from scratch; {remedy}"
        )


def _differing(one: NetworkState, other: NetworkState) -> list[str]:
    ours, theirs = _named(one), _named(other)
    return [
        name for name in {**ours, **theirs} if name not in ours or name not in theirs or not _equal(ours, theirs, name)
    ]


def _equal(ours: Mapping[str, Any], theirs: Mapping[str, Any], name: str) -> bool:
    try:
        return same(ours[name], theirs[name])
    except StudyError:
        return True  # what cannot be held cannot be compared; packing has refused what is saved


def _named(state: NetworkState) -> dict[str, Any]:
    """Everything that is known of a state, by a name for a person."""
    learnt = dict(state.model.named_parameters())
    kinds = {name: "parameter" if name in learnt else "buffer" for name in state.model.state_dict()}
    found: dict[str, Any] = {f"{kinds[name]} {name!r}": value for name, value in state.model.state_dict().items()}
    found |= {f"attribute {name!r}": value for name, value in outside(state.model).items()}
    optimizer: dict[str, Tensor] = pack_optimizer(state.optimizer, state.model)
    found |= {f"the optimiser's {name!r}": value for name, value in optimizer.items()}
    found |= {f"what is switched, {name!r}": value for name, value in state.added.tensors(state.model).items()}
    if state.progress is not None:
        found["the training loss"] = state.progress.loss
    return found


def global_variables(modules: Collection[str]) -> dict[str, Any]:
    """The plain values of modules, their classes and functions, by name; copies."""
    found: dict[str, Any] = {}
    for name in modules:
        module = sys.modules.get(name)
        for attribute, value in list(vars(module).items()) if module is not None else []:
            if attribute.startswith("__"):
                continue
            here = getattr(value, "__module__", None) == getattr(module, "__name__", None)
            inner = vars(value) if here and hasattr(value, "__dict__") else {}
            for place, one in [(attribute, value), *((f"{attribute}.{key}", item) for key, item in inner.items())]:
                if is_plain(one):
                    with suppress(StudyError):
                        found[f"{name}.{place}"] = copied(one)
    return found
