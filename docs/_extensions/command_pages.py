"""The directive ``commands``: every command with its arguments and options, from the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin


def command_lines() -> list[str]:
    """Return the text of all commands, in the order of ``critlab --help``."""
    import typer

    from critlab.cli.commands import app

    commands = _commands(typer.main.get_command(app), "critlab")
    return [line for words, command in commands for line in _text(words, command)]


def _commands(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Yield every command without commands of its own."""
    if not hasattr(command, "commands"):
        yield words, command
        return
    for name, inner in command.commands.items():
        yield from _commands(inner, f"{words} {name}")


def _text(words: str, command: Any) -> list[str]:
    parameters = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    usage = [words, *([] if len(arguments) == len(parameters) else ["[OPTIONS]"]), *map(_placed, arguments)]
    rows = [row for one in parameters if (row := _row(one))]
    table = ["| argument or option | meaning |", "|---|---|", *rows] if rows else []
    return [f"## `{words}`", "", _plain(command.help), "", "```sh", " ".join(usage), "```", "", *table, ""]


def _placed(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _row(parameter: Any) -> str:
    shown = f"`{_placed(parameter)}`"
    if parameter.param_type_name == "option":
        shown = ", ".join(f"`{name}`" for name in parameter.opts + parameter.secondary_opts)
    choices = _choices(parameter.type_descriptor.annotation) if hasattr(parameter, "type_descriptor") else []
    allowed = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else ""
    return f"| {shown} | {_plain(parameter.help)}{allowed} |"


def _choices(annotation: Any) -> list[str]:
    """Return the values of the ``Literal`` in a type, also of an optional one or of one in a list."""
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    return [choice for inner in get_args(annotation) for choice in _choices(inner)]


def _plain(text: str | None) -> str:
    """Return a help text as one line of Markdown: without markup of the terminal, and with its bars escaped."""
    return re.sub(r"\s+", " ", text or "").strip().replace("|", "\\|").replace("<", "&lt;")


def setup(app: Any) -> dict[str, Any]:
    """Register the directive."""
    from docutils.statemachine import StringList
    from sphinx.util.docutils import SphinxDirective

    class Commands(SphinxDirective):
        def run(self) -> list[Any]:
            source = self.env.doc2path(self.env.docname)
            return self.parse_text_to_nodes(StringList(command_lines(), source=source), allow_section_headings=True)

    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
