"""Options that several commands share, and the checks of their paths before a command starts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from critlab._core.errors import StudyError
from critlab._core.terminal.streams import show

if TYPE_CHECKING:
    from critlab.report.paper_style import PaperStyle


def usable_folder(param: typer.CallbackParam, path: Path | None) -> Path | None:
    """Refuse a path that is not a folder and cannot become one."""
    if path is not None and (file := _file_in(path)):
        raise StudyError(
            f"{param.opts[0]}: received {path}, but {file} is a file; must be a folder or a path at "
            "which a folder can be created"
        )
    return path


def show_version(asked: bool) -> None:
    """Show the version of critlab and end the command, where it was asked for."""
    if asked:
        from critlab import __version__

        show(f"critlab {__version__}")
        raise typer.Exit


def drawable_folder(param: typer.CallbackParam, path: Path | None) -> Path | None:
    """Refuse a folder for charts that cannot be made, and charts that cannot be drawn."""
    path = usable_folder(param, path)
    if path is not None:
        from critlab.report.vega import check_renderer

        check_renderer()
    return path


def writable_file(param: typer.CallbackParam, path: Path | None) -> Path | None:
    """Refuse a file that cannot be written, before any work is done for it."""
    if path is not None:
        from critlab.store.delivery import refuse

        if why := refuse(path):
            raise StudyError(f"{param.opts[0]}: received {path}, {why}")
    return path


def writable_page(param: typer.CallbackParam, path: Path | None) -> Path | None:
    """Refuse a page that cannot be written or whose name does not end in ``.html``."""
    path = writable_file(param, path)
    if path is not None:
        from critlab.store.delivery import check_page

        check_page(path)
    from critlab.report.vega import check_renderer

    check_renderer()
    return path


def _file_in(path: Path) -> Path | None:
    """Return the file in ``path`` that should be a folder; None where there is none."""
    return next((place for place in (path, *path.parents) if place.exists() and not place.is_dir()), None)


StudyName = Annotated[
    str, typer.Argument(metavar="STUDY", help="A TOML file, the name of a preset, or package.module:function.")
]
StoreFolder = Annotated[
    Path,
    typer.Option(
        "--store", envvar="CRITLAB_STORE", help="Folder of the results.", show_default=True, callback=usable_folder
    ),
]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the data. Default: $CRITLAB_DATA, or the cache.", callback=usable_folder),
]
Scale = Annotated[
    Literal["demo", "small", "medium", "paper"] | None,
    typer.Option("--scale", help="Scale of a preset that has several."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Number of processes. Default: one per core.")]
PartOfWork = Annotated[
    str | None,
    typer.Option(
        "--part", metavar="K/N", help="Do part K of N only (seeds first, then branches), as one job of an array."
    ),
]
Restore = Annotated[
    bool,
    typer.Option(
        "--restore/--no-restore",
        help="Train again what a missing checkpoint needs. --no-restore: records without checkpoints are enough.",
    ),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Device to compute on.")]
Precision = Annotated[
    Literal["auto", "float32", "bfloat16"],
    typer.Option("--precision", help="auto: as in the study's record; in a first run the faster one."),
]
Figures = Annotated[
    Path | None,
    typer.Option(
        "--figures",
        help="Also write every chart as PDF, SVG, PNG, specification, CSV and caption to this folder.",
        callback=drawable_folder,
    ),
]
FigureWidth = Annotated[
    str | None, typer.Option("--width", metavar="single|double|POINTS", help="Width of the charts of --figures.")
]
FigureFont = Annotated[
    str | None, typer.Option("--font", help="Font of the charts of --figures. Default: Liberation Sans.")
]
FigureFormats = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="pdf|svg|png|json|csv|txt", help="Formats of --figures. Default: all of them."),
]
STORE = Path("critlab-store")


@dataclass(frozen=True)
class FigureOptions:
    """Whether charts are also written as files, where, and how they look."""

    figures: Figures = None
    width: FigureWidth = None
    font: FigureFont = None
    formats: FigureFormats = None

    def style(self) -> PaperStyle:
        """How they look.

        Raises:
            StudyError: a width or a format is not allowed.
        """
        from critlab.report.paper_style import PaperStyle

        return PaperStyle.read(self.width, self.font, self.formats)


@dataclass(frozen=True)
class Means:
    """With what a study is run."""

    workers: Workers = None
    device: Device = "auto"
    precision: Precision = "auto"
    data: DataFolder = None
    restore: Restore = True
    part: PartOfWork = None

    def options(self) -> dict[str, Any]:
        """The same, by the names of :class:`critlab.engine.context.RunOptions`.

        Raises:
            StudyError: the part is none.
        """
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        from critlab.study.runs.parts import Part

        part = None if self.part is None else Part.read(self.part)
        return {"folder" if name == "data" else name: value for name, value in named.items()} | {"part": part}
