"""The question of a probe as a study whose data, model and schedule are the user's own affair."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from critlab.data.spec import DataSpec
from critlab.deficits import Deficit
from critlab.hooks.own_loop import OwnLoop
from critlab.models.spec import ModelSpec
from critlab.own_code import source_digest
from critlab.study.choices import OptimizerSpec
from critlab.study.study import Study


class OwnData(DataSpec):
    """Data that only the user's loop sees."""

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return name

    def known(self) -> None:
        """Nothing."""

    def label_heads(self) -> None:
        """Nobody knows."""


class OwnModel(ModelSpec):
    """Whatever learns in the user's loop: named by the text of the functions, and by a version of the user's."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        return raw

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> None:
        """Nobody knows."""

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Anything goes."""

    def identity(self) -> dict[str, Any]:
        """The JSON values that name the loop."""
        return {"name": self.name, **self._extra()}


class OwnSchedule(OptimizerSpec):
    """Stands where a study says how weights move: the user's loop decides that, and critlab does not know it."""

    schedule_known: ClassVar[bool] = False
    lr: float = Field(default=1.0, gt=0)


class ProbeStudy(Study):
    """A study that only the same call can run, since no file can hold the user's functions."""

    command: ClassVar[str] = "the same call of critlab.probe, with the same store"


def probe_study(
    loop: OwnLoop,
    deficit: Deficit,
    *,
    name: str,
    seeds: int | Iterable[int],
    sweep: dict[str, Any],
    controls: Iterable[Deficit],
    statistics: dict[str, Any],
    model: str,
    data: str,
    version: str | None,
) -> ProbeStudy:
    """The study of a probe; its arguments are those of :func:`critlab.probe`.

    Raises:
        StudyError: with one line for each problem; or the text of a function cannot be read and there is no version.
    """
    named = {"version": version} if version is not None else _sources(loop)
    return ProbeStudy.read(
        {
            "name": name,
            "seeds": seeds if isinstance(seeds, int) else list(seeds),
            "data": OwnData(name=data),
            "model": OwnModel(name=model, **named),
            "optimizer": OwnSchedule(name="sgd"),
            "deficit": deficit,
            "sweep": sweep,
            "controls": {"deficits": list(controls)},
            "statistics": statistics,
            "precision": "float32",
        },
        "probe",
    )


def _sources(loop: OwnLoop) -> dict[str, str]:
    return {f"source_of_{name}": source_digest(getattr(loop, name)) for name in ("make", "advance", "evaluate")}
