"""docs/study_file.md: every block is part of a study that reads, and no key is missing."""

from __future__ import annotations

import re
import tomllib
from typing import Any, get_args

import pytest

from critlab._core.spec import Spec
from critlab.data.spec import DataSpec
from critlab.deficits import Deficit
from critlab.measures import Measure
from critlab.objectives import OBJECTIVES
from critlab.study import (
    AugmentSpec,
    BackgroundDeficit,
    ControlsSpec,
    EvaluationSpec,
    Intervention,
    OnsetSweep,
    OptimizerSpec,
    RemovalSweep,
    StatisticsSpec,
    Study,
    SwitchOffSweep,
    WindowOverride,
    WindowSweep,
)
from critlab.study.runs.run import Against
from critlab.study.schedules import CLOCKS
from critlab.study.switches import SWITCHES
from paths import DOCS

TEXT = (DOCS / "study_file.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0].strip("[]"))
def test_every_block_is_part_of_a_study(block: str) -> None:
    whole, part = tomllib.loads(BLOCKS[0]), tomllib.loads(block)
    if "switch" in part and "name" in part:
        del whole["deficit"]
    study = Study.read(whole | part, "docs/study_file.md")
    assert study.runs
    plain = study.model_dump(mode="json")
    for key, value in part.items():
        assert key == "seeds" or said(value, plain[key]), f"{key} is read as it is written"


def said(written: Any, read: Any) -> bool:
    """Whether what was read holds what was written, beside its defaults."""
    if isinstance(written, dict) and isinstance(read, dict):
        return all(said(value, read[key]) for key, value in written.items())
    if isinstance(written, list) and isinstance(read, list):
        return len(written) == len(read) and all(map(said, written, read))
    return bool(written == read) or read == {"name": written}


SPECS: tuple[type[Spec], ...] = (
    *(
        Study,
        DataSpec,
        OptimizerSpec,
        AugmentSpec,
        Deficit,
        WindowOverride,
        BackgroundDeficit,
        Intervention,
        RemovalSweep,
        WindowSweep,
        OnsetSweep,
        SwitchOffSweep,
    ),
    *(ControlsSpec, EvaluationSpec, StatisticsSpec, Measure),
)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_no_key_is_missing(spec: type[Spec]) -> None:
    hidden = {DataSpec: {"options"}, OptimizerSpec: {"options"}, WindowOverride: {"switches"}}.get(spec, set())
    missing = [key for key in set(spec.model_fields) - hidden if f"`{key}`" not in TEXT and f"`[{key}]`" not in TEXT]
    assert not missing


def test_no_choice_is_missing() -> None:
    for name in (*CLOCKS, *get_args(Against)):
        assert f'`"{name}"`' in TEXT
    for name in (*OBJECTIVES, *SWITCHES):
        assert f"`{name}`" in TEXT
