"""A study: one question, as a typed frozen value that a file, a preset or Python can give."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from critlab.data.spec import DataSpec
from critlab.deficits import Deficit
from critlab.errors import StudyError
from critlab.measures import MEASURES, MeasureOptions
from critlab.models.spec import ModelSpec
from critlab.spec import Location, Problems, Spec, problems
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


def _seeds(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise Problems([((), f"received {value}; must be at least 1, or a list of seeds")])
        return tuple(range(value))
    return tuple(value) if isinstance(value, list | range) else value


def _measures(raw: Any) -> Any:
    if not isinstance(raw, Mapping):
        return raw
    found: dict[str, MeasureOptions] = {}
    for name, options in raw.items():
        try:
            entry = MEASURES.find(name)
        except StudyError as error:
            raise Problems([((name,), str(error))]) from None
        try:
            found[name] = options if isinstance(options, MeasureOptions) else _options(entry.options, options)
        except ValueError as error:
            nested = error.problems if isinstance(error, Problems) else [((), str(error))]
            raise Problems([((name, *where), text) for where, text in nested]) from None
    return found


def _options(options: type[Spec], raw: Any) -> MeasureOptions:
    from pydantic import ValidationError

    try:
        chosen = options.model_validate(raw)
    except ValidationError as error:
        raise Problems(problems(error, options)) from None
    assert isinstance(chosen, MeasureOptions)
    return chosen


Seed = Annotated[int, Field(ge=0)]
Seeds = Annotated[tuple[Seed, ...], BeforeValidator(_seeds), Field(min_length=1)]


class Base(Spec):
    """The part of a study that does not depend on the question: data, model, optimiser, augmentation, measures."""

    data: DataSpec
    model: ModelSpec
    optimizer: OptimizerSpec
    augment: AugmentSpec | None = None
    measures: Annotated[dict[str, SerializeAsAny[MeasureOptions]], BeforeValidator(_measures)] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        sizes, shape = self.data.sizes(), self.data.shape()
        if sizes is None or shape is None:
            return self
        found: list[tuple[Location, str]] = []
        if self.optimizer.batch > sizes.train:
            text = f"received {self.optimizer.batch}; must be at most {sizes.train}, the number of training images"
            found.append((("optimizer", "batch"), text))
        try:
            self.model.check(shape)
        except StudyError as error:
            found.append((("model",), str(error)))
        if self.augment is not None and self.augment.shift >= min(shape[-2:]):
            text = f"received {self.augment.shift}; must be below the image side, {min(shape[-2:])}"
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

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]*$", max_length=100)
    seeds: Seeds
    deficit: AnyDeficit
    sweep: Annotated[RemovalSweep | WindowSweep, Field(discriminator="kind")]
    controls: ControlsSpec = ControlsSpec()
    statistics: StatisticsSpec = StatisticsSpec()

    @model_validator(mode="after")
    def _deficits_fit(self) -> Self:
        shape = self.data.shape()
        if shape is not None:
            for field, deficit in [
                ("deficit", self.deficit),
                *(("controls", d) for d in self.controls.deficits),
            ]:
                try:
                    deficit.check(shape)
                except StudyError as error:
                    raise Problems([((field,), str(error))]) from None
        return self

    @model_validator(mode="after")
    def _controls_lie_on_the_sweep(self) -> Self:
        if len(set(self.seeds)) != len(self.seeds):
            raise Problems([(("seeds",), f"received {list(self.seeds)}; must be without repeats")])
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


def read_study(path: str | Path) -> Study:
    """The study in a TOML file.

    Raises:
        StudyError: the file is missing, is not TOML, or is not a study.
    """
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(
            f"{path}: there is no such file; give a study file (TOML), or a name from 'critlab list'"
        ) from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StudyError(f"{path}: is not text in UTF-8; a study file is TOML") from None
    except tomllib.TOMLDecodeError as error:
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
