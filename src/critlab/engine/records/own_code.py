"""A user's own code in a study: which there is, and whether every process of a run has the same."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from critlab._core.component import Component, component_code
from critlab._core.errors import CritlabError
from critlab._core.registry import Registry
from critlab._core.spec import Spec
from critlab._core.user_code.identity import OwnCode
from critlab.data.data_set import DataSet
from critlab.deficits import DEFICITS, Deficit
from critlab.learning_tasks import TASKS, LearningTask
from critlab.measures import MEASURES, Measure
from critlab.models.spec import ModelSpec
from critlab.objectives import OBJECTIVES, Objective
from critlab.study.optimizers import TorchOptimizer
from critlab.study.optimizers.spec import OptimizerSpec
from critlab.study.specs import AugmentSpec
from critlab.study.study import Study
from critlab.study.switches import SWITCHES, Switch

ROOMS: Mapping[type[Component], Registry[Any]] = {
    Deficit: DEFICITS,
    Objective: OBJECTIVES,
    Measure: MEASURES,
    Switch: SWITCHES,
    LearningTask: TASKS,
}
"""The registry of each kind of component."""


def own_codes(study: Study) -> list[OwnCode]:
    """Everything in ``study`` that is code of a user's own, once each."""
    found = {code.digest: code for code in _inside(study)}
    return list(found.values())


def _inside(value: Any) -> Iterator[OwnCode]:
    if isinstance(value, ModelSpec):
        yield from value.codes()
    elif isinstance(value, AugmentSpec):
        code = value.code()
        yield from () if code is None else (code,)
    elif isinstance(value, OptimizerSpec | TorchOptimizer):
        yield from value.codes()
    elif isinstance(value, DataSet):
        return  # the content of the data names them
    elif isinstance(value, Component):
        code = component_code(value, next(registry for kind, registry in ROOMS.items() if isinstance(value, kind)))
        yield from () if code is None else (code,)
        if isinstance(value, LearningTask):
            yield from value.codes()
        if isinstance(value, Switch):
            yield from value.codes()
            yield from _inside(value.value)
    elif isinstance(value, Spec):
        for field in type(value).model_fields:
            yield from _inside(getattr(value, field))
    elif isinstance(value, Mapping):
        yield from _inside([*value.values()])
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _inside(item)


def code_files(study: Study) -> dict[str, str]:
    """The digest of each module of the user's own that ``study`` may use, by its name."""
    return {name: sha for code in own_codes(study) for name, sha in code.files().items()}


def refuse_edited(study: Study, files: Mapping[str, str]) -> None:
    """Refuses to work for a study with other code than it was started with.

    Raises:
        CritlabError: naming the file.
    """
    here = code_files(study)
    if edited := differing(files, here):
        raise CritlabError(
            f"{places(study, edited)} was edited while the study was running; the results of the earlier code are "
            "kept; run the study again to train with the new code"
        )


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The names of modules that are not the same."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def places(study: Study, names: list[str]) -> str:
    """The files of modules, as far as they are known, in one line."""
    modules = {name: module for code in own_codes(study) for name, module in code.modules.items()}
    return ", ".join(os.path.relpath(modules[name].file) if name in modules else f"module {name}" for name in names)
