"""The figures by name, and the study that a name stands for."""

from __future__ import annotations

import re
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import imported, is_path, one_line
from critlab._core.problems import nearest, shown
from critlab._core.registry import Registry
from critlab.papers.figure import Figure, Studies
from critlab.study.study import Study, read_study

_ROWS = (
    ("ours", ("demo", "sample-windows")),
    ("critical_periods", ("removal", "sensitivity", "deficits")),
    ("critical_periods.variants", ("depth", "mnist", "constant-lr", "adam", "weight-decay")),
    ("critical_periods.information", ("fisher", "layers", "gradients", "filters")),
    ("critical_periods.variants", ("regularisation",)),
    ("multisensory", (
        "rsv", "dissociation", "source-information", "source-removal", "source-window", "source-depth",
        "reconstruction",
    )),
    ("deep_linear.gated_pathways", ("pathways", "lesion", "pathways-nonlinear", "phase")),
    ("deep_linear.matrix_completion", (
        "completion-depth", "completion-rank", "completion-observations", "completion-subset", "completion-init",
        "completion-window", "singular-vectors",
    )),
    ("deep_linear", ("sensors",)),
    ("critical_feature_learning", (
        "kernel-reweighing", "kernels", "kernel-width", "kernel-layers", "kernel-criticality", "kernel-images",
        "prior-and-plasticity",
    )),
)  # fmt: skip
"""Folders with their figures, in the order of ``critlab list figures``; the file of a figure has its name."""

FIGURES: Registry[Figure] = Registry(
    "figure",
    Figure,
    "critlab.figures",
    {name: f"critlab.papers.{folder}.{name.replace('-', '_')}:FIGURE" for folder, names in _ROWS for name in names},
)
"""Every figure, in the order of ``critlab list figures``."""


def find_figure(name: str) -> Figure:
    """The figure called ``name``.

    Raises:
        StudyError: there is none; the message names the three nearest.
    """
    if name not in FIGURES and not is_path(name):
        close = _quoted(_nearest_figures(name))
        raise StudyError(
            f"FIGURE: received {shown(name)}; did you mean {close}? critlab list figures shows all {len(FIGURES)}"
        )
    return FIGURES.find(name, "figure")


def _nearest_figures(name: str, most: int = 3) -> list[str]:
    """The figures whose source is the figure of that number, as in ``figure1``, then those of the nearest names."""
    numbered = re.search(r"fig[a-z]*[^0-9a-z]*(\d+)", name.lower())
    wanted = re.compile(rf"figure {numbered[1]}(?!\d)") if numbered else None

    def distance(figure: str) -> tuple[bool, float]:
        sourced = wanted is not None and wanted.search(FIGURES[figure].source) is not None
        return not sourced, -SequenceMatcher(None, name[:100], figure).ratio()

    return sorted(FIGURES.rows, key=distance)[:most]


def _quoted(names: list[str]) -> str:
    """Names in a sentence, such as ``'a', 'b' or 'c'``."""
    *first, last = [repr(name) for name in names]
    return f"{', '.join(first)} or {last}" if first else last


def studied() -> list[str]:
    """The names of critlab's own figures that are made of studies."""
    return [name for name in FIGURES.rows if FIGURES[name].studies is not None]


def find_study(name: str, scale: str | None = None) -> Study:
    """The study that ``name`` stands for: a TOML file, a figure, or a user's ``"package.module:function"``.

    A figure of several parts is its first; ``"figure/part"`` names the others.

    Raises:
        StudyError: there is none, or it is not a study.
    """
    figure, _, part = name.partition("/")
    if figure in FIGURES and not Path(name).is_file():
        return _part(figure, part, scale)
    if scale is not None:
        raise StudyError(f"--scale: received {scale!r}, but {name!r} is not a figure{nearest(name, studied())}")
    if is_path(name) and not Path(name).exists():
        return _called(name)
    if not Path(name).exists() and not name.endswith(".toml"):
        files = [path.name for path in Path().glob("*.toml")]
        close = get_close_matches(name[:100], [*studied(), *files], n=3, cutoff=0.55)
        hint = f"; did you mean {_quoted(close)}?" if close else ";"
        raise StudyError(
            f"{name}: is neither a file nor a figure with studies{hint} give a study file (TOML), or a name from "
            "critlab list figures"
        )
    return read_study(name)


def other_parts(name: str, scale: str | None = None) -> list[str]:
    """The parts of the figure ``name`` but the first; none where ``name`` is a part of a figure, or another study.

    Raises:
        StudyError: the figure has no study, or not at that scale.
    """
    if name not in FIGURES or Path(name).is_file():
        return []
    return list(_parts(name, scale))[1:]


def _parts(name: str, scale: str | None) -> Studies:
    figure = FIGURES[name]
    if figure.studies is None:
        raise StudyError(f"{name}: this figure is computed and has no study; run critlab reproduce {name}")
    return figure.parts(figure.scale(name, scale, figure.scales[0]))


def _part(name: str, part: str, scale: str | None) -> Study:
    studies = _parts(name, scale)
    if part and part not in studies:
        raise StudyError(f"STUDY: received {part!r} as a part of {name}{nearest(part, studies)}")
    return studies[part or next(iter(studies))]


def _called(name: str) -> Study:
    function = imported(name)
    try:
        made = function() if callable(function) else function
    except CritlabError:
        raise
    except (Exception, SystemExit) as error:
        raise StudyError(f"{name!r} failed: {one_line(error)}") from error
    if not isinstance(made, Study):
        raise StudyError(
            f"{name!r} gave {type(made).__name__}; must be a function without arguments that returns a critlab.Study"
        )
    return made
