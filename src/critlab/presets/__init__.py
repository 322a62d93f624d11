"""Named studies: the demo and the papers' figures, each with its source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from critlab.analysis.results import Results
from critlab.entry import imported, is_path, one_line
from critlab.errors import CritlabError, StudyError
from critlab.presets.critical_periods import all_cnn_cifar10 as all_cnn_cifar10
from critlab.presets.critical_periods import removal_figure
from critlab.presets.demo import demo, sample_windows
from critlab.report.findings import Comparison
from critlab.spec import nearest
from critlab.study.study import Study, read_study


@dataclass(frozen=True)
class Preset:
    """A named study.

    Args:
        make: gives the study at a scale.
        scales: the scales that it has, the first one by default.
        source: paper and figure, or ``"ours"``.
        question: what it asks.
        published: the published numbers, in words; empty where there are none.
        compare: sets a study's results beside them.
    """

    make: Callable[[Any], Study]
    scales: tuple[str, ...]
    source: str
    question: str
    published: str = ""
    compare: Callable[[Results], Sequence[Comparison]] = lambda results: ()


def find(name: str, scale: str | None = None) -> Study:
    """The study that ``name`` stands for: a TOML file, a preset, or a user's ``"package.module:function"``.

    Raises:
        StudyError: there is none, or it is not a study.
    """
    if name in PRESETS:
        preset = PRESETS[name]
        if scale is not None and scale not in preset.scales:
            raise StudyError(f"--scale: received {scale!r} for {name}{nearest(scale, preset.scales)}")
        return preset.make(scale or preset.scales[0])
    if scale is not None:
        raise StudyError(f"--scale: received {scale!r}, but {name!r} is no preset{nearest(name, PRESETS)}")
    if is_path(name) and not Path(name).exists():
        return _called(name)
    if not Path(name).exists() and not name.endswith(".toml"):
        raise StudyError(f"{name}: is neither a file nor a preset{nearest(name, PRESETS)}")
    return read_study(name)


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


PRESETS = {
    "demo": Preset(
        lambda scale: demo(), ("demo",), "ours", "does early blur leave lasting damage on the sample that ships?"
    ),
    "sample-windows": Preset(
        lambda scale: sample_windows(), ("small",), "ours", "when does the same blur hurt most, at equal total budget?"
    ),
    "removal": Preset(
        removal_figure,
        ("paper", "small"),
        "Achille, Rovere and Soatto 2019, figure 1",
        "blur removed at epoch 0 to 200, All-CNN on CIFAR-10",
        "about 92 % clean; about 82 % after 140 blurred epochs or more (secondary sources)",
    ),
}
