"""A study: one question, as a typed frozen value that a file, a preset or Python can give."""

from __future__ import annotations

import re
import tomllib
import weakref
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from critlab._core.errors import StudyError
from critlab._core.problems import Problems, shown
from critlab._core.user_code.values import path as given_path
from critlab.study import checks
from critlab.study.defaults import with_defaults
from critlab.study.ingredients.background_deficit import BackgroundDeficit
from critlab.study.ingredients.intervention import Intervention
from critlab.study.ingredients.window_override import WindowOverride
from critlab.study.runs.expansion import expand
from critlab.study.runs.run import Run, treatment_label
from critlab.study.runs.sequential import MOST_SEEDS, SequentialSeeds, read_table
from critlab.study.setup import Setup as Setup
from critlab.study.specs import ControlsSpec, StatisticsSpec
from critlab.study.sweeps import AnySweep
from critlab.study.task_checks import statistics_misfits
from critlab.study.types import AnyDeficit, Place, sequence


def _seeds(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MOST_SEEDS:
            raise Problems([((), f"received {shown(value)}; must be from 1 to {MOST_SEEDS:,}, or a list of seeds")])
        return tuple(range(value))
    if not isinstance(value, list | tuple | range):
        allowed = "the number of seeds or a list of seeds, or a table with first and most"
        raise Problems([((), f"received {shown(value)}; must be {allowed}")])
    if not 1 <= len(value) <= MOST_SEEDS:
        raise Problems([((), f"received {len(value):,} seeds; must be from 1 to {MOST_SEEDS:,}")])
    return tuple(value)


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,99}", value):
        allowed = "1 to 100 letters, digits, spaces, '.', '_' or '-', beginning with a letter or a digit"
        raise Problems([((), f"received {shown(value)}; must be {allowed}")])
    return value


Seed = Annotated[int, Field(ge=0, lt=2**63)]
Seeds = Annotated[tuple[Seed, ...], BeforeValidator(_seeds)]


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)


class Study(Setup):
    """A question about a critical period; ``docs/study_file.md`` explains each field.

    What is on in the window is ``deficit``, ``switch`` or both; ``intervention`` is done once when it has closed.
    Deficits of the ``background`` have windows of their own, in every run.

    Raises:
        InvalidValue: a :class:`~critlab._core.errors.StudyError` and a ValueError, with one line for each problem.
    """

    #: what runs the study again, where no file can hold it
    command: ClassVar[str] = ""
    #: whether the score may be of any range where the task is the one that studies had before there were tasks
    any_score: ClassVar[bool] = False
    name: Annotated[str, AfterValidator(_name)]
    seeds: Seeds
    deficit: AnyDeficit | None = None
    switch: WindowOverride | None = None
    intervention: Intervention | None = None
    background: Annotated[tuple[BackgroundDeficit, ...], BeforeValidator(sequence)] = ()
    sweep: AnySweep
    controls: ControlsSpec = ControlsSpec()
    statistics: StatisticsSpec = StatisticsSpec()
    _sequential: SequentialSeeds | None = PrivateAttr(default=None)

    @model_validator(mode="wrap")
    @classmethod
    def _table_of_seeds(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """``seeds`` may be a table; then the field holds the seeds in play."""
        if not isinstance(raw, Mapping) or not _is_table(raw.get("seeds")):
            return handler(raw)
        plan = read_table(raw, "seeds", SequentialSeeds)
        made = handler({**raw, "seeds": plan.so_far or plan.first})
        made._sequential = plan.model_copy(update={"so_far": None})
        return made

    @model_serializer(mode="wrap")
    def _plain(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        plain: dict[str, Any] = handler(self)
        if self.sequential is not None and "seeds" in plain:
            budget = {"first": self.sequential.first, "most": self.sequential.most}
            plain["seeds"] = {**budget, "so_far": len(self.seeds)}
        return plain

    def __init__(self, /, *by_place: Any, **values: Any) -> None:
        """Make a new study from its fields by name; ``controls`` has the defaults of a study file.

        Raises:
            InvalidValue: a StudyError and a ValueError, with one line for each problem.
        """
        super().__init__(*by_place, **with_defaults(values))

    # as in Spec: pydantic must not call it where it reads plain values
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        checked = (
            checks.question,
            checks.background,
            checks.controls,
            checks.schedule_fits,
            checks.fit,
            statistics_misfits,
        )
        found = [problem for check in checked for problem in check(self)]
        if found:
            raise Problems(found)
        return self

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run that the question needs, the same for each seed; expanded once for each study object."""
        known = _EXPANDED.get(id(self))
        if known is None or known[0]() is not self:
            key = id(self)
            known = weakref.ref(self, lambda _: _EXPANDED.pop(key, None)), expand(self)
            _EXPANDED[key] = known
        return known[1]

    @property
    def treatment_label(self) -> str:
        """What is on in the window: the deficit's name, the switch in one word, or both."""
        return treatment_label(self.deficit, self.switch)

    @property
    def sequential(self) -> SequentialSeeds | None:
        """How many seeds may be added; None where the study fixes them. ``seeds`` holds those in play."""
        return self._sequential

    def staged(self, seeds: tuple[int, ...], points: tuple[Place, ...]) -> Self:
        """The same study with these seeds and points in play."""
        if (seeds, points) == (self.seeds, self.sweep.points):
            return self
        return self.model_copy(update={"seeds": seeds, "sweep": self.sweep.with_points(points)})

    def epochs(self) -> int:
        """Epochs to train of all runs and seeds, were each trained from scratch."""
        return len(self.seeds) * sum(run.total - run.frozen_epochs for run in self.runs)


_EXPANDED: dict[int, tuple[weakref.ref[Study], tuple[Run, ...]]] = {}
"""The runs of the studies in memory, by identity, so that no copy, comparison or pickle of a study carries them."""


def read_study(path: str | Path) -> Study:
    """The study in a TOML file.

    Raises:
        StudyError: the file is missing, is not TOML, or is not a study.
    """
    path = given_path(path, "path")
    try:
        # some editors put a byte order mark before the text
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        close = get_close_matches(path.name[:100], [file.name for file in path.parent.glob("*.toml")], n=3)
        hint = f"did you mean {' or '.join(map(repr, close))}? Else " if close else ""
        raise StudyError(
            f"{path}: file not found; {hint}give a study file (TOML), or a name from critlab list figures"
        ) from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StudyError(f"{path}: is not UTF-8 text; a study file is TOML") from None
    except RecursionError:
        raise StudyError(f"{path}: is nested too deeply; a study file has at most two levels of tables") from None
    except ValueError as error:
        # tomllib lets pass what Python itself refuses, such as an integer of 5,000 digits
        raise StudyError(f"{path}: {_given_twice(path) or f'is not valid TOML: {error}'}") from None
    return Study.read(with_defaults(raw), str(path))


def _given_twice(path: Path) -> str:
    """Which key of an invalid study file is given twice, and what to do; empty where none is."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    tables = [found[1] for line in lines if (found := re.match(r"\s*\[\s*(\w+)\s*[.\]]", line))]
    first_table = next((at for at, line in enumerate(lines) if re.match(r"\s*\[", line)), len(lines))
    values = [found[1] for line in lines[:first_table] if (found := re.match(r"\s*(\w+)\s*=", line))]
    if both := next((name for name in values if name in tables), ""):
        return f"{both}: received both a value and a table [{both}]; give one of them"
    twice = next((name for name in values if values.count(name) > 1), "")
    return f"{twice}: received two values; give one of them" if twice else ""
