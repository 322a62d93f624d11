"""The index of a store: each study with its answer and its page, and nothing that only the store names is run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from command import Command
from critlab._core.errors import StudyError
from critlab.engine.records.standing import all_records, write_record
from critlab.report.index import write_index
from critlab.store import Store
from studies import small
from trained import TrainedStores

pytestmark = pytest.mark.slow  # pages of whole studies


@pytest.fixture
def store(trained: TrainedStores, tmp_path: Path) -> Store:
    shutil.copytree(trained(small()), tmp_path / "store")
    return Store(tmp_path / "store")


def test_each_study_has_a_row_and_a_page(critlab: Command, store: Store, tmp_path: Path) -> None:
    answer = critlab("report", "--store", str(store.root), "--out", "index.html", "--json")
    assert answer.status == 0, answer.err
    (row,) = json.loads(answer.out)["studies"]
    assert (row["name"], row["status"], row["page"]) == ("small", "done", "index-small.html")
    text = (tmp_path / "index.html").read_text()
    assert 'href="index-small.html"' in text
    assert row["question"] in text
    assert (tmp_path / "index-small.html").read_text().startswith("<!doctype html>")
    assert "small: " in critlab("report", "--store", str(store.root), "--out", "again.html").out


def test_code_that_only_a_store_names_is_not_run(store: Store, tmp_path: Path) -> None:
    _, record = next(all_records(store))
    told = {**record.body()["study"], "name": "their own", "model": {"name": "no.such.module:net"}}  # type: ignore[union-attr]
    write_record(store, type(record)(told, record.fingerprint, record.numerics, record.provenance))  # type: ignore
    rows = {row.name: row for row in write_index(store, tmp_path / "index.html")}
    assert rows["small"].page
    assert (rows["their own"].page, rows["their own"].answer) == ("", "not read")
    assert "your own code" in rows["their own"].headline
    assert not (tmp_path / "index-their_own.html").exists()


def test_a_place_without_studies_is_named(critlab: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, said in (("empty", "has no study"), ("none", "is not a store")):
        answer = critlab("report", "--store", folder)
        assert answer.status == 2
        assert said in answer.err
    assert "STUDY: missing" in critlab("report", "--store", "empty", "--scale", "demo").err
    with pytest.raises(StudyError, match="has no study"):
        write_index(Store(tmp_path / "empty"), tmp_path / "index.html")
