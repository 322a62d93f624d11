"""``critlab store merge`` and ``kill -9``: nothing is lost at any place of its work, and a repetition completes it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from critlab.engine.maintenance.verify import verify
from critlab.engine.records.standing import all_records, write_record
from critlab.engine.records.study_record import StudyRecord
from critlab.store import Store
from halves import SMALL, files, in_halves
from studies import small
from trained import TrainedStores

pytestmark = pytest.mark.slow  # starts processes

SCRIPT = """
import json, os, signal, sys
import critlab.cli.commands, critlab.running, critlab.report.text.store
from critlab.cli.__main__ import main

def child(arguments, calls, place):
    # runs the command in a process of its own, which dies at the given call of a function of the system
    name, number = place
    genuine = {one: getattr(os, one) for one in ("open", "fdopen", "fsync", "replace")}
    def dies(one):
        calls[one] = calls.get(one, 0) + 1
        if (one, calls[one]) == (name, number):
            os.kill(os.getpid(), signal.SIGKILL)
    def replace(source, target):
        dies("before replace")
        genuine["replace"](source, target)
        dies("after replace")
    def fsync(descriptor):
        dies("before fsync")
        genuine["fsync"](descriptor)
    class Half:
        # a file of which half is written when the process dies
        def __init__(self, file): self.file = file
        def __enter__(self): return self
        def __exit__(self, *error): self.file.close()
        def write(self, content):
            if (name, number) == ("half", calls.get("half", 0) + 1):
                self.file.write(content[: len(content) // 2])
                self.file.flush()
            dies("half")
            self.file.write(content)
        def flush(self): self.file.flush()
    def fdopen(descriptor, mode="r", *more, **named):
        file = genuine["fdopen"](descriptor, mode, *more, **named)
        return Half(file) if mode == "wb" else file
    os.replace, os.fsync, os.fdopen = replace, fsync, fdopen
    sys.argv = ["critlab", *arguments]
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0
    return 0

for line in sys.stdin:
    asked = json.loads(line)
    read, write = os.pipe()
    process = os.fork()
    if not process:
        calls = {}
        sys.stdout = sys.stderr = open(os.devnull, "w")
        status = child(asked["arguments"], calls, asked["place"])
        os.write(write, json.dumps(calls).encode())
        os._exit(status)
    os.close(write)
    _, status = os.waitpid(process, 0)
    with open(read) as told:
        print(json.dumps([os.waitstatus_to_exitcode(status), json.loads(told.read() or "{}")]), flush=True)
"""


class Commands:
    """A process that runs commands in processes of its own, so that critlab is imported once."""

    def __init__(self, script: Path) -> None:
        script.write_text(SCRIPT)
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __call__(self, *arguments: object, place: tuple[str, int] = ("", 0)) -> tuple[int, dict[str, int]]:
        """The exit status, below 0 after a signal, and how often the command came to each place."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"arguments": list(map(str, arguments)), "place": place}) + "\n")
        self.process.stdin.flush()
        status, calls = json.loads(self.process.stdout.readline())
        return int(status), dict(calls)


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    made = Commands(tmp_path_factory.mktemp("commands") / "commands.py")
    yield made
    made.process.communicate()


def everything(root: Path) -> dict[str, bytes]:
    """Every file of a store but those that are there to be locked, which are empty."""
    found = {f"{path.relative_to(root)}": path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name not in ("in-use", "locks")}


def places(calls: dict[str, int], apart: bool) -> list[tuple[str, int]]:
    """Places from the first file, the mark of a new store, to the last, the record that says that all is there."""
    last = calls["before replace"]
    if not apart:
        return [("half", 1), ("before replace", last // 2), ("before replace", last)]
    return [
        ("half", 1),
        ("after replace", 1),
        ("before fsync", calls["before fsync"] // 2),
        ("half", last - 1),
        ("after replace", last),
    ]


@pytest.mark.parametrize("apart", [True, False], ids=["into a third", "into the first"])
def test_killed_anywhere_it_harms_neither_store_and_is_completed_by_the_same_command(
    trained: TrainedStores, tmp_path: Path, commands: Commands, apart: bool
) -> None:
    one, other = in_halves(trained(small(**SMALL)), tmp_path)
    for half in (one, other):  # as a part leaves them: the record does not say that all is there
        ((_, record),) = all_records(half)
        assert isinstance(record, StudyRecord)
        write_record(half, replace(record, complete=""))
        assert not verify(half).wrong
    merged = tmp_path / "merged" if apart else one.root
    command = ["store", "merge", one.root, other.root, *(["--into", merged] if apart else [])]
    kept = shutil.copytree(one.root, tmp_path / "kept")
    before = everything(one.root), everything(other.root)

    def again() -> None:
        if apart and merged.exists():
            shutil.rmtree(merged)
        if not apart:
            shutil.rmtree(merged)
            shutil.copytree(kept, merged)

    status, calls = commands(*command)
    assert status == 0
    undisturbed = files(merged)
    assert len(undisturbed) > len(files(kept))
    for place in places(calls, apart):
        again()
        status, _ = commands(*command, place=place)
        assert status == -signal.SIGKILL, place
        assert everything(other.root) == before[1], place
        now = everything(one.root)
        if apart:
            assert now == before[0], place
        else:
            lost = {name for name, content in before[0].items() if now.get(name) != content}
            assert all(name.startswith("studies/") for name in lost), "the study's record no longer says all is there"
        if merged.exists():
            assert not verify(Store(merged)).wrong, place
        status, _ = commands(*command)
        assert status == 0, place
        assert files(merged) == undisturbed, place
        assert not [*merged.rglob(".writing-*")], place
