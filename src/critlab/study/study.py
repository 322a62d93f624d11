"""A study: one question, as a typed frozen value that a file, a preset or Python can give."""

from __future__ import annotations

import re
import tomllib
import weakref
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from critlab._core.errors import StudyError
from critlab._core.spec import Problems, shown
from critlab.study import checks
from critlab.study.background_deficit import BackgroundDeficit
from critlab.study.defaults import with_defaults
from critlab.study.expansion import expand
from critlab.study.intervention import Intervention
from critlab.study.run import Run, treatment_label
from critlab.study.setup import Setup as Setup
from critlab.study.specs import ControlsSpec, StatisticsSpec
from critlab.study.sweeps import AnySweep
from critlab.study.types import AnyDeficit, sequence
from critlab.study.window_override import WindowOverride

MOST_SEEDS = 10_000


def _seeds(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MOST_SEEDS:
            raise Problems([((), f"received {shown(value)}; must be from 1 to {MOST_SEEDS:,}, or a list of seeds")])
        return tuple(range(value))
    if not isinstance(value, list | tuple | range):
        raise Problems([((), f"received {shown(value)}; must be the number of seeds or a list of seeds")])
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


class Study(Setup):
    """A question about a critical period; ``docs/study_file.md`` explains each field.

    What is on in the window is ``deficit``, ``switch`` or both; ``intervention`` is done once when it has closed.
    Deficits of the ``background`` have windows of their own, in every run.

    Raises:
        InvalidValue: a :class:`~critlab._core.errors.StudyError` and a ValueError, with one line for each problem.
    """

    #: what runs the study again, where no file can hold it
    command: ClassVar[str] = ""
    name: Annotated[str, AfterValidator(_name)]
    seeds: Seeds
    deficit: AnyDeficit | None = None
    switch: WindowOverride | None = None
    intervention: Intervention | None = None
    background: Annotated[tuple[BackgroundDeficit, ...], BeforeValidator(sequence)] = ()
    sweep: AnySweep
    controls: ControlsSpec = ControlsSpec()
    statistics: StatisticsSpec = StatisticsSpec()

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
        checked = (checks.question, checks.background, checks.controls, checks.schedule_fits, checks.fit)
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
    path = Path(path)
    try:
        # some editors put a byte order mark before the text
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise StudyError(f"{path}: file not found; give a study file (TOML), or a name from 'critlab list'") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StudyError(f"{path}: is not UTF-8 text; a study file is TOML") from None
    except RecursionError:
        raise StudyError(f"{path}: is nested too deeply; a study file has at most two levels of tables") from None
    except ValueError as error:
        # tomllib lets pass what Python itself refuses, such as an integer of 5,000 digits
        raise StudyError(f"{path}: is not valid TOML: {error}") from None
    return Study.read(with_defaults(raw), str(path))
