"""Options that belong together come as one frozen value, and each is an option of the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from critlab.cli.arguments.grouped import grouped


@dataclass(frozen=True)
class Size:
    """Two options."""

    width: Annotated[int, typer.Option("--width", min=1)] = 3
    height: Annotated[int, typer.Option("--height")] = 4


SEEN: list[tuple[str, Size, bool]] = []


@grouped
def draw(name: str, *, size: Size, loud: Annotated[bool, typer.Option("--loud")] = False) -> None:
    """Draw."""
    SEEN.append((name, size, loud))


def test_fields_are_options() -> None:
    app = typer.Typer()
    app.command()(draw)
    app(["box", "--height", "7", "--loud"], standalone_mode=False)
    app(["ball"], standalone_mode=False)
    assert [("box", Size(3, 7), True), ("ball", Size(), False)] == SEEN
