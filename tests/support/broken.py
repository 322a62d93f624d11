"""Bad inputs by number: broken studies, data and stores, each with the words that its message must hold."""

from __future__ import annotations

import copy
import json
import random
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from critlab.store import record
from data_files import cifar10_binary, cifar10_python
from studies import TOML, toml

JUNK: list[Any] = [-1, 0, 10**400, 1.5, -0.0, True, "", "blurr", "a:b", [], [[]], {}, {"name": 3}, "never", [1, 0]]


@dataclass(frozen=True)
class Bad:
    """A bad input.

    Args:
        kind: of what it is.
        arguments: the command that meets it.
        names: at least one of these words is in the message.
    """

    kind: str
    arguments: tuple[str, ...]
    names: tuple[str, ...] = field(default=())


def bad_input(number: int, folder: Path) -> Bad:
    """Writes the bad input of that number into ``folder``, which is the working folder of the command."""
    dice = random.Random(number)
    return KINDS[number % len(KINDS)](dice, folder)


def _study_text(dice: random.Random, folder: Path) -> Bad:
    """A file of which a piece is missing, doubled or garbled, so that it is no TOML or lacks what it needs."""
    while True:
        text = bytearray(TOML.encode())
        place = dice.randrange(len(text))
        length = dice.randint(1, 40)
        match dice.randrange(4):
            case 0:
                del text[place:]
            case 1:
                text[place:place] = text[place : place + length]
            case 2:
                text[place : place + length] = bytes(dice.randrange(256) for _ in range(length))
            case _:
                del text[place : place + length]
        if _refused(bytes(text)):
            (folder / "study.toml").write_bytes(text)
            return Bad(
                "study file", (dice.choice(["plan", "run", "status", "export"]), "study.toml"), ("study.toml: ",)
            )


def _refused(content: bytes) -> bool:
    from critlab._core.errors import StudyError
    from critlab.study import Study

    try:
        Study.read(tomllib.loads(content.decode()), "study.toml")
    except (StudyError, ValueError):
        return True
    return False


def _study_value(dice: random.Random, folder: Path) -> Bad:
    """A study with one to three values replaced by something else, or one key too many or too few."""
    while True:
        document: dict[str, Any] = copy.deepcopy(tomllib.loads(TOML))
        touched = []
        for _ in range(dice.randint(1, 3)):
            table, name = document, dice.choice(sorted(document))
            while isinstance(table[name], dict) and table[name] and dice.random() < 0.8:
                table = table[name]
                name = dice.choice(sorted(table))
            touched.append(name)
            match dice.randrange(3):
                case 0 if len(table) > 1:
                    del table[name]
                case 1:
                    table[name + "x"] = dice.choice(JUNK)
                case _:
                    table[name] = dice.choice(JUNK)
        text = "\n".join(f"{key} = {toml(value)}" for key, value in document.items())
        if _refused(text.encode()):
            (folder / "study.toml").write_text(text)
            command = dice.choice(["plan", "run", "status", "export", "verify"])
            return Bad("study value", (command, "study.toml"), ("study.toml: ",))


def _own_arrays(dice: random.Random, folder: Path) -> Bad:
    """A user's data of a wrong shape or type, with NaN pixels, labels out of range or an empty class."""
    import bad_arrays

    bad_arrays.NOW = ARRAYS[dice.choice(sorted(ARRAYS))](dice)
    (folder / "study.toml").write_text(
        TOML.replace('name = "sample"\ntrain = 120\ntest = 60', 'name = "bad_arrays:now"')
    )
    return Bad("own data", ("run", "study.toml"), ("bad_arrays:now", "batch"))


def _arrays(dice: random.Random) -> list[Any]:
    make = np.random.default_rng(dice.randrange(10**6))
    images, labels = make.random((80, 1, 28, 28), dtype=np.float32), np.arange(80) % 4
    return [images, labels, images[:40].copy(), labels[:40].copy()]


def _pixel(dice: random.Random) -> Any:
    arrays = _arrays(dice)
    arrays[dice.choice([0, 2])][dice.randrange(40), 0, 3, 3] = dice.choice([np.nan, np.inf, -1.0, 1.01, 255.0])
    return arrays


def _label(dice: random.Random) -> Any:
    arrays = _arrays(dice)
    arrays[3][dice.randrange(40)] = dice.choice([4, 100, -2])
    return arrays


def _empty_class(dice: random.Random) -> Any:
    arrays = _arrays(dice)
    arrays[1][arrays[1] == dice.randrange(3)] = 3
    return arrays


def _kind_of_array(dice: random.Random) -> Any:
    arrays = _arrays(dice)
    place = dice.randrange(4)
    arrays[place] = dice.choice(
        [arrays[place][:0], arrays[place].astype(complex), arrays[place].astype("U3"), arrays[place][:-1], None, "x", 3]
    )
    return arrays


def _form(dice: random.Random) -> Any:
    return dice.choice([None, 3, [], [1, 2, 3], {"train": 1}, "abc"])


ARRAYS: dict[str, Callable[[random.Random], Any]] = {
    "pixel": _pixel,
    "label": _label,
    "empty class": _empty_class,
    "kind": _kind_of_array,
    "form": _form,
}


def _data_files(dice: random.Random, folder: Path) -> Bad:
    """CIFAR-10 half downloaded, cut, of which a file is missing, or with a label out of range."""
    layouts: list[Callable[[], dict[str, bytes]]] = [cifar10_binary, cifar10_python]
    files = dice.choice(layouts)()
    where = folder / "data" / ("cifar-10-batches-bin" if "test_batch.bin" in files else "cifar-10-batches-py")
    where.mkdir(parents=True)
    name = dice.choice(sorted(files))
    match dice.randrange(3):
        case 0:
            del files[name]
        case 1:
            files[name] = files[name][: dice.randrange(len(files[name]) - 1)]
        case _ if name.endswith(".bin"):
            content = bytearray(files[name])
            content[dice.randrange(10) * 3073] = dice.randint(10, 255)
            files[name] = bytes(content)
        case _:
            files[name] = b"PK\x03\x04" + files[name]
    for file, raw in files.items():
        (where / file).write_bytes(raw)
    (folder / "study.toml").write_text(TOML.replace('"sample"\ntrain = 120\ntest = 60', '"cifar10"'))
    return Bad("data file", ("run", "study.toml", "--data", "data"), ("cifar", "CIFAR", name))


def _store(dice: random.Random, folder: Path) -> Bad:
    """A store that is a file, or whose record of the study is newer, another study's, or not one."""
    (folder / "study.toml").write_text(TOML)
    command = dice.choice(["export", "report"])
    path = folder / "store" / "studies" / "small.json"
    body: dict[str, Any] = {"study": {}, "fingerprint": "x", "numerics": {}, "provenance": {}}
    sealed = record.encode("studies", "small", body)
    match dice.randrange(4):
        case 0:
            (folder / "store").write_text("a file")
            return Bad("store", (command, "study.toml", "--store", "store"), ("--store",))
        case 1:
            content = sealed.replace(b'"schema_version": 1', b'"schema_version": %d' % dice.randint(2, 99))
        case 2:
            wrong = dice.choice([1.5, True, "", "x", None, [1], {"name": 3}])
            content = record.encode("studies", "small", {**body, "numerics": wrong})
        case _:
            content = json.dumps(dice.choice([value for value in JUNK if value != 10**400])).encode()
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return Bad("store", (command, "study.toml", "--store", "store"), ("small",))


KINDS: list[Callable[[random.Random, Path], Bad]] = [
    _study_text,
    _study_value,
    _own_arrays,
    _data_files,
    _store,
]


def files_in(folder: Path) -> set[str]:
    """Every file below ``folder``; what was only put aside counts as where it was."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name.replace("store/quarantine/", "store/studies/") for name in found}


def emptied(folder: Path) -> Path:
    """``folder``, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
