"""The Ray engine on a simulated cluster: the same table as the local engine, also when a node goes in the middle."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from critlab.engine.context import RunOptions
from critlab.engine.maintenance.verify import verify
from critlab.engine.run import run_study
from critlab.sequential.loop import run_study_to_answer
from critlab.store import Store
from critlab.study.runs.tree import build
from critlab.study.study import Study
from inline import Inline, table
from studies import small

WAITING = """
import os, time
from critlab.deficits.images.blur import Blur
class Waiting(Blur):
    name = "waiting"
    def apply(self, images, labels, draws):
        if "CRITLAB_WORKER" not in os.environ:  # the driver tries a checkpoint before the first epoch
            return super().apply(images, labels, draws)
        open(os.path.join(FOLDER, f"here-{os.getpid()}"), "w").close()
        while not os.path.exists(os.path.join(FOLDER, "go")):
            time.sleep(0.05)
        return super().apply(images, labels, draws)
"""


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that only drives, and two nodes of one core each."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.add_node(num_cpus=1)
    made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()


def undisturbed(study: Study, folder: Path) -> str:
    engine = Inline(study, Store(folder))
    assert not engine.run().failures
    return table(study, engine.store)


def waiting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A study whose deficit waits for the file ``go``, so that a node can be caught at work."""
    (folder / "waiting.py").write_text(f"FOLDER = {str(folder)!r}\n{WAITING}")
    monkeypatch.syspath_prepend(folder)
    return small(deficit={"name": "waiting:Waiting", "factor": 7})


def soon(condition: Any) -> None:
    end = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_two_nodes_give_the_table_of_one_process(cluster: Any, tmp_path: Path) -> None:
    study, store = small(), Store(tmp_path / "s")
    report = run_study(study, store, RunOptions(executor="ray"))
    assert (report.status, report.trained) == (0, 2 * build(study).epochs)
    assert table(study, store) == undisturbed(study, tmp_path / "local")
    found = verify(store)
    assert (found.wrong, found.orphans) == ([], [])
    assert not list(store.root.rglob(".writing-*"))


def test_seeds_are_added_on_a_cluster_as_on_one_machine(cluster: Any, tmp_path: Path) -> None:
    chosen = {"seeds": {"first": 3, "most": 4}, "controls": {"delay": True, "clocks": None}, "measures": {}}
    study = small(statistics={"smallest_damage": 0.0}, **chosen)
    found = {}
    for name in ("ray", "inline"):
        store, means = Store(tmp_path / name), RunOptions(executor=name)
        report, stage, results = run_study_to_answer(study, store, means, print)
        assert report.status == 0
        assert results is not None
        assert report.trained == len(stage.seeds) * build(stage).epochs
        assert not verify(store).wrong
        found[name] = (stage.seeds, results.looks, results.to_csv())
    assert found["ray"] == found["inline"]
    assert len(found["ray"][1]) == 2, "undecided by three seeds"


def test_a_lost_node_s_stages_are_done_again(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, store = waiting(tmp_path, monkeypatch), Store(tmp_path / "s")

    def lose_a_node() -> None:
        soon(lambda: len(list(tmp_path.glob("here-*"))) == 2)
        cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
        (tmp_path / "go").touch()

    thief = threading.Thread(target=lose_a_node)
    thief.start()
    report = run_study(study, store, RunOptions(executor="ray"))
    thief.join()
    assert report.status == 0, report.outcome.failures
    assert report.trained == 2 * build(study).epochs
    assert sum(node["Alive"] for node in ray.nodes()) == 2, "the head and the node that is left"
    assert table(study, store) == undisturbed(study, tmp_path / "local")
    assert not verify(store).wrong


def test_a_failure_is_one_runs_own(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "failing.py").write_text(
        "import os\n"
        "from critlab.deficits.images.blur import Blur\n"
        "class Failing(Blur):\n"
        "    name = 'failing'\n"
        "    def apply(self, images, labels, draws):\n"
        "        if draws.epoch == 1:\n"
        "            raise ValueError('the lamp fell over')\n"
        "        return super().apply(images, labels, draws)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    study = small(seeds=1, deficit={"name": "failing:Failing", "factor": 7})
    report = run_study(study, Store(tmp_path / "s"), RunOptions(executor="ray"))
    assert report.status == 1
    assert ["the lamp fell over" in failure.reason for failure in report.outcome.failures] == [True]
    assert report.trained == build(study).epochs - 4, "all but the failed epoch and what rests on it"


def test_ctrl_c_stops_at_a_place_to_go_on_from(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    study, store = waiting(tmp_path, monkeypatch), Store(tmp_path / "s")

    def interrupt() -> None:
        soon(lambda: list(tmp_path.glob("here-*")))
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(3)
        (tmp_path / "go").touch()

    hand = threading.Thread(target=interrupt)
    hand.start()
    report = run_study(study, store, RunOptions(executor="ray"))
    hand.join()
    assert report.status == 130
    assert report.outcome.stopped
    assert run_study(study, store, RunOptions(executor="ray")).status == 0
    assert table(study, store) == undisturbed(study, tmp_path / "local")
