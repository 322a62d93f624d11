"""How charts for a paper look: their width, font and file formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from critlab._core.errors import StudyError
from critlab._core.problems import nearest, shown
from critlab._core.user_code.values import instance, is_real
from critlab.report.theme import PAPER_FONT

Format = Literal["pdf", "svg", "png", "json", "csv", "txt"]
"""``json`` is the Vega-Lite specification, ``csv`` the numbers, ``txt`` the caption."""

POINTS_PER_INCH = 72
COLUMNS = {"single": 234.0, "double": 486.0}
"""Widths of one column and of two, in points: 3.25 and 6.75 inches."""

NARROWEST, WIDEST = 100.0, 2000.0
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True)
class PaperStyle:
    """How :func:`critlab.save_figures` draws.

    Args:
        width: ``"single"`` or ``"double"`` column, or points (1/72 inch); None is both columns for charts of one plot
            and two columns for the others.
        font: of all text. Liberation Sans, the default, comes with the renderer, so it is the same on every machine;
            another font must be installed.
        formats: of the files; by default all of :data:`FORMATS`.

    Raises:
        StudyError: a width or a format is not allowed.
    """

    width: str | float | None = None
    font: str = PAPER_FONT
    formats: tuple[Format, ...] = FORMATS

    def __post_init__(self) -> None:
        if self.width is not None and not is_real(self.width) and self.width not in [*COLUMNS]:
            raise StudyError(
                f"width: received {shown(self.width)}; must be single, double, or a number of points such as 300"
            )
        if isinstance(self.width, int | float) and not NARROWEST <= self.width <= WIDEST:
            raise StudyError(f"width: received {self.width:g}; must be {NARROWEST:g} to {WIDEST:g} points")
        instance(self.font, "font", str, "the name of a font")
        instance(self.formats, "formats", (list, tuple), f"a list of {', '.join(FORMATS)}")
        for one in self.formats:
            if one not in FORMATS:
                raise StudyError(f"format: received {shown(one)}{nearest(f'{one}', FORMATS)}")

    @classmethod
    def read(cls, width: str | None, font: str | None, formats: list[str] | None) -> PaperStyle:
        """The style that the options of a command say; what is None is the default.

        Raises:
            StudyError: a width or a format is not allowed.
        """
        number = width is not None and width.replace(".", "", 1).isdigit()
        given: str | float | None = float(width) if number and width is not None else width
        chosen = tuple(part for one in formats or () for part in one.split(","))
        return cls(given, font or PAPER_FONT, chosen or FORMATS)  # type: ignore[arg-type]

    def widths(self, panels: int) -> dict[str, float]:
        """The widths in points of a chart with so many plots, by what they are called in a file's name."""
        if self.width is None:
            return COLUMNS if panels == 1 else {"double": COLUMNS["double"]}
        if isinstance(self.width, str):
            return {self.width: COLUMNS[self.width]}
        return {f"{self.width:g}pt": float(self.width)}
