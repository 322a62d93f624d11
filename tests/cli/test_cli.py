"""The command line: every command, on studies that are really run, with a user's own code and packages."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import typer

from command import Answer, Command
from critlab.cli.commands import app
from critlab.data import DATA
from critlab.deficits import DEFICITS
from critlab.measures import MEASURES
from critlab.models import MODELS
from critlab.papers.registry import FIGURES
from critlab.study import read_study
from studies import TOML, written
from trained import TrainedStores

COLUMNS = ["run", "arm", "seed", "deficit", "start", "stop", "clock", "epoch", "quantity", "layer", "value", "stderr"]
NAMES = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
TABLES: dict[str, Any] = {
    "deficits": DEFICITS,
    "data": DATA,
    "models": MODELS,
    "measures": MEASURES,
    "figures": FIGURES,
}
QUICK = """
name = "quick"
seeds = 1
data = { name = "cli_own:%s" }
model = { name = "cli_own:%s", %s }
optimizer = { name = "sgd", lr = 0.05, batch = 20 }
deficit = { name = "vertical_flip" }
sweep = { kind = "removal", at = [0, 1], recovery = 1 }
"""


def command_in(folder: Path, *arguments: str, installed: bool = False) -> Answer:
    """The ``critlab`` command in a process of its own; ``installed`` where ``folder`` holds installed packages."""
    asked = [sys.executable, "-m", "critlab.cli", *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CRITLAB_")}
    environment["XDG_CACHE_HOME"] = str(folder.parent / "cache")
    if installed:
        environment["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(asked, cwd=folder, env=environment, capture_output=True, text=True)
    return Answer(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="module")
def finished(trained: TrainedStores, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small study and the store in which it was run."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(trained(read_study(written(folder))), folder / "store")
    return folder


@pytest.fixture
def study(finished: Path) -> list[str]:
    """The arguments that name the finished study."""
    return [str(finished / "study.toml"), "--store", str(finished / "store")]


def trained(store: Path) -> dict[str, bytes]:
    """Every file of a store."""
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def json_of(answer: Answer) -> dict[str, Any]:
    """The one document on stdout."""
    assert answer.status == 0, answer.err
    document: dict[str, Any] = json.loads(answer.out)
    assert document["schema_version"] == 1
    return document


def test_the_commands_are_there() -> None:
    assert {"demo", "plan", "run", "status", "report", "export", "list"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_help(critlab: Command, name: str) -> None:
    answer = critlab(name, "--help")
    assert (answer.status, answer.err) == (0, "")
    assert f"critlab {name}" in answer.out
    assert ("--store" in answer.out) == (name not in ("bench", "calibrate", "init", "store"))


@pytest.mark.slow
def test_a_studys_design_is_calibrated(critlab: Command, study: list[str]) -> None:
    found = json_of(critlab("calibrate", study[0], "--studies", "5", "--json"))
    assert {"false_present", "false_absent", "power", "coverage"} <= set(found)
    assert found["designs"] == ["small"]
    assert found["false_present"]["stderr"] > 0
    answer = critlab("calibrate", study[0], "--studies", "0")
    assert answer.status == 2
    assert "--studies" in answer.err


@pytest.mark.slow
def test_help_of_every_command_is_light(tmp_path: Path) -> None:
    code = (
        "import sys; from critlab import cli\n"
        f"for name in {NAMES!r}:\n"
        "    sys.argv = ['critlab', name, '--help']\n"
        "    try: cli.main()\n"
        "    except SystemExit as end: assert not end.code\n"
        "print('loaded', *sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    modules = set(told.stdout.rpartition("loaded ")[2].split())
    assert "critlab.cli" in modules
    assert not modules & {"torch", "scipy", "numpy", "jinja2", "pandas", "critlab.study", "critlab.report"}


def test_no_command_shows_help(critlab: Command) -> None:
    answer = critlab()
    assert answer.status == 2
    assert "plan" in answer.out + answer.err


@pytest.mark.slow
@pytest.mark.parametrize("what", TABLES)
def test_list(critlab: Command, what: str) -> None:
    rows = json_of(critlab("list", what, "--json"))[what]
    assert [row["name"] for row in rows] == list(TABLES[what])
    assert all(row["source"] and row["about"] is not None for row in rows)
    text = critlab("list", what)
    assert (text.status, text.err) == (0, "")
    assert all(row["name"] in text.out and row["source"] in text.out for row in rows)


def test_plan_of_a_new_study(critlab: Command, tmp_path: Path) -> None:
    written(tmp_path)
    found = json_of(critlab("plan", "study.toml", "--json", "--workers", "3"))
    assert (found["study"], found["runs"], found["workers"]) == ("small", 6, 3)
    assert (found["epochs_without_sharing"], found["epochs_with_sharing"]) == (20, 18)
    assert found["sharing_ratio"] == pytest.approx(20 / 18)
    assert found["epochs_left"] == 18
    assert found["bytes"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


@pytest.mark.slow
def test_plan_knows_the_time_once_it_was_measured(
    critlab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    written(tmp_path)
    assert re.search(r"^ *time: unknown, add --measure$", critlab("plan", "study.toml").out, re.M)
    assert json_of(critlab("plan", "study.toml", "--json"))["seconds"] is None
    measured = json_of(critlab("plan", "study.toml", "--json", "--measure"))["seconds"]
    assert measured > 0
    assert json_of(critlab("plan", "study.toml", "--json"))["seconds"] == measured
    assert re.search(r"^ *time: .* on 3 workers$", critlab("plan", "study.toml", "--workers", "3").out, re.M)
    plans = [json_of(critlab("plan", "study.toml", "--json", "--workers", workers)) for workers in ("1", "99")]
    alone, many = (one["seconds"] - one["start_seconds"] for one in plans)
    assert many / alone == pytest.approx(5 / 18), "the longest run's five epochs come one after the other"
    assert plans[0]["start_seconds"] == plans[1]["start_seconds"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "study.toml"]


@pytest.mark.parametrize("command", [["plan", "study.toml", "--measure"], ["run", "study.toml"]])
def test_a_worker_starts_no_workers(
    critlab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    written(tmp_path)
    monkeypatch.setenv("CRITLAB_WORKER", "1")
    answer = critlab(*command)
    assert answer.status == 2
    assert "a worker process imported a script that starts a study" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


def test_plan_of_the_paper(critlab: Command) -> None:
    answer = critlab("plan", "removal", "--scale", "paper")
    assert answer.status == 0
    assert "14,300" in answer.out
    assert "9,800" in answer.out


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("removal", "removal: this is the first of 2 parts; the others are removal/resnet18. "),
        (
            "weight-decay",
            "the others are weight-decay/0.001, weight-decay/0.002. critlab reproduce weight-decay --scale small runs",
        ),
        ("removal/all_cnn", ""),
        ("sensitivity", ""),
    ],
)
def test_a_figure_of_several_parts_names_the_others(critlab: Command, name: str, note: str) -> None:
    answer = critlab("plan", name, "--scale", "small")
    assert answer.status == 0
    assert note in answer.err
    assert ("first of" in answer.err) is bool(note)


@pytest.mark.slow
def test_plan_of_a_finished_study(critlab: Command, study: list[str]) -> None:
    found = json_of(critlab("plan", *study, "--json"))
    assert (found["epochs_left"], found["replays"], found["readings_left"]) == (0, 0, 0)


def test_plan_of_a_users_function(critlab: Command, tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "cli_studies.py").write_text(
        "from critlab.study import read_study\n"
        "def quick(): return read_study('study.toml')\n"
        "class Several:\n"
        "    @staticmethod\n"
        "    def second(): return quick()\n"
        "value = quick()\n"
    )
    for name in ("quick", "Several.second", "value"):
        assert json_of(critlab("plan", f"cli_studies:{name}", "--json"))["study"] == "small"


@pytest.mark.slow
def test_status(critlab: Command, study: list[str]) -> None:
    found = json_of(critlab("status", *study, "--json"))
    assert (found["study"], found["epochs"], found["epochs_left"]) == ("small", 18, 0)
    assert found["counts"] == {"done": 6}
    assert len(found["runs"]) == len({run["run"] for run in found["runs"]}) == 6
    assert all(run["epochs"] == run["of"] and run["status"] == "done" for run in found["runs"])
    assert critlab("status", *study).out.startswith("small: 18 of 18 epochs trained\n")


def test_ray_that_is_not_installed_is_said(critlab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", None)
    answer = critlab("run", "study.toml", "--store", "store", "--engine", "ray")
    assert (answer.status, answer.out) == (2, "")
    assert answer.problem == "critlab: --engine: received ray, which is not installed; pip install 'critlab[ray]'\n"
    assert not (tmp_path / "store").exists()


def test_status_says_the_command_that_begins(critlab: Command, tmp_path: Path) -> None:
    (tmp_path / "with space").mkdir()
    written(tmp_path / "with space")
    answer = critlab("status", "with space/study.toml", "--store", "my store")
    assert answer.status == 0
    assert "never run" in answer.out
    assert "critlab run 'with space/study.toml' --store 'my store'" in answer.out
    assert not (tmp_path / "my store").exists()


def test_the_store_of_the_environment(
    critlab: Command, study: list[str], finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json_of(critlab("status", study[0], "--json"))["counts"] == {}
    monkeypatch.setenv("CRITLAB_STORE", str(finished / "store"))
    assert json_of(critlab("status", study[0], "--json"))["counts"] == {"done": 6}
    assert json_of(critlab("status", study[0], "--json", "--store", "other"))["counts"] == {}


def test_export_csv(critlab: Command, study: list[str], tmp_path: Path) -> None:
    answer = critlab("export", *study)
    assert (answer.status, answer.err) == (0, "")
    header, *rows = list(csv.reader(io.StringIO(answer.out)))
    assert header == COLUMNS
    counted = Counter((row[0], row[8]) for row in rows if row[9] == "")
    assert {quantity for _, quantity in counted} >= {"train_accuracy", "train_loss", "test_accuracy", "test_loss"}
    assert counted["blur-0-3-of-5-seed1", "train_accuracy"] == 5
    assert counted["blur-0-3-of-5-seed1", "test_accuracy"] == 2, "the two epochs of the recovery are the final ones"
    assert counted["blur-0-3-of-5-seed1", "fisher_trace"] == 3
    assert all(0 <= float(row[10]) <= 1 for row in rows if row[8].endswith("accuracy"))
    assert len({tuple(row[:10]) for row in rows}) == len(rows)
    written_out = critlab("export", *study, "--out", "new/table.csv")
    assert (written_out.status, written_out.out) == (0, "")
    assert (tmp_path / "new" / "table.csv").read_text() == answer.out


def test_export_json(critlab: Command, study: list[str], tmp_path: Path) -> None:
    answer = critlab("export", *study, "--format", "json")
    document = json_of(answer)
    assert document["study"] == "small"
    assert all(list(row) == COLUMNS for row in document["rows"])
    lines = list(csv.reader(io.StringIO(critlab("export", *study).out)))[1:]
    assert [[str(value) for value in row.values()] for row in document["rows"]] == lines
    assert critlab("export", *study, "--format", "json", "--out", "table.json").out == ""
    assert (tmp_path / "table.json").read_text() == answer.out


def test_parquet_needs_a_file(critlab: Command, study: list[str]) -> None:
    answer = critlab("export", *study, "--format", "parquet")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == "critlab: --out: missing; parquet is binary and needs a file\n"


@pytest.mark.parametrize("lacking", ["pandas", "pyarrow"])
def test_parquet_needs_an_extra(
    critlab: Command, study: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    monkeypatch.setitem(sys.modules, lacking, None)
    answer = critlab("export", *study, "--format", "parquet", "--out", "new/table.parquet")
    assert (answer.status, answer.out) == (2, "")
    assert "received parquet, which needs the extra: pip install 'critlab[tables]'" in answer.err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_parquet(critlab: Command, study: list[str], tmp_path: Path) -> None:
    import pandas

    assert critlab("export", *study, "--format", "parquet", "--out", "new/table.parquet").status == 0
    frame = pandas.read_parquet(tmp_path / "new" / "table.parquet")
    assert list(frame.columns) == COLUMNS
    assert len(frame) == critlab("export", *study).out.count("\n") - 1


@pytest.mark.parametrize("command", ["export", "report"])
def test_a_file_that_cannot_be_written(critlab: Command, study: list[str], tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for out in ("file/page", "folder"):
        answer = critlab(command, *study, "--out", out)
        assert (answer.status, answer.out) == (2, "")
        assert out.partition("/")[0] in answer.err
        assert "Traceback" not in answer.err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


@pytest.mark.slow
def test_report(critlab: Command, study: list[str], tmp_path: Path) -> None:
    answer = critlab("report", *study)
    assert answer.status == 0
    assert str(tmp_path / "small.html") in answer.out
    page = (tmp_path / "small.html").read_text()
    assert page.lower().startswith("<!doctype html>")
    assert "blur" in page
    assert critlab("report", *study, "--out", "new/page.html").status == 0
    assert (tmp_path / "new" / "page.html").stat().st_size > 10_000


@pytest.mark.slow
def test_a_second_run_trains_nothing(critlab: Command, study: list[str], finished: Path) -> None:
    # the store was trained without the command, which also records a look
    assert critlab("run", *study, "--workers", "1").status == 0
    before = trained(finished / "store")
    table = critlab("export", *study).out
    answer = critlab("run", *study, "--workers", "1")
    assert answer.status == 0
    assert "epochs in" not in answer.err
    after = trained(finished / "store")
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} <= {"studies/small.json"}
    assert critlab("export", *study).out == table


def test_another_precision_is_refused(critlab: Command, study: list[str], finished: Path) -> None:
    before = trained(finished / "store")
    answer = critlab("run", *study, "--precision", "bfloat16")
    assert (answer.status, answer.out) == (2, "")
    assert "--precision: received bfloat16, but this store has the study in float32" in answer.err
    assert "another --store" in answer.err
    assert trained(finished / "store") == before


OWN = """
import numpy as np
from torch import nn

def images(count, seed):
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)

def whole():
    return (images(60, 0), np.arange(60) % 3), (images(30, 1), np.arange(30) % 3)

def heads():
    train, test = images(60, 0) / 255, images(30, 1) / 255
    labels = np.stack([np.arange(60) % 3, np.full(60, -1)], axis=1)
    labels[30:, 1] = labels[30:, 0]
    labels[30:40, 0] = -1
    return (train.astype(np.float64), labels), (test, labels[::2])

def too_bright():
    train, test = whole()
    return (train[0].astype(np.float32), train[1]), test

def fails():
    raise OSError(5, "the disk is gone")

class Heads(nn.Module):
    def __init__(self, inputs, classes, width):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(inputs, width), nn.ReLU())
        self.head = nn.Linear(width, 2 * classes)

    def forward(self, images):
        return self.head(self.body(images)).unflatten(1, (2, -1))

def two_heads(example_shape, classes, *, width=8):
    return Heads(int(np.prod(example_shape)), classes, width)

def one_head(example_shape, classes, *, width=8):
    layers = [nn.Flatten(), nn.Linear(int(np.prod(example_shape)), width), nn.ReLU(), nn.Linear(width, classes)]
    return nn.Sequential(*layers)

def no_module(example_shape, classes, width):
    return 3
"""


def own(folder: Path, data: str, model: str, option: str) -> None:
    """A user's code in ``folder``, and a study of it."""
    (folder / "cli_own.py").write_text(OWN)
    (folder / "quick.toml").write_text(QUICK % (data, model, option))


@pytest.mark.slow
@pytest.mark.parametrize(("data", "model"), [("whole", "one_head"), ("heads", "two_heads")])
def test_a_users_own_model_and_data(critlab: Command, tmp_path: Path, data: str, model: str) -> None:
    own(tmp_path, data, model, "width = 5")
    planned = json_of(critlab("plan", "quick.toml", "--json"))
    assert (planned["epochs_with_sharing"], planned["bytes"], planned["seconds"]) == (3, None, None)
    measured = json_of(critlab("plan", "quick.toml", "--json", "--measure"))
    assert min(measured["bytes"], measured["seconds"]) > 0
    assert json_of(critlab("plan", "quick.toml", "--json"))["bytes"] == measured["bytes"], "the size is remembered"
    own(tmp_path, data, model, "width = 6")
    assert json_of(critlab("plan", "quick.toml", "--json"))["bytes"] is None, "another model has another size"
    own(tmp_path, data, model, "width = 5")
    assert not (tmp_path / "critlab-store").exists()
    answer = critlab("run", "quick.toml", "--store", "store", "--engine", "inline")
    assert answer.status == 0, answer.err
    rows = json_of(critlab("export", "quick.toml", "--store", "store", "--format", "json"))["rows"]
    values = {(row["run"], row["epoch"], row["quantity"]): row["value"] for row in rows}
    assert len(values) == len(rows) == 10, "four numbers of two final epochs, two of the epoch with the deficit"
    assert all(math.isfinite(value) for value in values.values())
    assert all(0 <= value <= 1 for key, value in values.items() if key[2].endswith("accuracy"))
    assert len({value for key, value in values.items() if key[2] == "train_loss"}) == 3


@pytest.mark.parametrize(
    ("data", "model", "option", "texts"),
    [
        ("whole", "one_head", "widht = 5", ("widht", "received 5", "did you mean 'width'", "allowed: width")),
        ("whole", "no_module", "width = 5", ("model.name", "returned int", "torch.nn.Module")),
        ("whole", "missing", "width = 5", ("cli_own:missing", "has no 'missing'", "two_heads")),
        ("missing", "one_head", "width = 5", ("cli_own:missing", "has no 'missing'", "too_bright")),
        ("too_bright", "one_head", "width = 5", ("cli_own:too_bright, train", "must be in [0, 1]")),
        ("fails", "one_head", "width = 5", ("cli_own:fails", "OSError", "the disk is gone")),
    ],
)
def test_a_users_own_code_that_does_not_fit(
    critlab: Command, tmp_path: Path, data: str, model: str, option: str, texts: tuple[str, ...]
) -> None:
    own(tmp_path, data, model, option)
    answer = critlab("run", "quick.toml", "--store", "store", "--workers", "1")
    assert (answer.status, answer.out) == (2, ""), answer
    assert answer.problem.startswith("critlab: ")
    assert "Traceback" not in answer.err
    for text in texts:
        assert text in answer.err
    assert not (tmp_path / "store").exists()


DIM = """
from typing import ClassVar
from pydantic import Field
from critlab.deficits import Deficit

class Dim(Deficit):
    name: ClassVar[str] = "dim"
    citation: ClassVar[str] = "the test's own"
    amount: float = Field(default=0.5, gt=0, le=1)

    def apply(self, images, labels, draws):
        return images * self.amount, labels

number = 3
"""


def package(folder: Path, name: str, offered: str = "dim", code: str = DIM, row: str = "Dim") -> None:
    """An installed package that offers a deficit, as a package manager leaves it."""
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[critlab.deficits]\n{offered} = {name}:{row}\n")
    (folder / f"{name}.py").write_text(code.replace("{module}", name))


@pytest.mark.slow
def test_another_packages_deficit(tmp_path: Path) -> None:
    package(tmp_path, "cli_dimmer")
    listed = json_of(command_in(tmp_path, "list", "deficits", "--json", installed=True))["deficits"]
    assert [row["source"] for row in listed if row["name"] == "dim"] == ["the test's own"]
    text = TOML.partition("[measures]")[0].replace('"blur"\nfactor = 7', '"dim"\namount = 0.25').replace("3]", "2]")
    (tmp_path / "study.toml").write_text(text)
    answer = command_in(tmp_path, "run", "study.toml", "--store", "store", "--engine", "inline", installed=True)
    assert answer.status == 0, answer.err
    rows = json_of(
        command_in(tmp_path, "export", "study.toml", "--store", "store", "--format", "json", installed=True)
    )["rows"]
    assert {row["deficit"] for row in rows} == {"", "dim"}
    (tmp_path / "study.toml").write_text(text.replace("0.25", "2.5"))
    refused = command_in(tmp_path, "plan", "study.toml", installed=True)
    assert refused.status == 2
    assert "deficit.amount: received 2.5; must be less than or equal to 1" in refused.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("offers", "texts"),
    [
        ({"cli_one": {}, "cli_two": {}}, ("two packages offer a deficit called 'dim'", "cli_one", "cli_two")),
        ({"cli_one": {"offered": "blur"}}, ("two packages offer a deficit called 'blur'", "critlab", "cli_one")),
        ({"cli_one": {"code": "import no_such_module"}}, ("'dim'", "cli_one", "no_such_module", "uninstall")),
        ({"cli_one": {"row": "number"}}, ("'dim'", "cli_one", "must be a subclass of critlab.deficits.Deficit")),
    ],
)
def test_a_package_that_does_not_fit(tmp_path: Path, offers: dict[str, dict[str, str]], texts: tuple[str, ...]) -> None:
    for name, arguments in offers.items():
        package(tmp_path, name, **arguments)
    answer = command_in(tmp_path, "list", "deficits", installed=True)
    assert (answer.status, answer.out) == (2, "")
    assert "Traceback" not in answer.err
    assert all(text in answer.err for text in texts), answer.err
    written(tmp_path)
    assert command_in(tmp_path, "plan", "study.toml", installed=True).status == 0
