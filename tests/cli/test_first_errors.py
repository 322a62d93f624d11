"""The first errors of a new user: one line each, which names the remedy, pinned in one golden file.

To renew it after a deliberate change, run ``CRITLAB_RENEW_GOLDEN=1 pytest tests/cli/test_first_errors.py``. Then read
the diff as a user would.
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import paths
from command import JARGON, Answer, Command
from critlab._core.posix import UNSUPPORTED
from studies import TOML

GOLDEN = paths.GOLDEN / "first_errors.txt"
REMEDY = re.compile(
    r"did you mean|allowed:|must be|pip install|critlab \w+|give |free |use |check |download|place|run |choose "
)
"""What a line must hold so that its reader knows what to do next."""


def _study(old: str = "", new: str = "") -> Callable[[pytest.MonkeyPatch], None]:
    def write(_: pytest.MonkeyPatch) -> None:
        assert old in TOML
        Path("study.toml").write_text(TOML.replace(old, new))

    return write


def _no_network(patch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    patch.setattr(socket, "create_connection", refuse)
    patch.setattr(socket.socket, "connect", refuse)
    _study('name = "sample"\ntrain = 120\ntest = 60', 'name = "mnist"')(patch)


def _no_renderer(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(sys.modules, "vl_convert", None)
    _study()(patch)


def _no_ray(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(sys.modules, "ray", None)
    _study()(patch)


def _cannot_write(number: int) -> Callable[[pytest.MonkeyPatch], None]:
    """The system refuses every new file of the store, as a full disk does, or a folder of somebody else."""

    def break_it(patch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number), "store")

        _study()(patch)
        patch.setattr("critlab.store.disk.atomic.os.mkdir", refuse)

    return break_it


def _other_study(patch: pytest.MonkeyPatch) -> None:
    """The store has a study of that name with other images."""
    from critlab.engine.records.standing import enter
    from critlab.engine.records.study_record import StudyRecord
    from critlab.store import Store
    from critlab.study import read_study
    from critlab.study.runs.origin import Numerics

    _study('"blur"\nfactor = 7', '"vertical_flip"')(patch)
    other = read_study("study.toml")
    Path("store").mkdir()
    enter(Store("store"), other, StudyRecord(other.model_dump(mode="json"), "0", Numerics(), {}))
    _study()(patch)


CASES: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], tuple[str, ...]]] = {
    "a misspelt component": (_study('"blur"', '"blurr"'), ("run", "study.toml")),
    "a misspelt key": (_study("flip = true", "flpi = true"), ("run", "study.toml")),
    "a misspelt figure": (_study(), ("reproduce", "figure1")),
    "a misspelt preset": (_study(), ("plan", "removl")),
    "a misspelt file": (_study(), ("run", "studi.toml")),
    "a misspelt command": (_study(), ("rn", "study.toml")),
    "a misspelt option": (_study(), ("plan", "study.toml", "--sotre", "x")),
    "a misspelt list": (_study(), ("list", "deficit")),
    "a misspelt choice": (_study(), ("run", "study.toml", "--device", "gpu")),
    "a number out of range": (_study(), ("run", "study.toml", "--workers", "0")),
    "an argument left out": (_study(), ("run",)),
    "no data": (_no_network, ("run", "study.toml", "--data", "data")),
    "no renderer": (_no_renderer, ("report", "study.toml", "--out", "page.html")),
    "a missing extra": (_no_ray, ("run", "study.toml", "--engine", "ray")),
    "a module that does not import": (_study('"mlp"\nhidden = [16]', '"my_net:net"'), ("run", "study.toml")),
    "an unfinished study": (_study(), ("report", "study.toml", "--store", "store")),
    "a full disk": (_cannot_write(errno.ENOSPC), ("run", "study.toml", "--store", "store")),
    "no rights to write": (_cannot_write(errno.EACCES), ("run", "study.toml", "--store", "store")),
    "a store of another study": (_other_study, ("status", "study.toml", "--store", "store")),
}  # fmt: skip


def _asked(critlab: Command, patch: pytest.MonkeyPatch, name: str) -> Answer:
    prepare, arguments = CASES[name]
    with patch.context() as inner:
        prepare(inner)
        return critlab(*arguments)


@pytest.mark.slow
def test_each_first_error_ends_in_one_line_that_names_the_remedy(
    critlab: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = []
    for name in CASES:
        answer = _asked(critlab, monkeypatch, name)
        assert (answer.status, answer.out) == (2, ""), name
        *before, said = answer.problem.replace(f"{tmp_path}", "FOLDER").rstrip("\n").split("\n")
        assert said.startswith("critlab: "), (name, said)
        assert not any(line.startswith(("critlab: ", " ", "Traceback")) for line in before), (name, before)
        assert REMEDY.search(said), (name, said)
        assert not JARGON.search(said), (name, said)
        assert "Value error" not in said
        # the names of components and figures are pinned where they are listed
        said = re.sub(r"shows all \d+", "shows all", re.sub(r"\(allowed: [^)]*\)", "(allowed: ...)", said))
        lines.append(f"# {name}\n{said}")
    text = "\n\n".join(lines) + "\n"
    if os.environ.get("CRITLAB_RENEW_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_a_system_without_locks_is_refused_in_one_line() -> None:
    code = "import sys; sys.modules['fcntl'] = None; sys.argv = ['critlab', 'list', 'deficits']\n"
    code += "from critlab import cli; cli.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"critlab: {UNSUPPORTED}\n")
