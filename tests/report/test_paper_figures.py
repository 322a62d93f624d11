"""Files for a paper: widths in points, embedded fonts, the resolution in its tag, seeds in the numbers, captions."""

from __future__ import annotations

import csv
import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from critlab import save_figures
from critlab._core.errors import StudyError
from critlab.analysis.tables.results import Results
from critlab.report.paper_style import FORMATS, PaperStyle
from synthetic import synthetic_results


@pytest.fixture(scope="module")
def results() -> Results:
    """A finished study without measures, so that few charts are drawn."""
    made = synthetic_results(3, (0, 5, 20), controls={})
    kept = tuple(row for row in made.rows if row.quantity in ("test_accuracy", "train_accuracy"))
    return Results(made.study, kept, made.outcomes)


@pytest.fixture(scope="module")
def folder(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files of the study."""
    made = tmp_path_factory.mktemp("figures")
    save_figures(results, made)
    return made


@pytest.mark.slow
def test_a_pdf_is_as_wide_as_a_column_and_has_its_fonts_inside(folder: Path) -> None:
    for column, points in (("single", 234), ("double", 486)):
        pdf = (folder / f"damage-{column}.pdf").read_bytes()
        box = re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ", pdf)
        assert box is not None
        assert float(box[1]) == pytest.approx(points, abs=1)
        assert b"LiberationSans" in pdf
        assert pdf.count(b"/FontFile") >= 1


def test_a_png_has_300_dots_an_inch_and_says_so(folder: Path) -> None:
    png = (folder / "damage-single.png").read_bytes()
    place = png.index(b"pHYs") + 4
    across, down, unit = struct.unpack(">IIB", png[place : place + 9])
    assert (across, down, unit) == (11811, 11811, 1), "dots a metre"
    assert struct.unpack(">I", png[16:20])[0] == pytest.approx(3.25 * 300, abs=4)


def test_text_has_8_points_and_is_text(folder: Path) -> None:
    svg = (folder / "damage-single.svg").read_text()
    sizes = {float(size) for size in re.findall(r'font-size="([\d.]+)px"', svg)}
    assert sizes == {8.0}
    assert 'font-family="Liberation Sans"' in svg


def test_the_specification_stands_alone(folder: Path) -> None:
    spec = json.loads((folder / "damage-double.json").read_text())
    assert spec["data"]["values"]
    assert "$" not in json.dumps(spec).replace("$schema", "")


def test_numbers_have_seeds_and_say_what_the_interval_is(folder: Path, results: Results) -> None:
    rows = list(csv.DictReader((folder / "damage.csv").open()))
    assert {"low (95 % t, each point alone)", "high (95 % t, each point alone)", "seed 0", "seed 1", "seed 2"} <= set(
        rows[0]
    )
    last = results.curve().points[-1]
    row = next(row for row in rows if row["at"] == "20")
    assert float(row["seed 1"]) == last.seeds[1].damage
    assert float(row["damage"]) == pytest.approx(sum(float(row[f"seed {seed}"]) for seed in range(3)) / 3)


def test_a_caption_states_n_interval_and_test(folder: Path) -> None:
    text = (folder / "named_damages.txt").read_text()
    for part in ("n = 3.", "Intervals: 95 % t", "Test: one-sided t test"):
        assert part in text
    assert "Hover" not in (folder / "removal_curve.txt").read_text()


def test_width_font_and_formats_are_chosen(results: Results, tmp_path: Path) -> None:
    written = save_figures(results, tmp_path, PaperStyle.read("300", "DejaVu Sans", ["svg,csv"]))
    assert {path.suffix for path in written} == {".svg", ".csv"}
    svg = (tmp_path / "damage-300pt.svg").read_text()
    assert 'width="300pt"' in svg
    assert "DejaVu Sans" in svg
    assert PaperStyle.read(None, None, None) == PaperStyle(formats=FORMATS)


@pytest.mark.parametrize(
    ("width", "formats", "text"),
    [("singel", None, "must be single, double"), ("5", None, "100 to 2000"), (None, ["pfd"], "did you mean 'pdf'")],
)
def test_a_wrong_choice_is_said(width: str | None, formats: list[str] | None, text: str) -> None:
    with pytest.raises(StudyError, match=text):
        PaperStyle.read(width, None, formats)


class Axes:
    """What matplotlib's axes are asked for."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []

    def errorbar(self, x: list[int], y: list[float], **more: Any) -> None:
        self.lines.append((x, y, more))

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def test_the_curve_is_plotted_on_given_axes(results: Results) -> None:
    axes = Axes()
    assert results.plot(axes) is axes
    ((x, y, more),) = axes.lines
    points = results.curve().points
    assert x == [point.at for point in points]
    assert y == [100 * point.damage.value for point in points]
    assert more["yerr"][0][-1] == pytest.approx(100 * (points[-1].damage.value - (points[-1].low or 0)))


def test_a_missing_library_is_said(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(StudyError, match=r"pip install 'critlab\[plot\]'"):
        results.plot()
