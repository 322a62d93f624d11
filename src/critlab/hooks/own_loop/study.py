"""The question of a probe as a study whose data, model and schedule are the user's own affair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import torch
from pydantic import Field, PrivateAttr, field_validator, model_validator

from critlab._core.digest import digest
from critlab._core.user_code.identity import UNNAMED, OwnCode
from critlab.data.spec import DataSpec
from critlab.deficits import Deficit
from critlab.hooks.border.entries import path_of
from critlab.hooks.deprivation import DataInfo
from critlab.hooks.own_loop.given import GivenLoop
from critlab.hooks.own_loop.metric import task_of_loop
from critlab.hooks.own_loop.options import ProbeOptions
from critlab.learning_tasks import CLASSIFICATION, LearningTask
from critlab.models.spec import ModelSpec
from critlab.study.optimizers.spec import OptimizerSpec
from critlab.study.study import Study
from critlab.study.types import listed


class OwnData(DataSpec):
    """Data that only the user's loop sees."""

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return name

    def known(self) -> None:
        """Nothing."""

    def label_heads(self) -> None:
        """Return None: critlab does not know."""

    def form(self) -> None:
        """Return None: critlab does not know."""


class OwnModel(ModelSpec):
    """Whatever learns in the user's loop: named by the code of the functions, or by a version of the user's."""

    _codes: tuple[tuple[str, OwnCode], ...] = PrivateAttr(default=())

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        return raw

    @classmethod
    def of(cls, name: str, options: Mapping[str, str | int], codes: Iterable[tuple[str, OwnCode]]) -> OwnModel:
        """The model called ``name``.

        Args:
            name: what the page calls it.
            options: what the store's record of the study says of it.
            codes: what names its code, by the keys under which it does.
        """
        made = cls(name=name, **options)
        made._codes = tuple(codes)
        return made

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> None:
        """Return None: critlab does not know."""

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Anything goes."""

    def check_task(self, task: LearningTask) -> None:
        """Anything goes: the loop knows what it learns."""

    def identity(self) -> dict[str, Any]:
        """The JSON values that name the loop."""
        given = {key: value for key, value in (self.__pydantic_extra__ or {}).items() if key == "version"}
        return {"name": self.name, **given, **{key: code.digest for key, code in self._codes}}

    def codes(self) -> list[OwnCode]:
        """What names the user's functions, and what deficits know of the data."""
        return [code for _, code in self._codes]


class OwnSchedule(OptimizerSpec):
    """Stands where a study says how weights move: the user's loop decides that, and critlab does not know it."""

    schedule_known: ClassVar[bool] = False
    lr: float = Field(default=1.0, gt=0)


class ProbeStudy(Study):
    """A study that only the same call can run, since no file can hold the user's functions."""

    command: ClassVar[str] = "the same call of critlab.probe, with the same store"
    any_score: ClassVar[bool] = True


COUNTED = ("make", "advance", "evaluate")
"""The functions of a loop whose code names its results; what is saved and loaded does not change them."""

AnyStudy = TypeVar("AnyStudy", bound=Study)


def read_again(
    kind: type[AnyStudy], plain: Mapping[str, Any], codes: Iterable[tuple[str, OwnCode]], **more: Any
) -> AnyStudy:
    """The study of a user's loop from its plain values, as another process has them.

    Args:
        kind: of the study.
        plain: its values.
        codes: what names the code of the loop.
        more: values in place of the plain ones.
    """
    options = {key: value for key, value in plain["model"].items() if key != "name"}
    given = {
        "data": OwnData(name=plain["data"]["name"]),
        "model": OwnModel.of(plain["model"]["name"], options, codes),
        "optimizer": OwnSchedule(name="sgd"),
    }
    return kind.read({**plain, **given, **more}, "study")


def probe_study(
    loop: GivenLoop,
    deficit: Deficit,
    seeds: int | Iterable[int] | Mapping[str, int],
    sweep: dict[str, Any],
    options: ProbeOptions,
    *,
    recorded: Mapping[str, str],
) -> ProbeStudy:
    """The study of a probe; its arguments are those of :func:`critlab.probe`.

    Args:
        loop: the user's.
        deficit: what is applied to the data.
        seeds: how many, or which.
        sweep: the section of that name.
        options: its ``knowledge`` is part of the names where there is any.
        recorded: what an earlier critlab wrote of the model into the study's record.

    Raises:
        StudyError: with one line for each problem; or a function cannot be read and there is no version.
    """
    codes = probe_codes(loop, options.knowledge, named=options.version is None)
    task = task_of_loop(options.metric, "probe")
    named = {"version": options.version} if options.version is not None else dict(recorded)
    return ProbeStudy.read(
        {
            "name": options.name,
            "seeds": listed(seeds),
            "data": OwnData(name=options.data),
            "model": OwnModel.of(options.model, named, codes),
            "optimizer": OwnSchedule(name="sgd"),
            **({} if task == CLASSIFICATION else {"task": task}),
            "deficit": deficit,
            "sweep": sweep,
            "controls": options.control_section,
            "statistics": options.statistics_section(task.judged),
            "precision": "float32",
        },
        "probe",
    )


def probe_codes(loop: GivenLoop, knowledge: DataInfo, *, named: bool) -> list[tuple[str, OwnCode]]:
    """What names a probe's results: the loop's code, where it is ``named``, and what deficits know, if anything."""
    codes = loop.codes(COUNTED) if named else []
    return [*codes, *([] if knowledge == DataInfo() else [("knowledge", _known(knowledge))])]


def _known(knowledge: DataInfo) -> OwnCode:
    """What deficits know of the data, as something that names results as code does."""
    values = [
        torch.as_tensor(value) for value in (*(knowledge.normalised or ()), knowledge.labels) if value is not None
    ]
    texts = [f"{value.dtype}{tuple(value.shape)}{value.cpu().tolist()}" for value in values]
    name = "examples, classes, normalised and all_labels"
    # an entry stays out of the name where there is none, as it was before there were entries
    entry = [] if knowledge.key is None else [list(path_of(knowledge.key))]
    named = digest("knowledge", knowledge.examples, knowledge.classes, knowledge.normalised is None, texts, *entry)
    return OwnCode(name, named, f"{UNNAMED}{name} {named}", {})
