"""The store: one file per record and per checkpoint, named by digest; the folder is the index."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from critlab._core.errors import StoreDamaged, StoreError, StoreNewer, StoreUnwritable
from critlab._core.terminal.text import one_line
from critlab._core.user_code.values import path as given_path
from critlab.store import record
from critlab.store.disk import atomic, files
from critlab.store.shape import check_body

if TYPE_CHECKING:
    from critlab.store.checkpoint import Arrays

Kind = Literal["epochs", "readings", "failures", "figures", "looks", "studies", "commands", "examples"]
States = Literal["checkpoints", "inside"]
"""States after whole epochs, and places inside an epoch, which go by the name of the state that the epoch leads to."""

QUARANTINE = "quarantine"
MOST_REPORTED = 20
"""How many damaged files a process reports one by one."""

LONGEST = f"trash/2000-01-01T00-00-00Z-99/checkpoints/00/{'0' * 64}.safetensors"
"""The longest name of a file in a store."""

_log = logging.getLogger(__name__)

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Store:
    """A folder of records and checkpoints. Making the object touches nothing; the first write makes the folder.

    Args:
        root: the folder.

    Raises:
        StoreError: it is no path.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = given_path(root, "store", StoreError)
        self.damaged = 0

    def check_place(self) -> None:
        """Refuses a folder in which the file system could not take the files of a store; touches nothing.

        Raises:
            StoreError: its path is too long, or leads through a file.
        """
        place = self.root.absolute()
        most, below = _longest_path(place), len(LONGEST) + 1
        if len(os.fsencode(place)) + below >= most:
            received = one_line(f"{self.root}", 100)
            raise StoreError(
                f"--store: received {received}, a path of {len(os.fsencode(place)):,} bytes; must be below "
                f"{most - below:,}, because the paths of its files are {below} bytes longer"
            )
        ways = (place, *place.parents)
        if file := next((one for one in ways if os.path.exists(one) and not os.path.isdir(one)), None):
            received = one_line(f"{self.root}", 100)
            raise StoreError(f"--store: received {received}, but {file} is not a folder; give a folder")

    def path(self, kind: str, name: str, suffix: str = ".json") -> Path:
        """Where a file lies: digests fan out by their first two characters."""
        if kind == "studies":
            return self.root / kind / f"{slug(name)}{suffix}"
        return self.root / kind / name[:2] / f"{name}{suffix}"

    def read(self, kind: Kind, name: str) -> dict[str, Any] | None:
        """The body of a record, None where there is none or where it was damaged (it is then in quarantine).

        Raises:
            StoreNewer: a newer critlab wrote the record.
            StoreError: the system cannot read it.
        """

        def checked(path: Path) -> dict[str, Any]:
            body = record.decode(files.read(path, record.MOST_BYTES[kind]), kind, name)
            check_body(kind, name, body)
            return body

        return self._undamaged(self.path(kind, name), checked)

    def _undamaged(self, path: Path, read: Callable[[Path], dict[str, Any]]) -> dict[str, Any] | None:
        try:
            return read(path)
        except FileNotFoundError:
            return None
        except StoreNewer as error:
            raise StoreNewer(f"{path}: {error}") from None
        except StoreDamaged as error:
            self.set_aside_file(path, f"{error}")
            return None

    def has(self, kind: Kind, name: str) -> bool:
        """Whether a record is there; it is checked when it is read."""
        return os.path.isfile(self.path(kind, name))

    def write(self, kind: Kind, name: str, body: Mapping[str, Any]) -> None:
        """Writes a record, whole or not at all.

        Raises:
            ValueError: a number in ``body`` is not finite.
            StoreError: the record is larger than such a record may be.
            StoreNewer: a newer critlab wrote what is there.
            StoreUnwritable: the disk is full, or the folder may not be written.
        """
        path, content = self.path(kind, name), record.encode(kind, name, body)
        if len(content) > (most := record.MOST_BYTES[kind]):
            raise StoreError(f"record {name}: takes {len(content):,} bytes; such a record takes at most {most:,}")
        self.put_file(path, content)

    def remove(self, kind: Kind, name: str) -> None:
        """Removes a record that is there no longer true, such as a failure of an epoch that has succeeded since."""
        self._drop(self.path(kind, name))

    def set_aside(self, kind: Kind, name: str, why: str) -> None:
        """Moves a record that proved not to be what it claims into quarantine, and says so on stderr."""
        self.set_aside_file(self.path(kind, name), why)

    def names(self, kind: Kind) -> Iterator[str]:
        """The names of all records of a kind."""
        for path in sorted((self.root / kind).rglob("*.json")):
            yield path.stem

    def has_state(self, name: str, kind: States = "checkpoints") -> bool:
        """Whether the checkpoint of a state is there; its digest is checked when it is loaded."""
        return os.path.isfile(self.path(kind, name, ".safetensors"))

    def load_state(self, name: str, kind: States = "checkpoints") -> dict[str, Any] | None:
        """The arrays of a state, None where there is no checkpoint or where it was damaged (then in quarantine).

        Raises:
            StoreNewer: a newer critlab wrote the file.
            StoreError: the file is there and cannot be read.
        """
        from critlab.store import checkpoint  # brings numpy in, which plans and lists do without

        path = self.path(kind, name, ".safetensors")
        return self._undamaged(path, lambda path: dict(checkpoint.read(path, seal(kind, name))))

    def save_state(self, name: str, arrays: Arrays, kind: States = "checkpoints") -> None:
        """Writes the checkpoint of a state, whole or not at all.

        Raises:
            StoreUnwritable: the disk is full, or the folder may not be written.
        """
        from critlab.store import checkpoint

        self.put_file(self.path(kind, name, ".safetensors"), checkpoint.encode(seal(kind, name), arrays))

    def drop_state(self, name: str, kind: States = "checkpoints") -> None:
        """Removes a checkpoint that only served to go on from."""
        self._drop(self.path(kind, name, ".safetensors"))

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

    def put_file(self, path: Path, content: bytes) -> None:
        """Writes a file of the store, whole or not at all, as :meth:`write` does."""
        self._refuse_newer(path)
        try:
            try:
                atomic.write(path, content)
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                self._clear(path)
                atomic.write(path, content)
        except OSError as error:
            why = error.strerror or f"{error}"
            if error.errno in FULL:
                why = f"{why}; the file takes {len(content):,} bytes, {self.free_bytes():,} are free"
            raise StoreUnwritable(f"{path}: cannot be written: {why}") from error

    def _drop(self, path: Path) -> None:
        self._refuse_newer(path)
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            if not path.is_dir():
                raise StoreUnwritable(f"{path}: cannot be removed: {error.strerror}") from error
            self.set_aside_file(path, "is a folder; must be a regular file")

    def _refuse_newer(self, path: Path) -> None:
        """Raises where a newer critlab wrote the file that would be replaced or removed."""
        if not os.path.isfile(path):
            return
        try:
            if path.suffix == ".json":
                record.refuse_newer(files.read(path, max(record.MOST_BYTES.values())), path.stem)
            else:
                from critlab.store import checkpoint

                checkpoint.refuse_newer(path, path.stem)
        except StoreNewer as error:
            raise StoreNewer(f"{path}: {error}") from None
        except (FileNotFoundError, StoreError):
            return

    def _clear(self, path: Path) -> None:
        """Puts aside what stands in the way of a file: a folder in its place, or no folder where its folder belongs."""
        if path.is_dir() and not path.is_symlink():
            self.set_aside_file(path, "is a folder; must be a regular file")
        for folder in reversed(path.relative_to(self.root).parents[:-1]):
            if os.path.lexists(self.root / folder) and not (self.root / folder).is_dir():
                self.set_aside_file(self.root / folder, "is not a folder; must be a folder")

    def set_aside_file(self, path: Path, why: str) -> None:
        """As :meth:`set_aside`, for any file of the store."""
        folder, new = self.root / QUARANTINE, path.name
        try:
            if folder.is_symlink():  # it could lead out of the store
                raise NotADirectoryError(errno.ENOTDIR, f"{QUARANTINE} is a link")
            atomic.make_folder(folder)
            count = 1
            while os.path.lexists(folder / new):
                count += 1
                new = f"{path.name}.{count}"
            os.rename(path, folder / new)
            became = f"moved to {QUARANTINE}/{new}"
        except OSError as error:  # a store that may only be read keeps the file, which is not taken for what it claims
            became = f"ignored, because it cannot be moved ({error.strerror or error})"
        self.damaged += 1
        if self.damaged <= MOST_REPORTED:
            _log.warning("critlab: %s: damaged: %s; %s", *map(one_line, (f"{path}", why, became)))
        elif self.damaged == MOST_REPORTED + 1:
            _log.warning(
                "critlab: %s: more files are damaged; use critlab verify to list all", one_line(f"{self.root}")
            )


def _longest_path(place: Path) -> int:
    """How many bytes the system takes as a path."""
    there = next((folder for folder in (place, *place.parents) if os.path.isdir(folder)), Path("/"))
    try:
        return os.pathconf(there, "PC_PATH_MAX")
    except (OSError, ValueError):
        return 4096


def seal(kind: States, name: str) -> str:
    """The name inside a checkpoint's file: a place inside an epoch can never pass for the state after it."""
    return name if kind == "checkpoints" else f"{kind}:{name}"


def slug(name: str) -> str:
    """A study's name as a file name; names that differ keep different files."""
    return quote(name, safe="")
