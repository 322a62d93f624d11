"""Named studies: the demo and the papers' figures, each with its source."""

from __future__ import annotations

from pathlib import Path

from critlab.entry import imported, is_path, one_line
from critlab.errors import CritlabError, StudyError
from critlab.presets.critical_periods import FIGURES
from critlab.presets.critical_periods_setup import all_cnn_cifar10 as all_cnn_cifar10
from critlab.presets.demo import demo, sample_windows
from critlab.presets.multisensory import MULTISENSORY
from critlab.presets.preset import Preset as Preset
from critlab.presets.preset import one
from critlab.presets.regularisation import REGULARISATION
from critlab.spec import nearest
from critlab.study.study import Study, read_study


def find(name: str, scale: str | None = None) -> Study:
    """The study that ``name`` stands for: a TOML file, a preset, or a user's ``"package.module:function"``.

    A preset of several parts is its first; ``"preset/part"`` names the others.

    Raises:
        StudyError: there is none, or it is not a study.
    """
    whole, _, part = name.partition("/")
    if whole in PRESETS and not Path(name).is_file():
        return _part(whole, part, scale)
    if scale is not None:
        raise StudyError(f"--scale: received {scale!r}, but {name!r} is no preset{nearest(name, PRESETS)}")
    if is_path(name) and not Path(name).exists():
        return _called(name)
    if not Path(name).exists() and not name.endswith(".toml"):
        raise StudyError(f"{name}: is neither a file nor a preset{nearest(name, PRESETS)}")
    return read_study(name)


def _part(name: str, part: str, scale: str | None) -> Study:
    preset = PRESETS[name]
    if scale is not None and scale not in preset.scales:
        raise StudyError(f"--scale: received {scale!r} for {name}{nearest(scale, preset.scales)}")
    studies = preset.studies(scale or preset.scales[0])
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


PRESETS = {
    "demo": Preset(
        one(lambda scale: demo()), ("demo",), "ours", "does early blur leave lasting damage on the sample that ships?"
    ),
    "sample-windows": Preset(
        one(lambda scale: sample_windows()),
        ("small",),
        "ours",
        "when does the same blur hurt most, at equal total budget?",
    ),
    **FIGURES,
    **REGULARISATION,
    **MULTISENSORY,
}
