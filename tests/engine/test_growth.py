"""Nothing grows faster than its work: expanding a study, judging it, and drawing its page."""

from __future__ import annotations

import copy
import cProfile
import gc
import json
import pickle
import pstats
import tomllib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from critlab._core.digest import canonical
from critlab._core.estimate import Estimate
from critlab.analysis.tables.results import Results
from critlab.hooks.watch.records.history import MOST_RECORDS, History
from critlab.hooks.watch.records.record import Record
from critlab.hooks.watch.records.writers import JsonLines
from critlab.report.documents.study_text import study_text
from critlab.report.page import page
from critlab.study import Study
from critlab.study import study as study_module
from critlab.study.runs.expansion import expand
from critlab.study.runs.tree import build
from studies import small
from synthetic import synthetic_results


def calls(job: Callable[[], object]) -> int:
    """How many function calls a job makes: unlike its time, the same on every machine."""
    profile = cProfile.Profile()
    profile.runcall(job)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def many_arms(count: int) -> Results:
    controls = {"deficits": [{"name": "data_subset", "count": 2 + i} for i in range(count)]}
    return synthetic_results(3, (0, 5, 10), controls=controls, recovery=4)


def test_a_study_is_expanded_once() -> None:
    study = small()
    assert study.runs is study.runs
    assert study.runs == expand(study)


def test_copies_of_a_study_have_runs_of_their_own() -> None:
    study = small()
    before = study.runs
    changed = study.model_copy(update={"sweep": study.sweep.model_copy(update={"recovery": 5})})
    assert [run.total for run in changed.runs] == [run.total + 3 for run in before]
    for twin in (copy.copy(study), copy.deepcopy(study), pickle.loads(pickle.dumps(study))):
        assert twin == study
        assert twin.runs == before


def test_expanding_changes_no_study() -> None:
    study = small()
    fresh, plain = pickle.dumps(study), study.model_dump_json()
    assert study.runs
    assert pickle.dumps(study) == fresh
    assert study.model_dump_json() == plain
    assert study == small()


def test_runs_are_forgotten_with_their_study() -> None:
    study = small()
    key = id(study)
    assert study.runs
    assert key in study_module._EXPANDED
    del study
    gc.collect()
    assert key not in study_module._EXPANDED


@pytest.mark.slow
@pytest.mark.parametrize("job", [page, Results.verdict], ids=["page", "verdict"])
def test_the_work_of_many_arms_is_linear(job: Callable[[Results], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("critlab.report.web.static._drawn", lambda spec: "")  # takes long, and is no call of Python's
    job(many_arms(2))  # imports count once
    few, twice = (calls(lambda n=n: job(many_arms(n))) for n in (30, 60))  # type: ignore[misc]
    assert twice < 2.3 * few


@pytest.mark.slow
def test_expanding_many_arms_is_linear() -> None:
    few, twice = (many_arms(count).study for count in (40, 80))
    assert calls(lambda: expand(twice)) < 2.3 * calls(lambda: expand(few))
    counted = []
    for study in (few, twice):
        build(study)  # digests of recipes are kept
        counted.append(calls(lambda study=study: build(study)))  # type: ignore[misc]
    assert counted[1] < 2.3 * counted[0]


@pytest.mark.parametrize("deficit", [{"name": "data_subset", "count": 40}, {"name": "data_subset", "fraction": 0.5}])
def test_the_text_of_a_study_leaves_out_what_is_not_given(deficit: dict[str, Any]) -> None:
    study = small(deficit=deficit, controls={"deficits": [{"name": "data_subset", "count": 60}]})
    assert Study.read(tomllib.loads(study_text(study)), "again") == study


def test_names_are_made_from_the_same_text_for_all_kinds_of_containers() -> None:
    plain = {"a": [1, 2.5, -0.0, True, None, "x"], "2": {"b": []}}
    assert canonical({"a": (1, 2.5, 0.0, True, None, "x"), 2: MappingProxyType({"b": ()})}) == canonical(plain)
    assert canonical(plain) == '{"2":{"b":[]},"a":[1,2.5,0.0,true,null,"x"]}'


def record(step: int) -> Record:
    one = Estimate(1.0, 0.1)
    unread = dict.fromkeys(("movement", "movement_by_chance", "gradient_norm", "gradient_signal_to_noise"))
    more: dict[str, Any] = {
        **unread,
        "gradient_clipped": None,
        "path": None,
        "lr": None,
        "seconds": 1.0,
        "overhead": 0.0,
    }
    return Record(step, 1, 8, trace=one, uncertainty=one, loss=None, layers={}, shares={}, **more)


def test_the_history_of_a_watch_is_bounded_and_appending_to_it_costs_the_same() -> None:
    history = History()
    one = record(0)
    first, later = (calls(lambda: deque(map(history.append, [one] * 20_000), maxlen=0)) for _ in range(2))
    assert later < 1.1 * first
    assert history.count == 40_000
    assert len(history.records) <= MOST_RECORDS + 1


def test_a_log_of_gigabytes_is_appended_to_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "watch.jsonl"
    with path.open("wb") as file:
        file.seek(8 * 2**30)
        file.write(b"\n")
    before = path.stat().st_size
    JsonLines(path)(record(7))
    with path.open("rb") as file:
        file.seek(before)
        assert json.loads(file.read())["step"] == 7
