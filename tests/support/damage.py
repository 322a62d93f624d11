"""A store damaged by number, every command called on it in this process, and what each of them made of it."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import logging
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from critlab import cli
from critlab.engine.tasks.execute import SECONDS
from critlab.store import Store, record
from critlab.store.inspection import places
from inline import Inline, flipped
from studies import TOML, small

STUDY = "small.toml"
STORE = "store"
COMMANDS: dict[str, tuple[str, ...]] = {
    "status": ("status", STUDY),
    "verify": ("verify",),
    "verify study": ("verify", STUDY),
    "export": ("export", STUDY),
    "export json": ("export", STUDY, "--format", "json"),
    "report": ("report", STUDY, "--out", "page.html"),
    "gc": ("gc",),
    "gc --apply": ("gc", "--apply"),
    "run": ("run", STUDY),
}
SMALL: dict[str, Any] = {"seeds": 2, "measures": {"fisher_trace": {"every": 2, "images": 20}, "filters": {"every": 4}}}


@dataclass(frozen=True)
class Answer:
    """What a command answered; ``broke`` is what would have ended in a traceback."""

    status: int
    out: str
    err: str
    broke: str = ""


def called(*arguments: str) -> Answer:
    """Calls the command in this process; training is done in it too, without workers."""
    out, err = io.StringIO(), io.StringIO()
    status, broke = 0, ""
    here = ("--executor", "inline") if arguments[0] == "run" else ()
    told = logging.StreamHandler(err)
    logging.getLogger("critlab").addHandler(told)
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch.object(sys, "argv", ["critlab", *arguments, *here]),
            mock.patch.object(sys, "path", list(sys.path)),
        ):
            cli.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        status, broke = 1, repr(error)
    finally:
        logging.getLogger("critlab").removeHandler(told)
    return Answer(status, out.getvalue(), err.getvalue(), broke)


@dataclass
class Sound:
    """A folder with a study and its undisturbed store, and what every command makes of that.

    Args:
        folder: of the study file and the store.
        rows: of the exported table, as text.
        files: of the store, by their place in it.
    """

    folder: Path
    rows: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)


def made(folder: Path) -> Sound:
    """Runs the small study in ``folder``, with a failure, a place inside an epoch and a figure beside it."""
    options = "".join(f"{name} = {json.dumps(value).replace(':', ' =')}\n" for name, value in SMALL["measures"].items())
    text = TOML[: TOML.index("[measures]")] + "[measures]\n" + options.replace('"', "")
    (folder / STUDY).write_text(text)
    place = Store(folder / STORE)
    with contextlib.chdir(folder):
        assert (answer := called("run", STUDY, "--store", STORE)).status == 0, answer
        engine = Inline(small(**SMALL), place)
        state = engine.names.state(0, engine.tree.ends["blur-0-3-of-5"])
        node, learner = engine.tree.nodes[engine.tree.ends["blur-0-3-of-5"]], engine.learner
        before = place.load_state(engine.names.state(0, str(node.parent)))
        assert before is not None
        assert node.recipe is not None
        paused = learner.unpack(before)
        assert learner.advance(paused, node.recipe, node.epoch - 1, lambda: True) is None
        place.save_state(state, {**learner.pack(paused), SECONDS: np.asarray(0.1)}, "inside")
        place.write("failures", state, {"seed": 0, "reason": "it broke and was mended"})
        body = {"figure": "a figure", "scale": "small", "version": 1, "tables": {}, "seconds": 1.0, "provenance": {}}
        place.write("figures", record_name("figure", "a figure", "small", 1), body)
        answer = called("export", STUDY, "--store", STORE)
    assert answer.status == 0, answer
    files = {one.path.relative_to(place.root).as_posix(): one.path.read_bytes() for one in places(place)}
    return Sound(folder, answer.out.splitlines(), files)


def record_name(*parts: Any) -> str:
    """The digest that a record goes by."""
    from critlab._core.digest import digest

    return digest(*parts)


Harm = Callable[[random.Random, list[Path]], list[Path]]
"""Damages some of a store's files, and gives those that it damaged."""


def flip(dice: random.Random, files: list[Path]) -> list[Path]:
    path = dice.choice([file for file in files if file.stat().st_size])
    path.write_bytes(flipped(path.read_bytes(), dice))
    return [path]


def truncate(dice: random.Random, files: list[Path]) -> list[Path]:
    path = dice.choice([file for file in files if file.stat().st_size])
    os.truncate(path, dice.randrange(path.stat().st_size))
    return [path]


def swap(dice: random.Random, files: list[Path]) -> list[Path]:
    one = dice.choice(files)
    other = dice.choice([file for file in files if file != one and file.suffix == one.suffix] or [one])
    ours, theirs = one.read_bytes(), other.read_bytes()
    one.write_bytes(theirs)
    other.write_bytes(ours)
    return [one, other]


def delete(dice: random.Random, files: list[Path]) -> list[Path]:
    path = dice.choice(files)
    path.unlink()
    return [path]


def pipe(dice: random.Random, files: list[Path]) -> list[Path]:
    (path,) = delete(dice, files)
    os.mkfifo(path)
    return [path]


def sparse(dice: random.Random, files: list[Path]) -> list[Path]:
    """A hundred gigabytes that take no room."""
    path = dice.choice(files)
    os.truncate(path, 100 * 10**9)
    return [path]


def link(dice: random.Random, files: list[Path]) -> list[Path]:
    """A symbolic link to another file of the store, out of it, to a device, to nothing, or to itself."""
    (path,) = delete(dice, files)
    other = dice.choice([file for file in files if file != path] or [path])
    path.symlink_to(dice.choice([other, Path("/etc/hostname"), Path("/dev/zero"), Path("nowhere"), path]))
    return [path]


def folder(dice: random.Random, files: list[Path]) -> list[Path]:
    """A folder with something in it in place of a file, or a file in place of its folder."""
    (path,) = delete(dice, files)
    if dice.random() < 0.5 or path.parent.name == "damaged":
        path.mkdir()
        (path / "inside").write_text("something")
        return [path]
    lost = [file for file in files if file.parent == path.parent]
    shutil.rmtree(path.parent)
    path.parent.write_text("something")
    return lost


def absurd(dice: random.Random, files: list[Path]) -> list[Path]:
    """A record with one value replaced by something absurd, and sealed again."""
    path = dice.choice([file for file in files if file.suffix == ".json"])
    document = json.loads(path.read_text())
    at, key = dice.choice(list(_places(document["body"])))
    at[key] = dice.choice(ABSURD)
    path.write_bytes(record.encode(document["kind"], document["name"], document["body"]))
    return [path]


def absurd_version(dice: random.Random, files: list[Path]) -> list[Path]:
    """A record of a schema version that no critlab wrote, sealed."""
    path = dice.choice([file for file in files if file.suffix == ".json"])
    document: dict[str, Any] = {
        **json.loads(path.read_text()),
        "schema_version": dice.choice([0, -5, None, True, [], "1"]),
    }
    del document["sha256"]
    path.write_text(json.dumps({**document, "sha256": record_name(document)}))
    return [path]


ABSURD: list[Any] = [
    *("", "x", "\x1b[2Jevery file agrees", "a\nb", "\u202e", "x" * 100_000, None, True, -1, 10**400, 1e308, -1e-320),
    *([], {}, [[]], {"": {}}, [{}], "\ud800"),
]
FAULTS: tuple[Harm, ...] = (flip, truncate, swap, delete)
HOSTILE: tuple[Harm, ...] = (pipe, sparse, link, folder, absurd, absurd_version)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


@dataclass(frozen=True)
class Outcome:
    """What became of one damaged store.

    Args:
        number: which one.
        harm: what was done to it.
        kind: to which kind of file.
        tracebacks: commands that ended in one, or in a status that they do not have.
        wrong_rows: rows of exported tables that the undisturbed table does not have.
        freed: sound files that ``gc`` removed or changed.
        escapes: outputs that held a raw control character.
        refused: whether ``run`` refused the store, untouched, as one that a newer critlab wrote.
        same_table: whether the table is the undisturbed one after ``run``, bit for bit.
        wrong_after: files that fail a check after it: no study of the store needs them, or their state was not needed.
        detail: what there is to see of any of these.
    """

    number: int
    harm: str
    kind: str
    tracebacks: int
    wrong_rows: int
    freed: int
    escapes: int
    refused: bool
    same_table: bool
    wrong_after: int
    detail: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing is lost and nothing is wrong."""
        counts = (self.tracebacks, self.wrong_rows, self.freed, self.escapes)
        return not any(counts) and (self.refused or self.same_table)


def outcome(number: int, sound: Sound, harms: tuple[Harm, ...], call: Callable[..., Answer] = called) -> Outcome:
    """Damages a copy of ``sound`` by number, calls every command in random order, then ``run``, then looks again."""
    dice = random.Random(number)
    shutil.rmtree(sound.folder / "damaged", ignore_errors=True)
    root = Path(shutil.copytree(sound.folder / STORE, sound.folder / "damaged"))
    kinds: dict[str, list[Path]] = {}
    for file in sorted(root.rglob("*")):
        if file.is_file():
            kinds.setdefault(file.relative_to(root).parts[0], []).append(file)
    harm = harms[number % len(harms)]
    usable = [kind for kind, files in kinds.items() if harm not in (flip, truncate) or any(map(_size, files))]
    usable = [kind for kind in usable if harm not in (absurd, absurd_version) or kinds[kind][0].suffix == ".json"]
    kind = dice.choice(usable)
    damaged = {path.relative_to(root).as_posix() for path in harm(dice, kinds[kind])}
    detail: list[str] = []
    broken = wrong_rows = escapes = freed = 0
    order = [name for name in COMMANDS if name != "run"]
    dice.shuffle(order)
    refused = same = False
    with contextlib.chdir(sound.folder):
        for name in [*order, "run", "export"]:
            answer = call(*COMMANDS[name], "--store", "damaged")
            if answer.broke or answer.status not in (0, 1, 2) or "Traceback" in answer.out + answer.err:
                broken += 1
                detail.append(f"{name}: {answer}")
            escapes += sum(any(map(_steers, text)) for text in (answer.out, answer.err))
            rows = _exported(name, answer)
            extra = [row for row in rows if row not in sound.rows]
            wrong_rows += len(extra)
            detail += [f"{name}: {row}" for row in extra[:2]]
            if name == "gc --apply":
                lost = [file for file, content in sound.files.items() if _lost(root, file, content, damaged)]
                freed += len(lost)
                detail += [f"gc: {file}" for file in lost[:3]]
            if name == "run":
                refused = answer.status == 2 and "install a newer critlab" in answer.err
                if answer.status and not refused:
                    detail.append(f"run: {answer}")
        same = rows == sound.rows
        wrong = json.loads(call("verify", "--json", "--store", "damaged").out or '{"wrong": ["no answer"]}')["wrong"]
        detail += [f"verify: {one}" for one in wrong[:2]]
    bad = not same or broken + wrong_rows + freed + escapes + len(wrong)
    return Outcome(
        number,
        harm.__name__,
        kind,
        broken,
        wrong_rows,
        freed,
        escapes,
        refused,
        same,
        len(wrong),
        "; ".join([*sorted(damaged), *detail]) if bad else "",
    )


def _size(path: Path) -> int:
    return path.stat().st_size


def _steers(character: str) -> bool:
    """Whether a character of an output could steer a terminal."""
    return not (character.isprintable() or character in "\n\t")


def _exported(name: str, answer: Answer) -> list[str]:
    """The rows that an export delivered, as in CSV."""
    if name == "export json" and answer.status == 0:
        text = io.StringIO()
        document = json.loads(answer.out)
        csv.writer(text, lineterminator="\n").writerows(row.values() for row in document["rows"])
        return text.getvalue().splitlines()
    return answer.out.splitlines() if name == "export" and answer.status == 0 else []


NEEDED = ("epochs", "readings", "checkpoints", "studies", "figures")
"""What a finished study and a figure are made of; a place inside an epoch that is over may go."""


def _lost(root: Path, file: str, content: bytes, damaged: set[str]) -> bool:
    if file in damaged or file.partition("/")[0] not in NEEDED:
        return False
    path = root / file
    return not path.is_file() or path.read_bytes() != content
