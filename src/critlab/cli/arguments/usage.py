"""A wrong command line in one line: what was received, the nearest valid name, and where the help is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import typer

from critlab._core.problems import nearest, shown

USAGE_ERRORS: tuple[type[Exception], ...] = tuple(
    kind for kind in typer.BadParameter.__mro__ if issubclass(kind, Exception) and kind.__name__ == "UsageError"
)
"""What typer raises for a wrong command line; its library of commands differs from version to version."""

_CHOICE = re.compile(r"(?P<received>'.*?') is not one of (?P<allowed>.*?)\.?$", re.DOTALL)
_NO_COMMAND = re.compile(r"No such command '(?P<name>.*?)'")
_SURPLUS = re.compile(r"Got unexpected extra argument\S* \((?P<received>.*)\)")
_QUOTED = re.compile(r"'([^']*)'")
_MUST = "Input should be "
_AT_LEAST = "greater than or equal to", "at least"
_WORDS = {"a valid integer": "a whole number", "a valid number": "a number"}


def usage_text(error: Any) -> str:
    """Word a usage error of typer as critlab words an invalid value of a study.

    Args:
        error: one of :data:`USAGE_ERRORS`; it has the context of the command, and of a bad value the parameter.
    """
    context = error.ctx
    command = context.command_path if context else "critlab"
    return f"{_problem(error, context)}; see {_named(command)} --help"


def _problem(error: Any, context: Any) -> str:
    if (name := getattr(error, "option_name", None)) and hasattr(error, "possibilities"):
        return f"{name}: unknown option{_close(name, _options(context))}"
    if found := _NO_COMMAND.search(error.message):
        return f"{found['name']}: unknown command{nearest(found['name'], context.command.commands)}"
    if found := _SURPLUS.search(error.message):
        return f"received {found['received']} as well; remove it, or quote a value that contains spaces"
    parameter = getattr(error, "param", None)
    if parameter is None:
        return _plain(f"{error.message}")
    label = _label(parameter)
    if type(error).__name__ == "MissingParameter":
        choices = getattr(getattr(parameter, "type", None), "choices", None)
        return f"{label}: required, but missing" + (f" (allowed: {', '.join(map(str, choices))})" if choices else "")
    return f"{label}: {_value(error)}"


def _value(error: Any) -> str:
    """What is wrong with a parameter's value."""
    if found := _CHOICE.search(error.message):
        received, allowed = found["received"].strip("'"), _QUOTED.findall(found["allowed"])
        return f"received {shown(received)}{nearest(received, allowed)}"
    cause = error.__cause__
    items = cause.errors(include_url=False) if hasattr(cause, "errors") else []
    if items and items[0]["msg"].startswith(_MUST):
        wanted = items[0]["msg"].removeprefix(_MUST).partition(",")[0]
        return f"received {shown(items[0]['input'])}; must be {_WORDS.get(wanted) or wanted.replace(*_AT_LEAST)}"
    return _plain(error.message)


def _plain(message: str) -> str:
    """A library's message as the end of a line of critlab's own."""
    text = " ".join(message.removeprefix("Value error, ").split()).rstrip(".")
    return text[:1].lower() + text[1:]


def _label(parameter: Any) -> str:
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or parameter.name).strip("[]{}.").upper()


def _options(context: Any) -> Iterable[str]:
    return [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]


def _close(name: str, allowed: Iterable[str]) -> str:
    """The nearest option alone: the help lists all of them."""
    return nearest(name, allowed).partition(" (allowed")[0]


def _named(command: str) -> str:
    """The command as its users write it, also where it was started as a module."""
    return command.replace("python -m critlab.cli", "critlab")
