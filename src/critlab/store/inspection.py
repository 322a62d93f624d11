"""Every file of a store: what it claims to be, and whether it passes its own check; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from critlab._core.errors import StoreDamaged
from critlab._core.problems import shown
from critlab.store import record
from critlab.store.disk import files
from critlab.store.disk.atomic import TEMPORARY
from critlab.store.disk.locks import LOCKS, WRITER
from critlab.store.disk.presence import IN_USE
from critlab.store.disk.trash import TRASH
from critlab.store.marker import MARKER, check_marker
from critlab.store.shape import check_body
from critlab.store.store import QUARANTINE, States, Store, seal, slug

RECORDS = ("epochs", "readings", "failures", "figures", "looks", "studies", "commands", "examples")
STATES = ("checkpoints", "inside")
Kind = Literal[
    "epochs",
    "readings",
    "failures",
    "figures",
    "looks",
    "studies",
    "commands",
    "examples",
    "checkpoints",
    "inside",
    "quarantine",
    "unfinished",
    "misplaced",
    "foreign",
    "marker",
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


def has_begun(root: Path) -> bool:
    """Whether a folder holds more than a process leaves that was killed before it had marked its store."""
    before = (LOCKS, WRITER, IN_USE)
    return any(one.name not in before and not one.name.startswith(TEMPORARY) for one in root.iterdir())


def places(store: Store) -> Iterator[Place]:
    """Every file of ``store`` but its locks and its trash, in order; files that go while one looks are left out."""
    for folder, inside, there in os.walk(store.root):
        top = Path(folder) == store.root
        if top and TRASH in inside:
            inside.remove(TRASH)
        # a folder in the place of a file is looked at as that file, and not into
        instead = set() if top else {name for name in inside if name.endswith((".json", ".safetensors"))}
        inside[:] = sorted(set(inside) - instead)
        for file in sorted({*there, *instead}):
            path = Path(folder, file)
            if path.parent == store.root and file in (LOCKS, WRITER, IN_USE):
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
    if path.name == MARKER and path.parent == store.root:
        return "marker", path.name
    if room == QUARANTINE:
        return "quarantine", path.name
    if room not in (*RECORDS, *STATES) or path.parent == store.root:
        return "foreign", path.name
    suffix = ".safetensors" if room in STATES else ".json"
    belongs = path.name.endswith(suffix) and (room == "studies" or path == store.path(room, path.stem, suffix))
    return (cast(Kind, room), path.name.removesuffix(suffix)) if belongs else ("misplaced", path.name)


def check(place: Place) -> Mapping[str, Any]:
    """Reads a file, checks it against its own digest, and a record against what such a record holds.

    Returns:
        A record's body; of a checkpoint nothing.

    Raises:
        StoreDamaged: it fails its check, or belongs to another name; the message says which.
        StoreNewer: a newer critlab wrote it.
        StoreError: the system cannot read it.
        FileNotFoundError: it has gone.
    """
    if place.kind == "marker":
        check_marker(place.path)
        return {}
    if place.kind in STATES:
        from critlab.store import checkpoint

        checkpoint.check(place.path, seal(cast(States, place.kind), place.name))
        return {}
    return _body(place, files.read(place.path, record.MOST_BYTES[place.kind]))


def checked_content(place: Place) -> bytes:
    """The bytes of a record's or a checkpoint's file, after the same check.

    Raises:
        StoreError, FileNotFoundError: as :func:`check`; also where it is larger than the memory of this machine.
    """
    if place.kind in STATES:
        from critlab.store import checkpoint

        content = files.read(place.path, checkpoint.memory_bytes())
        checkpoint.decode(seal(cast(States, place.kind), place.name), content)
        return content
    content = files.read(place.path, record.MOST_BYTES[place.kind])
    _body(place, content)
    return content


def _body(place: Place, content: bytes) -> Mapping[str, Any]:
    name = record.name_of(content) if place.kind == "studies" else place.name
    if place.kind == "studies" and slug(name) != place.name:
        raise StoreDamaged(f"record {place.name}: holds another record, of the study {shown(name)}")
    body = record.decode(content, place.kind, name)
    check_body(place.kind, name, body)
    return body
