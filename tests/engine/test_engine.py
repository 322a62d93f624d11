"""The engine's promises: the same table twice, forks equal scratch, only what is new is trained, nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import critlab
from critlab.analysis.tables.reading import read_results
from critlab.engine.context import RunOptions
from critlab.engine.planning.retention import retained_paths
from critlab.engine.records.standing import read_record
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.run import run_study
from critlab.engine.tasks.events import Paused, Read, StateReached, Stopped, Trained
from critlab.engine.tasks.execute import execute_task
from critlab.engine.tasks.missing_work import Task, find_missing_work
from critlab.engine.tasks.writer import Writer
from critlab.store import Store
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import recipes
from critlab.study.runs.tree import build
from critlab.study.study import Study
from inline import table
from studies import small, written
from trained import TrainedStores

MORE = {"fisher_trace": {"every": 2, "images": 40}, "weights": {"every": 1}}
"""The measures of the small study and one that costs nothing, which is read twice as often."""

pytestmark = pytest.mark.slow  # every test trains in worker processes, or with the trainer of another package


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path, str]:
    """A study that was run to its end by two workers, its store and its table."""
    folder = tmp_path_factory.mktemp("finished") / "with space and ü"
    study = small()
    return study, folder, critlab.run(study, folder, workers=2).to_csv()


def test_the_same_study_twice_gives_the_same_table(finished: tuple[Study, Path, str], tmp_path: Path) -> None:
    study, _, table = finished
    assert critlab.run(study, tmp_path / "other", engine="inline").to_csv() == table, "in processes or in this one"
    assert table.count("\n") > 100


def test_finished_work_is_not_repeated(finished: tuple[Study, Path, str]) -> None:
    study, folder, _ = finished
    report = run_study(study, Store(folder), RunOptions())
    assert (report.trained, report.replayed, report.status) == (0, 0, 0)


def test_a_fork_equals_the_run_trained_from_scratch(finished: tuple[Study, Path, str]) -> None:
    """Bit for bit, weights and momentum, although the store's run went through a checkpoint and another process."""
    from critlab.data import load
    from critlab.training.learner import NetworkLearner

    study, folder, _ = finished
    record = read_record(Store(folder), study)
    assert record is not None
    names, tree, images = record.ids(study), build(study), load(study.data)
    torch.set_num_threads(1)
    learner = NetworkLearner(study, images, Numerics())
    run = study.runs[-1]
    state = learner.start(names.origin(1))
    for epoch, recipe in enumerate(recipes(run, study)):
        learner.advance(state, recipe, epoch)
    scratch = learner.pack(state)
    stored = Store(folder).load_state(names.state(1, tree.ends[run.name]))
    assert stored is not None
    assert stored.keys() == scratch.keys()
    for key in scratch:
        np.testing.assert_array_equal(stored[key], scratch[key], err_msg=key)
    assert any("momentum" in key and np.any(scratch[key]) for key in scratch)


def test_a_new_removal_epoch_trains_only_what_is_new(finished: tuple[Study, Path, str], tmp_path: Path) -> None:
    study, folder, table = finished
    store = Store(copied(folder, tmp_path))
    wider = study.model_copy(update={"sweep": study.sweep.model_copy(update={"at": (0, 1, 2, 3)})})
    report = run_study(wider, store, RunOptions(executor="inline"))
    assert (report.trained, report.replayed) == (2 * 2, 0), "two recovery epochs for each of two seeds"
    assert set(table.splitlines()) <= set(read_results(wider, store).to_csv().splitlines())


def test_a_new_measure_fills_in_without_training(finished: tuple[Study, Path, str], tmp_path: Path) -> None:
    _, folder, table = finished
    store = Store(copied(folder, tmp_path))
    more = small(measures=MORE)
    report = run_study(more, store, RunOptions(executor="inline"))
    assert (report.trained, report.replayed) == (0, 0)
    lines = set(read_results(more, store).to_csv().splitlines())
    assert set(table.splitlines()) < lines


def test_a_lost_state_is_replayed_and_must_give_its_loss(finished: tuple[Study, Path, str], tmp_path: Path) -> None:
    study, folder, table = finished
    copy = copied(folder, tmp_path)
    for path in (copy / "checkpoints").rglob("*.safetensors"):
        path.unlink()
    more = small(measures=MORE)
    record = read_record(Store(copy), more)
    assert record is not None
    work = record.run(more, Store(copy)).missing()
    assert (work.trained, work.replayed) == (0, 2 * build(study).epochs), "every checkpoint that stays is made again"
    report = run_study(more, Store(copy), RunOptions(executor="inline"))
    assert report.status == 0
    assert set(table.splitlines()) < set(read_results(more, Store(copy)).to_csv().splitlines())


def test_a_replay_that_gives_another_loss_is_an_error(finished: tuple[Study, Path, str], tmp_path: Path) -> None:
    study, folder, _ = finished
    store = Store(copied(folder, tmp_path))
    record = read_record(store, study)
    assert record is not None
    name = record.ids(study).state(0, next(iter(build(study).nodes.values())).children[0])
    body = store.read("epochs", name)
    assert body is not None
    store.write("epochs", name, {**body, "train_loss": body["train_loss"] + 1e-9})
    for path in (store.root / "checkpoints").rglob("*.safetensors"):
        path.unlink()
    more = small(measures=MORE)
    report = run_study(more, store, RunOptions(executor="inline"))
    assert report.status == 1
    assert any("recorded" in failure.reason for failure in report.outcome.failures)


ONE_SEED: dict[str, Any] = {"seeds": 1, "measures": {"weights": {"every": 2}}}


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000))
def test_stopped_anywhere_it_goes_on_to_the_same_table(trained: TrainedStores, tmp_path: Path, chance: int) -> None:
    """Tasks are broken off after a random number of events, as by a kill, again and again until nothing is left."""
    from critlab.data import load
    from critlab.training.learner import NetworkLearner

    torch.set_num_threads(1)
    study, dice = small(**ONE_SEED), random.Random(chance)
    store = Store(tmp_path / f"s{chance}")
    images = load(study.data)
    names, tree = StudyIds(study, images.fingerprint, Numerics()), build(study)
    learner = NetworkLearner(study, images, Numerics())
    kept = frozenset(path for path in tree.nodes if tree.is_cut(path))
    for _ in range(60):
        tasks = find_missing_work(tree, study.seeds, names, store, kept).tasks
        ready = [task for task in tasks if can_begin(task, names, store)]
        if not ready:
            break
        task = dice.choice(ready)
        writer, left = Writer(store, names, task), dice.randint(1, 12)
        for event in execute_task(
            task,
            tree,
            names,
            learner,
            store.load_state,
            lambda: dice.random() < 0.2,
            lambda name: store.load_state(name, "inside"),
        ):
            if left == 0:
                break
            left -= 1
            writer.write(event)
            assert isinstance(event, StateReached | Read | Trained | Paused | Stopped) or event.seconds > 0
        else:
            writer.finish() if not isinstance(event, Stopped) else None
    assert not find_missing_work(tree, study.seeds, names, store, kept).tasks
    from critlab.engine.records.standing import write_record
    from critlab.engine.records.study_record import StudyRecord

    write_record(store, StudyRecord(study.model_dump(mode="json"), images.fingerprint, Numerics(), {}))
    assert read_results(study, store).to_csv() == table(study, Store(trained(study)))


def can_begin(task: Task, names: StudyIds, store: Store) -> bool:
    if task.start == "" or store.has_state(names.state(0, task.start)):
        return True
    return bool(task.steps) and store.has_state(names.state(0, task.steps[0].path), "inside")


def copied(folder: Path, into: Path) -> Path:
    import shutil

    return Path(shutil.copytree(folder, into / "copy"))


def test_what_is_kept_respects_the_budget() -> None:
    study = small(sweep={"kind": "removal", "at": [0, 10], "recovery": 5})
    tree = build(study)
    everything = retained_paths(tree, 2, 10, 10**9)
    trunks = retained_paths(tree, 2, None)
    cuts = retained_paths(tree, 2, 10, 1)
    assert len(everything) == tree.epochs
    assert cuts == {path for path in tree.nodes if path and tree.is_cut(path)}
    assert cuts <= trunks <= everything


def test_a_diverged_run_is_a_result_and_spares_the_others(tmp_path: Path) -> None:
    study = small(
        optimizer={"name": "sgd", "lr": 1e30, "batch": 40}, model={"name": "mlp", "hidden": [4], "batch_norm": False}
    )
    results = critlab.run(study, tmp_path / "s", engine="inline")
    assert {outcome.status for outcome in results.outcomes} == {"diverged"}
    assert run_study(study, Store(tmp_path / "s"), RunOptions()).trained == 0, "a diverged run is not tried again"


def test_a_crashed_run_is_shown_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "breaking.py").write_text(
        "from critlab.deficits import Deficit\n"
        "class Break(Deficit):\n"
        "    name = 'break'\n"
        "    def apply(self, images, labels, draws):\n"
        "        if draws.epoch == 1:\n"
        "            raise RuntimeError('the lamp fell over')\n"
        "        return images, labels\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    study = small(seeds=1, deficit={"name": "breaking:Break"})
    store = Store(tmp_path / "s")
    report = run_study(study, store, RunOptions(executor="inline"))
    assert report.status == 1
    outcomes = {outcome.run.name: outcome for outcome in read_results(study, store).outcomes}
    assert outcomes["control-of-2"].status == "done"
    assert outcomes["break-0-1-of-3"].status == "done"
    assert outcomes["break-0-3-of-5"].status == "failed"
    assert "the lamp fell over" in outcomes["break-0-3-of-5"].note


def command(study: Path, store: Path, workers: int = 2) -> list[str]:
    return [sys.executable, "-m", "critlab.cli", "run", str(study), "--store", str(store), "--workers", str(workers)]


def test_killed_at_random_it_ends_with_the_same_table(tmp_path: Path) -> None:
    """SIGKILL twice at random moments: the whole process group, and the parent alone; more in ``evidence/kills.py``."""
    study = written(
        tmp_path,
        ("train = 120", "train = 2500"),
        ("at = [0, 1, 3]", "at = [0, 1, 6]"),
        ("recovery = 2", "recovery = 5"),
        ("batch = 40", "batch = 100"),
        ("fisher_trace = { every = 2, images = 40 }", "weights = { every = 2 }"),
    )
    dice, store = random.Random(1), tmp_path / "s"
    for group in (True, False):
        process = subprocess.Popen(command(study, store), stderr=subprocess.DEVNULL, start_new_session=True)
        before = len(list(store.rglob("*.json")))
        while process.poll() is None and len(list(store.rglob("*.json"))) < before + 3:
            time.sleep(0.02)
        time.sleep(dice.uniform(0, 0.2))
        assert process.poll() is None, "the study must be long enough to be killed"
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        assert no_process_left(process.pid), "workers must end when their parent dies, however it dies"
    chosen = critlab.read_study(study)
    assert run_study(chosen, Store(store), RunOptions(executor="inline")).status == 0
    assert not list(store.rglob(".writing-*")), "no temporary file stays"
    undisturbed = critlab.run(chosen, tmp_path / "undisturbed", engine="inline")
    assert read_results(chosen, Store(store)).to_csv() == undisturbed.to_csv()


def no_process_left(group: int, patience: float = 20) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_a_signal_stops_cleanly_and_says_how_to_go_on(tmp_path: Path, number: int, status: int) -> None:
    study = written(tmp_path, ("train = 120", "train = 1000"), ("recovery = 2", "recovery = 80"))
    store = tmp_path / "s"
    workers = 2 if number == signal.SIGINT else 1
    # a suite in the background has SIGINT ignored, and its children would ignore it too
    before = signal.signal(number, signal.SIG_DFL)
    try:
        process = subprocess.Popen(
            command(study, store, workers),
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(number, before)
    while process.poll() is None and not list(store.rglob("epochs/*/*.json")):
        time.sleep(0.05)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status, errors
    assert "repeat the same command to continue" in errors
    assert "Traceback" not in errors
