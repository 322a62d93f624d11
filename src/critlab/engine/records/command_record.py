"""What a store remembers of the commands that worked on a study: when, for how long, by which code, on what machine.

Each command has a record of its own. No result depends on them, and nothing is trained again for their sake.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from critlab._core.digest import digest
from critlab._core.errors import StoreUnwritable
from critlab._core.terminal.text import one_line
from critlab.engine.records.look_record import looks_name
from critlab.engine.records.provenance import provenance
from critlab.engine.records.study_ids import StudyIds
from critlab.store import Store
from critlab.study.study import Study

MOST_SHOWN = 1000
"""Commands of a study that are read, the latest ones."""

GIT_SECONDS = 2.0
"""How long git may take to say which commit this is."""


class Begun(NamedTuple):
    """When a command began to work."""

    moment: str
    clock: float

    @classmethod
    def now(cls) -> Begun:
        """This moment."""
        return cls(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), time.monotonic())


class Command(NamedTuple):
    """A command that worked on a study.

    Args:
        began: date and time, in UTC.
        seconds: on the clock on the wall.
        line: what was typed; of a script or a notebook its name.
        commit: of the folder in which it was typed, with ``+`` where files were changed since; empty outside git.
        made_by: versions and machine.
        device: where it computed.
        trained: epochs; None where it was not counted.
        memory: most bytes of memory of the command itself and of its largest worker; empty where the system does not
            say.
    """

    began: str
    seconds: float
    line: str
    commit: str
    made_by: Mapping[str, str]
    device: str
    trained: int | None
    memory: Mapping[str, int]


def add_command(
    store: Store, study: Study, ids: StudyIds, begun: Begun, device: str, trained: int | None = None
) -> None:
    """Remember a command that ends now; a full disk or a folder without rights to write forgets it.

    Args:
        store: in which it worked.
        study: on what.
        ids: the names of the study's states.
        begun: when it began.
        device: where it computed.
        trained: how many epochs it trained.
    """
    body = {
        "question": looks_name(study, ids),
        "began": begun.moment,
        "seconds": round(time.monotonic() - begun.clock, 3),
        "line": command_line(sys.argv),
        "commit": commit(Path.cwd()),
        "provenance": {**provenance(), "process": str(os.getpid())},
        "device": device,
        "trained": trained,
        "memory": memory(),
    }
    with suppress(StoreUnwritable):
        store.write("commands", command_name(body), body)


def command_name(body: Mapping[str, Any]) -> str:
    """The name of the record of a command."""
    return digest("command", body)


def read_commands(store: Store, study: Study, ids: StudyIds) -> tuple[Command, ...]:
    """The commands that worked on ``study`` in ``store``, by time; those of a SIGKILL left none.

    Raises:
        StoreNewer: a newer critlab wrote a record.
    """
    asked = looks_name(study, ids)
    bodies = (store.read("commands", name) for name in store.names("commands"))
    found = [_command(body) for body in bodies if body is not None and body["question"] == asked]
    return tuple(sorted(found, key=lambda one: one.began)[-MOST_SHOWN:])


def command_line(arguments: list[str]) -> str:
    """What was typed, as far as the process knows: ``critlab run study.toml``, or the name of a script."""
    name = Path(arguments[0]).name if arguments else ""
    own = ("critlab/cli/__main__.py", "critlab/cli/__init__.py")
    if name in ("critlab", "critlab.exe") or (arguments and arguments[0].endswith(own)):
        return one_line(shlex.join(["critlab", *arguments[1:]]), 500)
    if "ipykernel" in name or name == "":
        return "a notebook or a prompt"
    return one_line(shlex.join([name, *arguments[1:]]), 500)


def commit(folder: Path) -> str:
    """The commit of a folder under git, 12 digits, ``+`` where tracked files were changed since; empty elsewhere."""
    head = _git(folder, "rev-parse", "--short=12", "HEAD")
    if head is None:
        return ""
    return head if _git(folder, "diff", "--quiet", "HEAD") is not None else f"{head}+"


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails, is not there or takes too long."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return one_line(ended.stdout.strip(), 100) if ended.returncode == 0 else None


def memory() -> dict[str, int]:
    """Most bytes of memory of this process so far, and of its largest worker that has ended."""
    try:
        import resource
    except ImportError:  # not on every system
        return {}
    unit = 1 if sys.platform == "darwin" else 1024
    who = {"command": resource.RUSAGE_SELF, "largest worker": resource.RUSAGE_CHILDREN}
    found = {name: unit * resource.getrusage(kind).ru_maxrss for name, kind in who.items()}
    return {name: size for name, size in found.items() if size}


def _command(body: Mapping[str, Any]) -> Command:
    """The command that a record holds."""
    made_by = {str(name): str(value) for name, value in body["provenance"].items()}
    return Command(
        body["began"],
        float(body["seconds"]),
        body["line"],
        body["commit"],
        made_by,
        body["device"],
        body["trained"],
        dict(body["memory"]),
    )
