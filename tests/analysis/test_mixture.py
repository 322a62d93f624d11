"""A study whose parts were made on different machines says so wherever its numbers are shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command import Command
from critlab.analysis.curve_notes import MixedMachines
from critlab.analysis.judgement.mixture import mixture
from critlab.analysis.tables.progress import progress
from critlab.analysis.tables.reading import read_results
from critlab.engine.maintenance.verify import verify
from critlab.engine.records.standing import read_record
from critlab.report.page import page
from critlab.report.text.store import status_text, verification_text
from critlab.running import run
from critlab.store import Store
from critlab.study.runs.tree import build
from studies import small, written

OTHER: dict[str, Any] = {"torch": "1.0.0", "processor": "Old Processor", "machine": "Linux aarch64"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("one") / "store"
    run(small(seeds=3), root, engine="inline", device="cpu")
    return root


def elsewhere(root: Path, to: Path, chosen: Callable[[int, str], bool], kind: Any = "epochs") -> Store:
    """A copy of the store in which the records of the chosen seeds and states were made on another machine."""
    shutil.copytree(root, to)
    store, study = Store(to), small(seeds=3)
    record = read_record(store, study)
    assert record is not None
    names, tree = record.ids(study), build(study)
    for seed in study.seeds:
        for path in tree.nodes:
            name = names.state(seed, path) if kind == "epochs" else names.reading(seed, path, "test")
            if path and chosen(seed, path):
                body = store.read(kind, name)
                assert body is not None
                store.write(kind, name, {**body, "provenance": {**body["provenance"], **OTHER}})
    return store


def deprived(path: str) -> bool:
    tree = build(small())
    return path in {*tree.upwards(tree.ends["blur-0-3-of-5"])} and tree.nodes[path].epoch > 1


@pytest.mark.slow
def test_one_kind_says_nothing(trained: Path) -> None:
    results = read_results(small(seeds=3), Store(trained))
    assert mixture(results) is None
    assert not [line for line in results.verdict().lines() if "kind" in line]
    assert "kind" not in status_text(progress(small(seeds=3), Store(trained)), "run")
    assert "made on" not in verification_text(verify(Store(trained), small(seeds=3)))
    assert verify(Store(trained)).made["all studies"].values()


def test_training_and_tests_on_two_machines_mix_every_arm(trained: Path, tmp_path: Path) -> None:
    results = read_results(small(seeds=3), elsewhere(trained, tmp_path / "s", lambda seed, path: seed == 2))
    found = mixture(results)
    assert found is not None
    # the readings of that seed were taken where the others were
    assert len(found.kinds) == 2
    assert [point.mixed for point in results.curve()] == [1, 1, 1]


def test_a_run_and_its_control_on_two_machines_are_said(trained: Path, tmp_path: Path) -> None:
    store = elsewhere(trained, tmp_path / "s", lambda seed, path: seed == 0 and deprived(path))
    study = small(seeds=3)
    results = read_results(study, store)
    found = mixture(results)
    assert found is not None
    control, arm = found.arms[0], found.arms[1]
    assert (control.arm, len(control.records), control.mixed) == ("control", 1, 0)
    assert (arm.arm, len(arm.records)) == ("blur", 2)
    assert (arm.mixed, arm.pairs) == (1, 6)
    assert found.mixed == 1
    curve = results.curve()
    assert [point.mixed for point in curve.points] == [0, 0, 1]
    assert MixedMachines(1) in curve.notes
    lines = "\n".join(results.verdict().lines())
    assert "torch 1.0.0, Old Processor, Linux aarch64, cpu" in lines
    assert "1 of 6 differences from the control mix kinds" in lines


@pytest.mark.slow
def test_every_command_says_it(
    critlab: Command, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = elsewhere(trained, tmp_path / "s", lambda seed, path: seed > 0)
    file = str(written(tmp_path, ("seeds = 2", "seeds = 3")))
    where = ["--store", str(store.root)]
    told = "Old Processor"
    for command in ("run", "status", "verify"):
        done = critlab(command, file, *where)
        assert told in done.out, command
        assert "blur: " in done.out, command
    out = tmp_path / "page.html"
    done = critlab("report", file, *where, "--out", str(out))
    assert told in done.out
    shown = out.read_text()
    assert shown.count(told) >= 2, "in the notes of the verdict, and in what it was made on"
    document = json.loads(critlab("status", file, *where, "--json").out)["mixture"]
    assert {arm["arm"] for arm in document["arms"]} == {"control", "blur"}
    assert any(told in words for words in document["kinds"])
    made = json.loads(critlab("verify", file, *where, "--json").out)["made"]
    assert set(made) == {"control", "blur"}
    assert len(made["blur"]) == 2
    assert len(json.loads(critlab("verify", *where, "--json").out)["made"]["all studies"]) == 2


def test_readings_taken_elsewhere_are_said(trained: Path, tmp_path: Path) -> None:
    store = elsewhere(trained, tmp_path / "s", lambda seed, path: seed == 1, "readings")
    found = mixture(read_results(small(seeds=3), store))
    assert found is not None
    assert found.mixed == 2


@pytest.mark.slow
def test_the_page_does_not_name_the_last_machine_alone(trained: Path, tmp_path: Path) -> None:
    store = elsewhere(trained, tmp_path / "s", lambda seed, path: seed == 1)
    shown = page(read_results(small(seeds=3), store))
    assert shown.count("Made on") == 2
    assert ">processor<" not in shown
