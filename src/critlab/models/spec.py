"""Which model learns: a name and its options in one flat mapping, checked without torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, ValidationError, model_validator

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import imported, is_path, one_line
from critlab._core.problems import Problems, nearest, problems, refusal
from critlab._core.spec import Spec, json_values
from critlab._core.user_code.identity import OwnCode, code_of_row, own_code, path_of, stated_version
from critlab.deficits.input_form import InputForm
from critlab.learning_tasks.learning_task import LearningTask
from critlab.models.model import Model

if TYPE_CHECKING:
    from torch import nn


class ModelSpec(Spec):
    """``{"name": ..., **options}``, frozen; every option that was left out is there with its default.

    Args:
        name: a row of :data:`critlab.models.MODELS`, or a user's own ``"package.module:Class"`` or
            ``"package.module:function"``, or that function.
        options: what the row's options allow; for a user's function any JSON values, which
            :meth:`build` checks. ``version``, where the function does not take it, names its code in place of the
            source.
    """

    model_config = ConfigDict(extra="allow")
    name: str

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or not isinstance(raw.get("name"), str | FunctionType):
            return raw
        name = raw["name"] if isinstance(raw["name"], str) else path_of(raw["name"])
        options = {key: value for key, value in raw.items() if key != "name"}
        if is_path(name):
            return {"name": name, **json_values(options)}
        try:
            kind = _row(name)
        except StudyError as error:
            raise Problems([(("name",), str(error))]) from None
        try:
            return {"name": name, **kind.model_validate(options).model_dump()}
        except ValidationError as error:
            raise Problems(problems(error, kind)) from None

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int | None:
        """How many trainable parameters the model has; None for a user's function.

        Raises:
            StudyError: the model cannot take examples of that shape.
        """
        if is_path(self.name):
            return None
        return self._options().parameters(example_shape, classes)

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError where the model cannot take such examples; silent on a user's function."""
        if is_path(self.name):
            return
        self._options().check(example_shape)

    def check_form(self, form: InputForm) -> None:
        """Raises StudyError where the model cannot take such values; silent on a user's function."""
        if not is_path(self.name):
            self._options().check_form(form)

    def check_task(self, task: LearningTask) -> None:
        """Raises StudyError where the model does not answer what the task asks; silent on a user's function."""
        if not is_path(self.name):
            self._options().check_task(task)

    @property
    def source_layers(self) -> Mapping[str, str]:
        """For each source the module that it alone feeds; nothing where that is not known, as of a user's function."""
        return {} if is_path(self.name) else _row(self.name).source_layers

    def build(self, example_shape: tuple[int, ...], classes: int) -> nn.Module:
        """A new model, initialised from torch's global generator.

        Args:
            example_shape: the shape of one example.
            classes: how many classes; logits are ``(N, classes)`` or ``(N, heads, classes)``.

        Raises:
            StudyError: the model cannot take such examples; a user's function cannot be imported, does not
                take these options, fails, or returns no ``nn.Module``.
        """
        from torch import nn

        if is_path(self.name):
            function = self._function()
            if not _is_model(function):
                _check_call(function, self.name, self._extra())
            model = self._called(function, example_shape, classes)
        else:
            model = self._options().build(example_shape, classes)
        if not isinstance(model, nn.Module):
            raise StudyError(
                f"model.name: {self.name!r} returned {type(model).__name__}; must return a torch.nn.Module"
            )
        return model

    def _called(self, function: Callable[..., Any], example_shape: tuple[int, ...], classes: int) -> Any:
        try:
            if _is_model(function):
                return function(**self._extra()).build(example_shape, classes)
            return function(example_shape, classes, **self._extra())
        except CritlabError:
            raise
        except (Exception, SystemExit) as error:
            raise StudyError(f"model.name: {self.name!r} failed: {one_line(error)}") from error

    def identity(self) -> dict[str, Any]:
        """The JSON values that name this model: name, options and version; of a user's function, its code or version.

        Raises:
            StudyError: a user's function cannot be imported or has no readable source.
        """
        codes = self.codes()
        source = {"source": codes[0].digest} if codes else {}
        if is_path(self.name):
            version = self._version()
            return {"name": self.name, **self._extra(), **(source if version is None else {"version": version})}
        return {"name": self.name, "version": _row(self.name).version, **self._options().identity(), **source}

    def codes(self) -> list[OwnCode]:
        """What names the code of this model; empty where that is critlab's, installed, or named by a version.

        Raises:
            StudyError: as :meth:`identity`.
        """
        if not is_path(self.name):
            code = code_of_row(path_of(_row(self.name)))
            return [] if code is None else [code]
        return [own_code(self._function(), self.name)] if self._version() is None else []

    def _version(self) -> str | None:
        """The version by which a user names a function of theirs: an option that it does not take, or an attribute."""
        function, given = self._function(), (self.__pydantic_extra__ or {}).get("version")
        if given is not None and not _takes(function, "version"):
            return str(given)
        return stated_version(function)

    def _extra(self) -> dict[str, Any]:
        """The options that the function or the row is given."""
        options = dict(self.__pydantic_extra__ or {})
        if "version" in options and is_path(self.name) and not _takes(self._function(), "version"):
            del options["version"]
        return options

    def _options(self) -> Model:
        return _row(self.name).model_validate(self._extra())

    def _function(self) -> Callable[..., Any]:
        function = imported(self.name, "model.name")
        if not callable(function):
            raise StudyError(
                f"model.name: {self.name!r} is {type(function).__name__}; must be a function "
                "(example_shape, classes, **options) -> nn.Module"
            )
        return function  # type: ignore[no-any-return]  # all that callable() checks


def _is_model(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Model)


def _row(name: str) -> type[Model]:
    from critlab.models import (
        MODELS,
    )  # the table names this module's neighbours, so it is complete only later

    return MODELS.find(name)


def _takes(function: Callable[..., Any], option: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(p.name == option or p.kind is p.VAR_KEYWORD for p in parameters)


def _check_call(function: Callable[..., Any], name: str, options: Mapping[str, Any]) -> None:
    """Raises StudyError unless ``function(example_shape, classes, **options)`` fits its signature."""
    parameters = list(inspect.signature(function).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    catches_all = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if len(positional) < 2 and not catches_all:
        raise StudyError(f"model.name: {name!r} must take (example_shape, classes, **options)")
    taken = {p.name for p in positional[:2]}
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    allowed = {p.name: p for p in parameters if p.kind in by_name and p.name not in taken}
    found: list[tuple[tuple[int | str, ...], str]] = []
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        found += [
            ((key,), f"unknown option of {name!r}, received {value!r}{nearest(key, allowed)}")
            for key, value in options.items()
            if key not in allowed
        ]
    found += [
        ((key,), f"required by {name!r}, but missing (allowed: {', '.join(allowed)})")
        for key, parameter in allowed.items()
        if parameter.default is parameter.empty and key not in options
    ]
    if found:
        raise StudyError(refusal("model", found))
