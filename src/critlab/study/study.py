"""A study: one question, as a typed frozen value that a file, a preset or Python can give."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, model_validator

from critlab.data.spec import DataSpec
from critlab.deficits import Deficit
from critlab.errors import StudyError
from critlab.measures import MEASURES, MeasureOptions
from critlab.models.spec import ModelSpec
from critlab.spec import Location, Problems, Spec, problems, shown
from critlab.study.choices import (
    AnyDeficit,
    AugmentSpec,
    ControlsSpec,
    OptimizerSpec,
    Removal,
    RemovalSweep,
    StatisticsSpec,
    WindowSweep,
)
from critlab.study.run import Run
from critlab.study.sweeps import expand

MOST_SEEDS = 10_000


def _seeds(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MOST_SEEDS:
            raise Problems([((), f"received {shown(value)}; must be from 1 to {MOST_SEEDS:,}, or a list of seeds")])
        return tuple(range(value))
    if not isinstance(value, list | tuple | range):
        raise Problems([((), f"received {shown(value)}; must be how many seeds, an integer, or a list of seeds")])
    if not 1 <= len(value) <= MOST_SEEDS:
        raise Problems([((), f"received {len(value):,} seeds; must be from 1 to {MOST_SEEDS:,}")])
    return tuple(value)


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,99}", value):
        allowed = "1 to 100 letters, digits, spaces, '.', '_' or '-', beginning with a letter or a digit"
        raise Problems([((), f"received {shown(value)}; must be {allowed}")])
    return value


def _measures(raw: Any) -> Any:
    if not isinstance(raw, Mapping):
        return raw
    found: dict[str, MeasureOptions] = {}
    wrong: list[tuple[Location, str]] = []
    for name, options in raw.items():
        try:
            entry = MEASURES.find(str(name))
            found[name] = options if isinstance(options, MeasureOptions) else _options(entry.options, options)
        except StudyError as error:
            wrong.append(((name,), str(error)))
        except Problems as error:
            wrong += [((name, *where), text) for where, text in error.problems]
    if wrong:
        raise Problems(wrong)
    return found


def _options(options: type[Spec], raw: Any) -> MeasureOptions:
    from pydantic import ValidationError

    try:
        chosen = options.model_validate(raw)
    except ValidationError as error:
        raise Problems(problems(error, options)) from None
    assert isinstance(chosen, MeasureOptions)
    return chosen


Seed = Annotated[int, Field(ge=0, lt=2**63)]
Seeds = Annotated[tuple[Seed, ...], BeforeValidator(_seeds)]


class Base(Spec):
    """The part of a study that does not depend on the question: data, model, optimiser, augmentation, measures.

    ``precision`` pins how numbers are computed; where it is left out, the first run in a store times a step to decide.
    """

    data: DataSpec
    model: ModelSpec
    optimizer: OptimizerSpec
    augment: AugmentSpec | None = None
    measures: Annotated[dict[str, SerializeAsAny[MeasureOptions]], BeforeValidator(_measures)] = Field(
        default_factory=dict
    )
    precision: Literal["float32", "bfloat16"] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        sizes, shape = self.data.sizes(), self.data.shape()
        if sizes is None or shape is None:
            return self
        found: list[tuple[Location, str]] = []
        if self.optimizer.batch > sizes.train:
            default = "" if "batch" in self.optimizer.model_fields_set else ", the default"
            received = f"received {shown(self.optimizer.batch)}{default}"
            text = f"{received}; must be at most {sizes.train}, the number of training images"
            found.append((("optimizer", "batch"), text))
        if self.optimizer.batch == 1 and getattr(self.model, "batch_norm", False):
            text = "received 1; must be at least 2, since this model's BatchNorm cannot take one image alone"
            found.append((("optimizer", "batch"), text))
        try:
            self.model.check(shape)
        except StudyError as error:
            found.append((("model",), str(error)))
        for name, options in self.measures.items():
            try:
                options.check(shape)
            except StudyError as error:
                found.append((("measures", name), str(error)))
        if self.augment is not None and self.augment.shift >= min(shape[-2:]):
            text = f"received {shown(self.augment.shift)}; must be below the image side, {min(shape[-2:])}"
            found.append((("augment", "shift"), text))
        if found:
            raise Problems(found)
        return self


class Study(Base):
    """A question about a critical period; see DESIGN's study file for each field.

    Raises:
        pydantic.ValidationError: from the constructor; :meth:`Spec.read` and :func:`read_study` turn it into a
            :class:`~critlab.errors.StudyError` for people.
    """

    name: Annotated[str, AfterValidator(_name)]
    seeds: Seeds
    deficit: AnyDeficit
    sweep: Annotated[RemovalSweep | WindowSweep, Field(discriminator="kind")]
    controls: ControlsSpec = ControlsSpec()
    statistics: StatisticsSpec = StatisticsSpec()

    @model_validator(mode="after")
    def _controls_are_others(self) -> Self:
        before = [self.deficit]
        for index, deficit in enumerate(self.controls.deficits):
            if deficit in before:
                whose = "the study's own deficit" if deficit == self.deficit else "an earlier control"
                text = f"received {deficit.name} with the options of {whose}; each control must be another deficit"
                raise Problems([(("controls", "deficits", index), text)])
            before.append(deficit)
        return self

    @model_validator(mode="after")
    def _deficits_fit(self) -> Self:
        shape = self.data.shape()
        if shape is None:
            return self
        places: list[tuple[Location, Deficit]] = [(("deficit",), self.deficit)]
        places += [(("controls", "deficits", i), deficit) for i, deficit in enumerate(self.controls.deficits)]
        found: list[tuple[Location, str]] = []
        for place, deficit in places:
            try:
                deficit.check(shape)
            except StudyError as error:
                found.append(_within(place, str(error)))
        if found:
            raise Problems(found)
        return self

    @model_validator(mode="after")
    def _controls_lie_on_the_sweep(self) -> Self:
        if len(set(self.seeds)) != len(self.seeds):
            raise Problems([(("seeds",), f"received {shown(list(self.seeds))}; must be without repeats")])
        for at in self.controls.at or ():
            if at not in self.sweep.points:
                allowed = ", ".join(map(str, self.sweep.points))
                raise Problems([(("controls", "at"), f"received {at}; must be one of the sweep's: {allowed}")])
        return self

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run that the question needs, the same for each seed; made anew each time, since copies may differ."""
        return expand(self)

    def epochs(self) -> int:
        """Epochs of all runs and seeds, were each trained from scratch."""
        return len(self.seeds) * sum(run.total for run in self.runs)


def _within(place: Location, text: str) -> tuple[Location, str]:
    """A deficit's own message, which may begin with its field, as a problem at its place in the study."""
    begins = re.match(r"deficit\.(\w+): ", text)
    return ((*place, begins[1]), text[begins.end() :]) if begins else (place, text)


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
        raise StudyError(
            f"{path}: there is no such file; give a study file (TOML), or a name from 'critlab list'"
        ) from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StudyError(f"{path}: is not text in UTF-8; a study file is TOML") from None
    except RecursionError:
        raise StudyError(f"{path}: is nested too deeply; a study file has tables in tables, and no more") from None
    except ValueError as error:
        # tomllib lets pass what Python itself refuses, such as an integer of 5,000 digits
        raise StudyError(f"{path}: is not valid TOML: {error}") from None
    return Study.read(raw, str(path))


def removal(
    deficit: Deficit,
    *,
    at: Iterable[Removal],
    base: Base,
    seeds: int | Iterable[int],
    recovery: int | None = None,
    total: int | None = None,
    name: str | None = None,
    **parts: Any,
) -> Study:
    """A removal sweep: the deficit from epoch 0 until each epoch of ``at``.

    Args:
        deficit: what the network suffers.
        at: removal epochs, increasing; may end in ``"never"``.
        base: data, model, optimiser and measures, such as ``critlab.presets.all_cnn_cifar10()``.
        seeds: how many, or which.
        recovery: clean epochs after removal; or give ``total``, the epochs of every run.
        total: see ``recovery``.
        name: of the study; by default made from the deficit.
        parts: further fields of :class:`Study`, such as ``controls`` and ``statistics``.

    Raises:
        StudyError: with one line for each problem.
    """
    sweep = _given(kind="removal", at=list(at), recovery=recovery, total=total)
    return _study(base, name or f"{deficit.name}-removal", deficit, seeds, sweep, parts)


def windows(
    deficit: Deficit,
    *,
    onsets: Iterable[int],
    length: int,
    base: Base,
    seeds: int | Iterable[int],
    recovery: int | None = None,
    total: int | None = None,
    name: str | None = None,
    **parts: Any,
) -> Study:
    """A window sweep: the deficit for ``length`` epochs at each of ``onsets``; otherwise as :func:`removal`."""
    sweep = _given(kind="window", onsets=list(onsets), length=length, recovery=recovery, total=total)
    return _study(base, name or f"{deficit.name}-windows", deficit, seeds, sweep, parts)


def _given(kind: Literal["removal", "window"], **fields: Any) -> dict[str, Any]:
    return {"kind": kind, **{k: v for k, v in fields.items() if v is not None}}


def _study(
    base: Base,
    name: str,
    deficit: Deficit,
    seeds: int | Iterable[int],
    sweep: dict[str, Any],
    parts: dict[str, Any],
) -> Study:
    fields = {field: getattr(base, field) for field in Base.model_fields}
    chosen = seeds if isinstance(seeds, int) else list(seeds)
    return Study.read({**fields, "name": name, "seeds": chosen, "deficit": deficit, "sweep": sweep, **parts}, name)
