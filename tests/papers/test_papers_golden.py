"""What the figures ask and cost: as it was before they were moved into one file each."""

from __future__ import annotations

import hashlib
import json

import pytest

from critlab.papers.cost import cost
from critlab.papers.registry import FIGURES
from critlab.study import Study
from paths import GOLDEN

PINNED = json.loads((GOLDEN / "figures.json").read_text())
STUDIED = [name for name, figure in FIGURES.items() if figure.studies is not None]


def fingerprint(study: Study) -> str:
    text = json.dumps(study.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", STUDIED)
def test_a_figures_studies_are_those_of_the_golden_file(name: str) -> None:
    figure = FIGURES[name]
    for scale in figure.scales:
        studies = figure.parts(scale)
        assert len({study.name for study in studies.values()}) == len(studies)
        golden = {key: value for key, value in PINNED["studies"].items() if key.startswith(f"{name}/{scale}/")}
        assert {f"{name}/{scale}/{part}": fingerprint(study) for part, study in studies.items()} == golden
        for study in studies.values():
            assert Study.read(study.model_dump(mode="json"), "again") == study


@pytest.mark.slow
def test_costs_are_those_that_were_counted_by_hand() -> None:
    for name, scales in PINNED["costs"].items():
        assert {scale: str(cost(FIGURES[name], scale)) for scale in scales} == scales


def test_tables_keep_their_names_in_the_store() -> None:
    computed = {name: figure.version for name, figure in FIGURES.items() if figure.tables is not None}
    assert computed == PINNED["theories"]
