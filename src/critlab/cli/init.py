"""``critlab init``: write a commented study file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from critlab._core.errors import StudyError
from critlab._core.terminal.streams import apart, show
from critlab.cli.arguments.options import writable_file

TEMPLATE = Path(__file__).with_name("study_template.toml")


@apart()
def init(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File for the study. Default: study.toml.", callback=writable_file)
    ] = Path("study.toml"),
) -> None:
    """Write a commented study file that trains on the bundled images."""
    text = TEMPLATE.read_text(encoding="utf-8").replace("FILE", file.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise StudyError(f"{file}: exists already; give the name of a new file") from None
    show(f"{file} is written. Next: critlab plan {file}")
