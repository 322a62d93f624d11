"""A measure in a new version: finished studies keep their readings, unfinished ones are measured in one version."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

import critlab
from critlab.engine.maintenance.gc import collect
from critlab.engine.records.measure_versions import versions_before
from critlab.engine.records.standing import read_record
from critlab.engine.records.study_ids import StudyIds
from critlab.store import Store
from critlab.study.ingredients.measurement import scheduled_measures
from critlab.study.runs.tree import build
from inline import table
from paths import GOLDEN
from studies import small


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study whose readings have the names of the version before, as its record does not say."""
    folder = tmp_path_factory.mktemp("before") / "store"
    critlab.run(study(), folder, engine="inline")
    store = Store(folder)
    record = read_record(store, study())
    assert record is not None
    now = record.ids(study())
    then = StudyIds(study(), now.fingerprint, now.numerics, versions=versions_before(study()))
    for path, node in build(study()).nodes.items():
        for measure in set(scheduled_measures(study(), node)) & {"fisher_trace"}:
            body = store.read("readings", now.reading(0, path, measure))
            store.write(
                "readings", then.reading(0, path, measure), {**(body or {}), "spec": then.read_with(measure)[0]}
            )
            store.path("readings", now.reading(0, path, measure)).unlink()
    question = dict(store.read("studies", record.key) or {})
    del question["versions"]
    store.write("studies", record.key, question)
    return folder


def study(**changes: object) -> critlab.Study:
    measures = {"fisher_trace": {"every": 1, "images": 40}, "weights": {"every": 1}}
    return small(seeds=1, measures=measures, sweep={"kind": "removal", "at": [0, 1], "recovery": 1}, **changes)


def versions(store: Path) -> dict[int, int]:
    """How many readings of the trace there are in each version."""
    found: dict[int, int] = {}
    for path in (store / "readings").rglob("*.json"):
        spec = json.loads(path.read_text())["body"]["spec"]
        if spec["name"] == "fisher_trace":
            found[spec["version"]] = found.get(spec["version"], 0) + 1
    return found


@pytest.fixture
def store(before: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(before, tmp_path / "store"))


@pytest.mark.slow
def test_a_finished_study_keeps_its_readings_and_says_of_which_version(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = versions(store)
    assert list(found) == [2]
    read = table(study(), Store(store))
    again = critlab.run(study(), store, engine="inline").to_csv()
    said = " ".join(capsys.readouterr().err.split())
    assert "has measurements of version 2 of this measure; the present version is 3" in said
    assert "too small where training has converged; to repeat them, use --remeasure" in said
    assert versions(store) == found, "nothing was measured again"
    assert read == again
    record = read_record(Store(store), study())
    assert record is not None
    assert record.versions == {"fisher_trace": 2}
    collect(Store(store), apply=True)
    assert versions(store) == found, "they are in use"


@pytest.mark.slow
def test_where_one_is_missing_all_are_made_in_the_present_version(store: Path) -> None:
    for path in sorted((store / "readings").rglob("*.json")):
        if json.loads(path.read_text())["body"]["spec"]["name"] == "fisher_trace":
            path.unlink()
            break
    critlab.run(study(), store, engine="inline")
    old, new = (versions(store).get(version, 0) for version in (2, 3))
    assert new == old + 1, "as many as there ought to be"
    record = read_record(Store(store), study())
    assert record is not None
    assert not record.versions
    quantities = {row.quantity for row in critlab.run(study(), store, engine="inline").rows}
    assert "fisher_trace" in quantities


@pytest.mark.slow
def test_remeasuring_renews_them_for_good(store: Path) -> None:
    kept = critlab.run(study(), store, engine="inline").to_csv()
    renewed = critlab.run(study(), store, engine="inline", remeasure=True).to_csv()
    assert versions(store)[3] == versions(store)[2]
    # the readings themselves are those of this version, under another name
    assert kept == renewed
    assert critlab.run(study(), store, engine="inline").to_csv() == renewed


@pytest.mark.slow
def test_a_study_that_grows_is_measured_in_one_version(store: Path) -> None:
    grown = study().model_copy(update={"sweep": small(sweep={"kind": "removal", "at": [0, 1, 2], "recovery": 1}).sweep})
    critlab.run(grown, store, engine="inline")
    record = read_record(Store(store), grown)
    assert record is not None
    assert not record.versions
    assert versions(store)[3] > versions(store)[2]


def test_the_golden_store_is_of_the_version_before(tmp_path: Path) -> None:
    with tarfile.open(GOLDEN / "store.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    assert list(versions(tmp_path / "store")) == [2]
    assert versions_before(study()) == {"fisher_trace": 2}
