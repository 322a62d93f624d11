"""``critlab store``: what is done with whole stores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from critlab._core.terminal.streams import apart, show
from critlab.cli.arguments.options import Json, usable_folder

store = typer.Typer(
    help="Merge stores. To check or clean one store, see critlab verify and critlab gc.",
    no_args_is_help=True,
    add_completion=False,
)


@store.callback()
def _only_group() -> None:
    """Merge stores. To check or clean one store, see critlab verify and critlab gc."""


@store.command()
@apart()
def merge(
    stores: Annotated[list[Path], typer.Argument(metavar="STORE...", help="Folders of the stores.")],
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            metavar="DIR",
            help="Folder of the merged store. Default: the first STORE.",
            callback=usable_folder,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy what the other stores hold into one. Repeat the command after an interruption."""
    from critlab.report.text.store import merged_text
    from critlab.running import merge_stores

    found = merge_stores(stores, into)
    show(json.dumps(found.document()) if as_json else merged_text(found))
