"""What commands have in common: their options, and the check of every path before anything is done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from critlab._core.errors import StudyError


def usable_folder(param: typer.CallbackParam, path: Path | None) -> Path | None:
    """Refuses a folder that can neither be there nor be made, before anything is done."""
    if path is not None and (file := _file_in(path)):
        raise StudyError(f"{param.opts[0]}: received {path}, but {file} is a file; must be a folder, or a new one")
    return path


def writable_file(param: typer.CallbackParam, path: Path | None) -> Path | None:
    """Refuses a file that cannot be written, before the work whose result it would hold."""
    if path is not None:
        from critlab.store.delivery import refuse

        if why := refuse(path):
            raise StudyError(f"{param.opts[0]}: received {path}, {why}")
    return path


def writable_page(param: typer.CallbackParam, path: Path | None) -> Path | None:
    """As :func:`writable_file`, for a page, whose name must say so."""
    path = writable_file(param, path)
    if path is not None:
        from critlab.store.delivery import check_page

        check_page(path)
    return path


def _file_in(path: Path) -> Path | None:
    """The file that stands where ``path`` wants a folder."""
    return next((place for place in (path, *path.parents) if place.exists() and not place.is_dir()), None)


StudyName = Annotated[
    str, typer.Argument(metavar="STUDY", help="a TOML file, a preset's name, or package.module:function")
]
StoreFolder = Annotated[
    Path,
    typer.Option(
        "--store", envvar="CRITLAB_STORE", help="the folder of results", show_default=True, callback=usable_folder
    ),
]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="the folder of the data; else $CRITLAB_DATA, else the cache", callback=usable_folder),
]
Scale = Annotated[
    Literal["demo", "small", "paper"] | None, typer.Option("--scale", help="of a preset that has several")
]
Json = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="processes; one per core if left out")]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option("--device", help="where to compute")]
Precision = Annotated[
    Literal["auto", "float32", "bfloat16"],
    typer.Option("--precision", help="auto: as recorded; at first the faster of both, by timing a step"),
]
Figures = Annotated[
    Path | None,
    typer.Option("--figures", help="also every chart as SVG, PNG and CSV, into this folder", callback=usable_folder),
]
STORE = Path("critlab-store")
