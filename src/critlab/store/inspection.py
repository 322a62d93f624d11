"""Every file of a store: what it claims to be, and whether it passes its own check; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from critlab.errors import StoreError
from critlab.store import record
from critlab.store.atomic import TEMPORARY
from critlab.store.locks import LOCKS, WRITER
from critlab.store.store import QUARANTINE, States, Store, seal, slug

RECORDS = ("epochs", "readings", "failures", "figures", "studies")
STATES = ("checkpoints", "inside")
Kind = Literal[
    "epochs",
    "readings",
    "failures",
    "figures",
    "studies",
    "checkpoints",
    "inside",
    "quarantine",
    "unfinished",
    "misplaced",
    "foreign",
]


@dataclass(frozen=True)
class Place:
    """A file of a store.

    Args:
        path: where it lies.
        kind: what it is by its place; ``misplaced`` where nothing of that name belongs, ``foreign`` outside the rooms.
        name: the name that it should hold.
        size: bytes.
    """

    path: Path
    kind: Kind
    name: str
    size: int


def places(store: Store) -> Iterator[Place]:
    """Every file of ``store`` but its locks, in order; files that go while one looks are left out."""
    for folder, inside, files in os.walk(store.root):
        inside.sort()
        for file in sorted(files):
            path = Path(folder, file)
            if path.parent == store.root and file in (LOCKS, WRITER):
                continue
            try:
                size = path.lstat().st_size
            except FileNotFoundError:
                continue
            kind, name = _kind(store, path)
            yield Place(path, kind, name, size)


def _kind(store: Store, path: Path) -> tuple[Kind, str]:
    room, *_ = path.relative_to(store.root).parts
    if path.name.startswith(TEMPORARY):
        return "unfinished", path.name
    if room == QUARANTINE:
        return "quarantine", path.name
    if room not in (*RECORDS, *STATES) or path.parent == store.root:
        return "foreign", path.name
    suffix = ".safetensors" if room in STATES else ".json"
    belongs = path.name.endswith(suffix) and (room == "studies" or path == store.path(room, path.stem, suffix))
    return (cast(Kind, room), path.name.removesuffix(suffix)) if belongs else ("misplaced", path.name)


def check(place: Place) -> Mapping[str, Any]:
    """Reads a file and checks it against its own digest.

    Returns:
        A record's body; of a checkpoint nothing.

    Raises:
        StoreError: it fails its check, or belongs to another name; the message says which.
        FileNotFoundError: it has gone.
    """
    try:
        content = place.path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"cannot be read: {error.strerror}") from None
    if place.kind in STATES:
        from critlab.store import checkpoint

        checkpoint.decode(seal(cast(States, place.kind), place.name), content)
        return {}
    if place.kind == "studies":
        return _study(content, place)
    return record.decode(content, place.kind, place.name)


def _study(content: bytes, place: Place) -> Mapping[str, Any]:
    """A study's record, whose file goes by its name as a file name can hold it."""
    name = record.name_of(content)
    if slug(name) != place.name:
        raise StoreError(f"record {place.name}: holds another record, of the study {name!r}")
    return record.decode(content, "studies", name)
