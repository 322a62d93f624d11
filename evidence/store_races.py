"""Every command at work in one store at once, in random order, with random SIGKILLs: is anything lost or wrong?

    python evidence/store_races.py [--rounds 100] [--seed 0] [--inline] [--out results/evidence/store_races.csv]

In each round, ``run`` of two studies, ``export``, ``report``, ``verify`` and two ``gc --apply`` begin at random moments
in one store, up to three of them are killed with their process groups, and then both studies are run to their ends.
A store lives for four rounds, so that it is met empty, half-done and finished; at the beginning of a round it may lose
a checkpoint or readings. One row a round is added to the CSV; what is there already is not done again.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from critlab import cli  # the commands are imported once, and then forked
from critlab.analysis.tables.reading import read_results
from critlab.cli import commands
from critlab.engine.maintenance.verify import verify
from critlab.report import page  # noqa: F401 - so is what the page needs
from critlab.store import Store
from critlab.study import read_study
from critlab.training import learner  # noqa: F401 - and torch, which training needs

OUT = Path(__file__).parent.parent / "results" / "evidence" / "store_races.csv"
ROUNDS_OF_A_STORE = 4
STUDY = """
name = "{name}"
seeds = 2
precision = "float32"
data = {{ name = "sample", train = 200, test = 100 }}
model = {{ name = "mlp", hidden = [16] }}
optimizer = {{ name = "sgd", lr = 0.05, momentum = 0.9, batch = 20 }}
deficit = {{ name = "{deficit}" }}
sweep = {{ kind = "removal", at = [0, 1, 2], recovery = 2 }}
measures = {{ fisher_trace = {{ every = 2, images = 40 }} }}
"""
STUDIES = {"one": "vertical_flip", "two": "blank"}
LASTING = ("epochs", "readings", "studies")
COMMANDS = {
    "run one": ("run", "one.toml", "--workers", "1"),
    "run two": ("run", "two.toml", "--workers", "1"),
    "export": ("export", "one.toml"),
    "report": ("report", "two.toml", "--out", "page.html"),
    "verify": ("verify",),
    "gc": ("gc", "--apply"),
    "gc again": ("gc", "--apply"),
}


@dataclass(frozen=True)
class Round:
    """One round and what came of it.

    ``lost`` counts files that were there at its beginning and are not at its end; ``tracebacks`` are commands that
    ended in one, or in a status that they do not have; ``wrong`` are findings of ``verify`` during and after the round;
    ``wrong_rows`` are exported rows that an undisturbed table does not have; ``same_tables`` says whether both tables
    are the undisturbed ones at the end.
    """

    round: int
    order: str
    harm: str
    killed: str
    refused: int
    lost: int
    tracebacks: int
    wrong: int
    wrong_rows: int
    same_tables: bool


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class Child:
    """A command in a process group of its own, forked from this process, whose imports it has."""

    def __init__(self, name: str, arguments: tuple[str, ...], store: str) -> None:
        self.name, self.out, self.status = name, Path(f"{name}.out"), -1
        self.process = os.fork()
        if self.process == 0:
            os.setpgid(0, 0)
            descriptor = os.open(self.out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            sys.argv = ["critlab", *arguments, "--store", store]
            try:
                cli.main()
            except SystemExit as end:
                os._exit(int(end.code or 0))
            except BaseException as error:
                print(f"Traceback: {error!r}", flush=True)
                os._exit(1)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)

    def wait(self) -> int:
        _, status = os.waitpid(self.process, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def said(self) -> str:
        return self.out.read_text(errors="replace")


def finished(store: str) -> None:
    """Runs both studies to their ends."""
    for name in ("run one", "run two"):
        child = Child(name, COMMANDS[name], store)
        if child.wait():
            raise SystemExit(f"{name} ended with {child.status}: {child.said()}")


def tables(store: str) -> dict[str, str]:
    return {name: read_results(read_study(f"{name}.toml"), Store(store)).to_csv() for name in STUDIES}


def lasting(store: str) -> set[str]:
    """The files that nothing may free: all records and readings."""
    root = Path(store)
    return {str(path.relative_to(root)) for kind in LASTING for path in (root / kind).rglob("*.json")}


def harmed(dice: random.Random, store: str) -> str:
    """Takes something from a finished store that its next run must make again."""
    what = dice.choice(["nothing", "a checkpoint", "ten readings"])
    kind = "checkpoints" if what == "a checkpoint" else "readings"
    files = sorted(path for path in (Path(store) / kind).rglob("*") if path.is_file())
    if what == "nothing" or len(files) < 10:
        return "nothing"
    for path in dice.sample(files, 1 if what == "a checkpoint" else 10):
        path.unlink()
    return what


def raced(number: int, dice: random.Random, store: str, expected: dict[str, str]) -> Round:
    """One round in ``store``."""
    harm = harmed(dice, store)
    before = lasting(store)
    order = list(COMMANDS)
    dice.shuffle(order)
    victims = {name: dice.uniform(0.0, 4.0) for name in dice.sample(order, dice.randint(0, 3))}
    began, children = time.monotonic(), list[Child]()
    for name in order:
        time.sleep(dice.uniform(0, 0.6))
        children.append(Child(name, COMMANDS[name], store))
    alive = {child.name: child for child in children}
    for name, moment in sorted(victims.items(), key=lambda item: item[1]):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        alive[name].kill()
    tracebacks = wrong = wrong_rows = refused = 0
    for child in children:
        child.wait()
        said = child.said()
        broke = "Traceback" in said or (child.status not in (0, 1, 2) and child.name not in victims)
        tracebacks += broke
        if broke:
            print(f"round {number}: {child.name} ended with {child.status}\n{said}", file=sys.stderr)
        if child.name == "verify" and child.status == 1 and harm == "nothing":
            wrong += 1
            print(f"round {number}: verify\n{said}", file=sys.stderr)
        if child.name == "export" and child.status == 0:
            rows = set(said.splitlines()) - set(expected["one"].splitlines())
            wrong_rows += len(rows)
        refused += child.name.startswith("gc") and child.status == 2
    lost = {file for file in before if not (Path(store) / file).exists()}
    if lost:
        print(f"round {number}: lost {sorted(lost)[:5]}", file=sys.stderr)
    finished(store)
    found = verify(Store(store)).wrong
    for one in found:
        print(f"round {number}: {one}", file=sys.stderr)
    Child("gc", COMMANDS["gc"], store).wait()
    same = tables(store) == expected
    killed = " ".join(f"{name}@{moment:.1f}" for name, moment in victims.items())
    counts = (refused, len(lost), tracebacks, wrong + len(found), wrong_rows)
    return Round(number, ", ".join(order), harm, killed, *counts, same)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=100)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--inline", action="store_true", help="train both studies in the processes of their commands")
    options.add_argument("--out", type=Path, default=OUT)
    asked = options.parse_args()
    if asked.inline:
        COMMANDS.update({name: (*COMMANDS[name][:2], "--engine", "inline") for name in ("run one", "run two")})
    out: Path = asked.out.absolute()
    done = len(out.read_text().splitlines()) - 1 if out.exists() else 0
    out.parent.mkdir(parents=True, exist_ok=True)
    assert commands.app, "the commands are imported"
    with tempfile.TemporaryDirectory() as folder, working_in(Path(folder)), out.open("a", newline="") as file:
        rows = csv.DictWriter(file, [field.name for field in fields(Round)], lineterminator="\n")
        if not done:
            rows.writeheader()
        for name, deficit in STUDIES.items():
            Path(f"{name}.toml").write_text(STUDY.format(name=name, deficit=deficit))
        finished("undisturbed")
        expected, bad = tables("undisturbed"), 0
        for number in range(done, asked.rounds):
            dice = random.Random(asked.seed * 10_000 + number)
            made = raced(number, dice, f"store-{number // ROUNDS_OF_A_STORE}", expected)
            rows.writerow(asdict(made))
            file.flush()
            bad += made.lost + made.tracebacks + made.wrong + made.wrong_rows + (not made.same_tables)
    print(f"{asked.rounds - done} rounds, {bad} bad")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
