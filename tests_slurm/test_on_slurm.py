"""The scripts of the page on clusters, as printed, on a Slurm cluster of two nodes: nothing changes the table.

A job reaches its time limit, is requeued or cancelled, or loses its step or its node to SIGKILL.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster import PACKAGES, Cluster, missing, soon

if missing():
    pytest.skip(f"Slurm's {', '.join(missing())} not found; install {PACKAGES}", allow_module_level=True)

SCRIPTS = re.findall(
    r"^```\n(#!/bin/bash\n# (\S+)\n.*?)^```$",
    (Path(__file__).parents[1] / "docs" / "cluster.md").read_text(encoding="utf-8"),
    re.DOTALL | re.MULTILINE,
)

STUDY = """
name = "tiny"
seeds = 2
precision = "float32"
data = { name = "sample", train = 120, test = 60 }
model = { name = "mlp", hidden = [16] }
optimizer = { name = "sgd", lr = 0.05, batch = 40 }
deficit = { name = "slow:Slow", factor = 7 }
sweep = { kind = "removal", at = [0, 1, 3], recovery = 2 }
controls = { delay = false, clocks = [] }
measures = { fisher_trace = { every = 2, images = 40 } }
"""

SLOW = """
import os, time
from critlab.deficits.images.blur import Blur
class Slow(Blur):
    name = "slow"
    def apply(self, images, labels, draws):
        if "SLOW_IN" in os.environ and "CRITLAB_WORKER" in os.environ:
            open(os.path.join(os.environ["SLOW_IN"], "at-work-on-" + os.environ["SLURMD_NODENAME"]), "w").close()
            end = time.monotonic() + 5
            while time.monotonic() < end and not os.path.exists(os.path.join(os.environ["SLOW_IN"], "go")):
                time.sleep(0.05)
        return super().apply(images, labels, draws)
"""
"""A deficit whose steps take five seconds until there is a file ``go``, so that a job can be caught at work."""

CRITLAB = Path(sys.executable).with_name("critlab")


@dataclass
class Place:
    """A user's folder with the study and the scripts, and a home with the store."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "home").mkdir(parents=True)
        (self.folder / "study.toml").write_text(STUDY)
        (self.folder / "slow.py").write_text(SLOW)
        for text, name in SCRIPTS:
            (self.folder / name).write_text(text)

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(CRITLAB.parent), os.environ["PATH"]])
        return {"PATH": path, "HOME": str(self.folder / "home"), "OMP_NUM_THREADS": "1"}

    @property
    def store(self) -> Path:
        """The store that the scripts name."""
        return self.folder / "home" / "results"

    def submit(self, cluster: Cluster, *options: str, script: str = "requeue.sh") -> str:
        """The number of a job on one core, or of an array of such jobs; all output goes to ``out``."""
        given = {**self.environment, "SLOW_IN": str(self.folder)}
        one_core = ["--cpus-per-task=1", "--output=out"]
        return cluster.call("sbatch", "--parsable", *one_core, *options, script, folder=self.folder, **given)

    @property
    def out(self) -> str:
        file = self.folder / "out"
        return file.read_text() if file.exists() else ""

    def nodes(self) -> set[str]:
        """The nodes where a worker has trained with the deficit."""
        return {file.name.removeprefix("at-work-on-") for file in self.folder.glob("at-work-on-*")}

    def go(self) -> None:
        """Lets all further steps take no time."""
        (self.folder / "go").touch()

    def critlab(self, *arguments: str) -> bytes:
        """Standard output of a command for the study in the store, on no cluster."""
        return self.command(*arguments, "study.toml", "--store", str(self.store))

    def command(self, *arguments: str) -> bytes:
        """Standard output of a command."""
        command = [str(CRITLAB), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env={**os.environ, **self.environment}, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder, Cluster(Path(folder)) as found:
        yield found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The table of one command on no cluster that nothing stops."""
    place = Place(tmp_path_factory.mktemp("undisturbed") / "place")
    place.critlab("run", "--workers", "1")
    return place.critlab("export")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "place")


def completed(cluster: Cluster, place: Place, job: str) -> dict[str, str]:
    """What Slurm says of the job when it has ended, which is as it should."""
    soon(lambda: cluster.job(job)["JobState"] in ("COMPLETED", "FAILED", "CANCELLED"), f"the end of job {job}", 300)
    found = cluster.job(job)
    assert found["JobState"] == "COMPLETED", place.out
    return found


def running(cluster: Cluster) -> list[str]:
    """The names of the jobs and tasks of arrays that run."""
    return cluster.call("squeue", "--noheader", "--states=RUNNING", "--format=%i").split()


def restarted(cluster: Cluster, job: str) -> bool:
    return int(cluster.job(job)["Restarts"]) > 0


@pytest.mark.parametrize("reason", ["time limit", "requeued"])
def test_a_job_that_slurm_stops_is_requeued_and_completes(
    cluster: Cluster, place: Place, undisturbed: bytes, reason: str
) -> None:
    limit = ["--time=1", "--signal=B:USR1@10"] if reason == "time limit" else []
    job = place.submit(cluster, *limit)
    soon(place.nodes, "a worker at work")
    if reason == "requeued":
        cluster.call("scontrol", "requeue", job)
    soon(lambda: restarted(cluster, job), "a second start of the job")
    soon(lambda: "nothing is lost" in place.out, "a command that has stopped in order")
    cluster.call(
        "scontrol", "update", f"JobId={job}", "TimeLimit=60"
    )  # a minute may not be enough for an import of torch
    place.go()
    completed(cluster, place, job)
    assert place.critlab("export") == undisturbed
    place.critlab("verify")


def test_an_array_shares_a_store_and_requeues_one_task_alone(
    cluster: Cluster, place: Place, undisturbed: bytes
) -> None:
    array = place.submit(cluster, "--array=1-2")
    soon(lambda: len(place.nodes()) == 2, "a worker at work on each node")
    (own,) = (task for task in (1, 2) if cluster.job(f"{array}_{task}")["JobId"] == array)
    # what Slurm does before the time limit, to the task whose number is also that of the whole array
    cluster.call("scancel", "--batch", "--signal=USR1", f"{array}_{own}")
    soon(lambda: restarted(cluster, f"{array}_{own}"), "a second start of the task")
    place.go()
    starts = {task: int(completed(cluster, place, f"{array}_{task}")["Restarts"]) for task in (1, 2)}
    assert starts == {own: 1, 3 - own: 0}
    assert place.critlab("export") == undisturbed
    place.critlab("verify")


def test_parts_in_an_array_have_stores_that_merge(cluster: Cluster, place: Place, undisturbed: bytes) -> None:
    array = place.submit(cluster, script="array.sh")
    soon(lambda: len(place.nodes()) == 2, "a worker at work on each node")
    (stopped, *_) = running(cluster)
    cluster.call("scancel", "--batch", "--signal=USR1", stopped)
    soon(lambda: restarted(cluster, stopped), "a second start of the task")
    place.go()
    for part in (1, 2, 3, 4):
        completed(cluster, place, f"{array}_{part}")
    stores = [f"{place.store}-{part}" for part in (1, 2, 3, 4)]
    assert all(Path(store).is_dir() for store in stores)
    place.command("store", "merge", *stores, "--into", str(place.store))
    place.critlab("run", "--workers", "1")
    assert place.critlab("export") == undisturbed
    place.critlab("verify")


@pytest.mark.parametrize("lost", ["step", "node"])
def test_a_job_goes_on_after_kill_9(cluster: Cluster, place: Place, undisturbed: bytes, lost: str) -> None:
    job = place.submit(cluster)
    soon(place.nodes, "a worker at work")
    (node,) = place.nodes()
    if lost == "step":
        cluster.kill_step(job)
    else:
        cluster.kill_node(node)
    soon(lambda: restarted(cluster, job), "a second start of the job")
    place.go()
    found = completed(cluster, place, job)
    if lost == "node":
        assert {found["NodeList"], node} == {"n1", "n2"}, "it ended on the other node"
        cluster.start_node(node)
    assert place.critlab("export") == undisturbed
    place.critlab("verify")


def test_a_cancelled_job_stays_cancelled_and_the_command_completes_it(
    cluster: Cluster, place: Place, undisturbed: bytes
) -> None:
    job = place.submit(cluster)
    soon(place.nodes, "a worker at work")
    cluster.call("scancel", job)
    soon(lambda: "nothing is lost" in place.out, "a command that has stopped in order")
    soon(lambda: not cluster.call("squeue", "--noheader"), "an empty queue")
    assert cluster.job(job)["JobState"] == "CANCELLED"
    place.critlab("run", "--workers", "1")
    assert place.critlab("export") == undisturbed
