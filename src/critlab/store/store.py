"""The store: one file per record and per checkpoint, named by digest; the folder is the index."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from critlab.errors import StoreError, StoreUnwritable
from critlab.store import atomic, record
from critlab.store.shape import check_body

if TYPE_CHECKING:
    from critlab.store.checkpoint import Arrays

Kind = Literal["epochs", "readings", "failures", "figures", "studies"]
States = Literal["checkpoints", "inside"]
"""States after whole epochs, and places inside an epoch, which go by the name of the state that the epoch leads to."""

QUARANTINE = "quarantine"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Store:
    """A folder of records and checkpoints. Making the object touches nothing; the first write makes the folder.

    Args:
        root: the folder.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def path(self, kind: str, name: str, suffix: str = ".json") -> Path:
        """Where a file lies: digests fan out by their first two characters."""
        if kind == "studies":
            return self.root / kind / f"{slug(name)}{suffix}"
        return self.root / kind / name[:2] / f"{name}{suffix}"

    def read(self, kind: Kind, name: str) -> dict[str, Any] | None:
        """The body of a record, None where there is none or where it was damaged (it is then in quarantine).

        Raises:
            StoreError: the record is newer than this critlab can read.
        """
        path = self.path(kind, name)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
        try:
            body = record.decode(content, kind, name)
            check_body(kind, name, body)
        except StoreError as error:
            if "install a newer" in str(error):
                raise
            self._quarantine(path)
            return None
        return body

    def has(self, kind: Kind, name: str) -> bool:
        """Whether a record is there; it is checked when it is read."""
        return self.path(kind, name).exists()

    def write(self, kind: Kind, name: str, body: Mapping[str, Any]) -> None:
        """Writes a record, whole or not at all.

        Raises:
            StoreUnwritable: the disk is full, or the folder may not be written.
        """
        self._put(self.path(kind, name), record.encode(kind, name, body))

    def remove(self, kind: Kind, name: str) -> None:
        """Removes a record that is there no longer true, such as a failure that was mended."""
        self.path(kind, name).unlink(missing_ok=True)

    def names(self, kind: Kind) -> Iterator[str]:
        """The names of all records of a kind."""
        for path in sorted((self.root / kind).rglob("*.json")):
            yield path.stem

    def has_state(self, name: str, kind: States = "checkpoints") -> bool:
        """Whether the checkpoint of a state is there; its digest is checked when it is loaded."""
        return self.path(kind, name, ".safetensors").exists()

    def load_state(self, name: str, kind: States = "checkpoints") -> dict[str, Any] | None:
        """The arrays of a state, None where there is no checkpoint or where it was damaged (then in quarantine).

        Raises:
            StoreError: the file is there and cannot be read.
        """
        from critlab.store import checkpoint  # brings numpy in, which plans and lists do without

        path = self.path(kind, name, ".safetensors")
        try:
            return dict(checkpoint.decode(seal(kind, name), path.read_bytes()))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
        except StoreError:
            self._quarantine(path)
            return None

    def save_state(self, name: str, arrays: Arrays, kind: States = "checkpoints") -> None:
        """Writes the checkpoint of a state, whole or not at all.

        Raises:
            StoreUnwritable: the disk is full, or the folder may not be written.
        """
        from critlab.store import checkpoint

        self._put(self.path(kind, name, ".safetensors"), checkpoint.encode(seal(kind, name), arrays))

    def drop_state(self, name: str, kind: States = "checkpoints") -> None:
        """Removes a checkpoint that only served to go on from."""
        self.path(kind, name, ".safetensors").unlink(missing_ok=True)

    def remove_unfinished(self) -> None:
        """Removes the half-written files of processes of this host that died."""
        for path in list(atomic.abandoned(self.root)):
            path.unlink(missing_ok=True)

    def quarantined(self) -> list[str]:
        """Names of the files that failed their check."""
        return sorted(path.name for path in (self.root / QUARANTINE).glob("*"))

    def free_bytes(self) -> int:
        """Bytes that may still be written, as far as the file system says; it knows of no quota."""
        place = self.root.absolute()
        return shutil.disk_usage(next(there for there in (place, *place.parents) if there.is_dir())).free

    def _put(self, path: Path, content: bytes) -> None:
        try:
            atomic.write(path, content)
        except OSError as error:
            why = error.strerror or f"{error}"
            if error.errno in FULL:
                why = f"{why}; the file takes {len(content):,} bytes, {self.free_bytes():,} are free"
            raise StoreUnwritable(f"{path}: cannot be written: {why}") from error

    def _quarantine(self, path: Path) -> None:
        folder = self.root / QUARANTINE
        with suppress(OSError):  # a store that may only be read keeps the file, which is not taken for what it claims
            folder.mkdir(parents=True, exist_ok=True)
            path.replace(folder / path.name)


def seal(kind: States, name: str) -> str:
    """The name inside a checkpoint's file: a place inside an epoch can never pass for the state after it."""
    return name if kind == "checkpoints" else f"{kind}:{name}"


def slug(name: str) -> str:
    """A study's name as a file name; names that differ keep different files."""
    return quote(name, safe="")
