"""``critlab bench``: judge rules on the shipped records."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from critlab._core.terminal.streams import apart, show
from critlab._core.terminal.text import say
from critlab.cli.arguments.options import Json

bench = typer.Typer(
    help="Judge rules on trainings whose sensitivity was measured.", no_args_is_help=True, add_completion=False
)


@bench.callback()
def _only_group() -> None:
    """Judge rules on trainings whose sensitivity was measured."""


@bench.command()
@apart()
def closing(
    rule: Annotated[
        str | None,
        typer.Option(
            "--rule",
            metavar="NAME",
            help="your.module:rule, a function of the records so far, or a rule of the table. Default: all of these.",
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, max=5, help="Forks that a rule is shown for each deficit.")
    ] = 3,
    as_json: Json = False,
) -> None:
    """Judge rules that say how much damage a deficit would leave, on trainings that are held out."""
    from critlab.bench.table import bench_table, chosen_rules
    from critlab.report.text.timing.bench import bench_text

    chosen = chosen_rules(rule)
    table = bench_table(chosen, repeats=repeats, progress=lambda name: say(f"judging {name}"))
    document = table.document()
    rows = [(one["title"], one["scores"]) for one in document["rules"]]
    show(json.dumps(document, allow_nan=False) if as_json else bench_text(rows, table.facts))
