"""A store that somebody else may have written: reading is bounded, typed and escaped, and says which file."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from command import Command
from critlab._core.digest import digest
from critlab._core.errors import StoreDamaged, StoreError, StoreNewer
from critlab._core.terminal.text import one_line, printable
from critlab.engine.maintenance.verify import verify
from critlab.store import Store, checkpoint, record, writer
from critlab.store.disk import atomic
from critlab.store.disk.locks import LOCKS, WRITER, Locks, writing
from damage import FAULTS, HOSTILE, STORE, STUDY, Answer, Sound, called, made, outcome
from studies import written

NAME = digest("a state")
BODIES: dict[str, dict[str, Any]] = {
    "epochs": {
        "status": "done",
        "origin": {"seed": 0},
        "path": NAME,
        "parent": "",
        "epoch": 1,
        "recipe": {},
        "seconds": 1.0,
        "kept": True,
        "train_loss": 0.25,
        "train_accuracy": 0.5,
        "provenance": {"torch": "2"},
    },
    "readings": {
        "measure": "test",
        "state": NAME,
        "spec": {},
        "probe": NAME,
        "seconds": 1.0,
        "readings": [{"quantity": "test_accuracy", "layer": "", "value": 0.5, "stderr": 0.0}],
        "provenance": {},
    },
    "failures": {"seed": 0, "reason": "it broke"},
    "figures": {
        "figure": "a",
        "scale": "small",
        "version": 1,
        "tables": {"t": [{"x": 1.0}]},
        "seconds": 1.0,
        "provenance": {},
    },
    "studies": {
        "study": {"name": "s"},
        "fingerprint": "f",
        "numerics": {"precision": "float32", "layout": "channels_last", "compile": False, "lanes": 1},
        "provenance": {},
    },
}
PICTURE: dict[str, Any] = {"shape": [2], "float32": "AAAAAAAAAAA="}
ABSURD: list[tuple[str, str, Any]] = [
    ("epochs", "train_loss", "low"),
    ("epochs", "train_loss", 10**290),
    ("epochs", "train_loss", True),
    ("epochs", "seconds", -1.0),
    ("epochs", "seconds", 10**200),
    ("epochs", "status", "well"),
    ("epochs", "train_accuracy", [0.5]),
    ("epochs", "weight_displacement", "far"),
    ("epochs", "provenance", ["torch"]),
    ("epochs", "provenance", {"torch": {"version": 2}}),
    ("epochs", "provenance", {"torch": "\x1b[2J"}),
    ("epochs", "kept", "yes"),
    ("epochs", "epoch", -3),
    ("epochs", "path", "../../etc"),
    ("readings", "readings.0", "0.5"),
    ("readings", "readings.0.value", "0.5"),
    ("readings", "readings.0.value", 1e200),
    ("readings", "readings.0.stderr", -0.1),
    ("readings", "readings.0.layer", "\x1b[2Jevery file agrees"),
    ("readings", "readings.0.layer", "conv\n0"),
    ("readings", "readings.0.quantity", ""),
    ("readings", "readings.0.quantity", "q" * 10_000),
    ("readings", "readings.0.picture", {**PICTURE, "shape": [10**9, 10**9]}),
    ("readings", "readings.0.picture", {**PICTURE, "shape": [3]}),
    ("readings", "readings.0.picture", {**PICTURE, "float32": "AAAAAAAAwH8="}),
    ("readings", "readings.0.picture", {**PICTURE, "float32": "\x1b"}),
    ("readings", "readings.0.correct", "all"),
    ("readings", "readings.0.correct", {"shape": [], "bits": ""}),
    ("readings", "readings.0.correct", {"shape": [2, 1, 1], "bits": "gA=="}),
    ("readings", "readings.0.correct", {"shape": [2**24, 2**24], "bits": "gA=="}),
    ("readings", "readings.0.correct", {"shape": [-2], "bits": "gA=="}),
    ("readings", "readings.0.correct", {"shape": [2], "bits": "gAA="}),
    ("readings", "readings.0.correct", {"shape": [2], "bits": "\x1b"}),
    ("readings", "readings.0.correct", {"shape": [2], "bits": "oA=="}),
    ("readings", "readings.0.correct", {"shape": [4], "bits": "gA=="}),
    ("failures", "reason", 3),
    ("figures", "tables", [1]),
    ("figures", "tables", {"t": {"x": 1}}),
    ("figures", "tables", {"t": [{"x": 1e200}]}),
    ("figures", "provenance", "mine"),
    ("studies", "study", {}),
    ("studies", "study.name", ""),
    ("studies", "numerics.precision", "float64"),
    ("studies", "numerics.lanes", 0),
    ("studies", "numerics.further", 1),
    ("studies", "fingerprint", ""),
    ("studies", "provenance", [1]),
    ("studies", "decision", "so"),
    ("studies", "decision", {"seconds_per_image": {"float32": "fast"}}),
]


def altered(kind: str, place: str, value: Any) -> dict[str, Any]:
    """The sound body of a kind with another value at ``place``."""
    body: Any = json.loads(json.dumps(BODIES[kind]))
    at: Any = body
    *parents, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    for parent in parents:
        at = at[parent]
    at[last] = value
    return dict(body)


@pytest.mark.parametrize("kind", BODIES)
def test_what_a_critlab_writes_is_read(tmp_path: Path, kind: Any) -> None:
    Store(tmp_path).write(kind, NAME, BODIES[kind])
    assert Store(tmp_path).read(kind, NAME) == BODIES[kind]


def test_bits_of_the_test_images_that_agree_with_the_accuracy_are_read(tmp_path: Path) -> None:
    body = altered("readings", "readings.0.correct", {"shape": [2], "bits": "gA=="})
    Store(tmp_path).write("readings", NAME, body)
    assert Store(tmp_path).read("readings", NAME) == body


@pytest.mark.parametrize(("kind", "place", "value"), ABSURD)
def test_a_sealed_record_with_absurd_content_is_set_aside_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: Any, place: str, value: Any
) -> None:
    store = Store(tmp_path)
    store.write(kind, NAME, altered(kind, place, value))
    assert store.read(kind, NAME) is None
    assert store.quarantined() == [f"{NAME}.json"]
    (told,) = caplog.messages
    assert f"{store.path(kind, NAME)}: damaged" in told
    assert "moved to quarantine/" in told
    assert place.split(".")[0] in told
    assert told.isprintable()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 400, "1" * 10_000])
@pytest.mark.parametrize("seal", ["kept", "removed", "null"])
def test_a_number_that_is_not_finite_is_damage_without_a_seal_too(tmp_path: Path, number: str, seal: str) -> None:
    store = Store(tmp_path)
    store.write("epochs", NAME, BODIES["epochs"])
    path = store.path("epochs", NAME)
    lines = path.read_text().replace('"train_loss": 0.25', f'"train_loss": {number}').splitlines()
    if seal != "kept":
        (at,) = (index for index, line in enumerate(lines) if '"sha256"' in line)
        lines[at] = ' "sha256": null' if seal == "null" else ""
        lines[at - 1] = lines[at - 1].rstrip(",") + ("," if seal == "null" else "")
    path.write_text("\n".join(lines))
    assert {one.file for one in verify(store).wrong} == {path.relative_to(tmp_path).as_posix()}
    assert store.read("epochs", NAME) is None


def sealed(version: Any) -> bytes:
    """A record of the given schema version with its seal; without a version where that is ``"none"``."""
    document: dict[str, Any] = {"kind": "epochs", "name": NAME, "body": BODIES["epochs"]}
    document |= {} if version == "none" else {"schema_version": version}
    return json.dumps({**document, "sha256": digest(document)}).encode()


@pytest.mark.parametrize("version", [0, -5, 0.5, "none", None, True, "1", [], {}], ids=repr)
def test_a_version_that_no_critlab_wrote_is_damage(tmp_path: Path, version: Any) -> None:
    store = Store(tmp_path)
    store.write("epochs", NAME, BODIES["epochs"])
    store.path("epochs", NAME).write_bytes(sealed(version))
    assert store.read("epochs", NAME) is None
    assert store.quarantined()


@pytest.mark.parametrize("version", [2, 99, 1.5, 2.0, "2", "1.5", 10**30], ids=repr)
def test_what_a_newer_critlab_wrote_is_refused_and_never_changed(tmp_path: Path, version: Any) -> None:
    store = Store(tmp_path)
    store.write("epochs", NAME, BODIES["epochs"])
    path, content = store.path("epochs", NAME), sealed(version)
    path.write_bytes(content)
    changes: list[Callable[[], Any]] = [
        lambda: store.read("epochs", NAME),
        lambda: store.write("epochs", NAME, BODIES["epochs"]),
        lambda: store.remove("epochs", NAME),
    ]
    for change in changes:
        with pytest.raises(StoreNewer, match=f"{path}: .*install a newer critlab"):
            change()
    assert path.read_bytes() == content
    assert not store.quarantined()


ARRAYS: dict[str, NDArray[Any]] = {
    "weight": np.arange(6, dtype=np.float32),
    "empty": np.zeros((0, 3)),
    "count": np.asarray(7),
}


def with_seal(**changes: Any) -> bytes:
    """A checkpoint with other words in its seal; None leaves one out."""
    content = checkpoint.encode(NAME, ARRAYS)
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    seal = {**json.loads(header["__metadata__"]["critlab"]), **changes}
    header["__metadata__"]["critlab"] = json.dumps({key: value for key, value in seal.items() if value is not None})
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def test_a_checkpoint_of_a_newer_critlab_is_refused_and_never_changed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_state(NAME, ARRAYS)
    path, content = store.path("checkpoints", NAME, ".safetensors"), with_seal(schema_version=2)
    path.write_bytes(content)
    changes: list[Callable[[], Any]] = [
        lambda: store.load_state(NAME),
        lambda: store.save_state(NAME, ARRAYS),
        lambda: store.drop_state(NAME),
    ]
    for change in changes:
        with pytest.raises(StoreNewer, match="install a newer critlab"):
            change()
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "changes", [{"schema_version": 0}, {"schema_version": None}, {"state": "\x1b[2J"}, {"sha256": None}], ids=str
)
def test_a_checkpoint_with_another_seal_is_damage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, Any]
) -> None:
    store = Store(tmp_path)
    store.save_state(NAME, ARRAYS)
    store.path("checkpoints", NAME, ".safetensors").write_bytes(with_seal(**changes))
    assert store.load_state(NAME) is None
    assert store.quarantined()
    assert all(text.isprintable() for text in caplog.messages)


def test_a_checkpoint_is_checked_in_little_memory_as_when_it_is_loaded(tmp_path: Path) -> None:
    store, every = Store(tmp_path), ("?", "u1", "i1", "u2", "i2", "f2", "u4", "i4", "f4", "u8", "i8", "f8", "c8")
    arrays = {kind: np.arange(5).astype(kind).reshape(5, 1) for kind in every}
    store.save_state(NAME, arrays)
    path = store.path("checkpoints", NAME, ".safetensors")
    checkpoint.check(path, NAME)
    content = path.read_bytes()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 16
        path.write_bytes(damaged)
        try:
            checkpoint.check(path, NAME)
        except StoreDamaged:
            continue
        for key, value in checkpoint.decode(NAME, bytes(damaged)).items():
            np.testing.assert_array_equal(value, arrays[key], err_msg=f"byte {position}")


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        b'{"__metadata__": 3}',
        b'{"__metadata__": {"critlab": "' + b"[" * 100_000 + b'"}}',
        json.dumps({"a": {"dtype": "F32", "shape": [2**62] * 65, "data_offsets": [0, 4]}}).encode(),
        json.dumps({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]}}).encode(),
        b"9" * 10_000,
    ],
    ids=["deep", "no table", "a deep seal", "many dimensions", "negative", "a long number"],
)
def test_a_hostile_header_is_damage(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    for reader in (checkpoint.check, checkpoint.read):
        with pytest.raises(StoreDamaged):
            reader(path, NAME)


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 400 + b"1" + b"}" * 400, b"\xff\xfe\x00", b""])
def test_a_record_that_is_nested_deeply_is_damage(content: bytes) -> None:
    with pytest.raises(StoreDamaged):
        record.decode(content, "epochs", NAME)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(os.path.relpath(path))


def a_sparse_file(path: Path) -> None:
    path.touch()
    os.truncate(path, 100 * 10**9)


def a_link(to: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(to)


@pytest.mark.parametrize(
    "put",
    [a_pipe, a_folder, a_socket, a_sparse_file, a_link("/dev/zero"), a_link("/dev/tty"), a_link(f"{NAME}.json")],
    ids=["pipe", "folder", "socket", "sparse", "device", "terminal", "circle"],
)
@pytest.mark.parametrize("kind", ["epochs", "checkpoints"])
def test_what_is_no_regular_file_is_set_aside_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Callable[[Path], None], kind: str
) -> None:
    """None of these is waited for or read to its end."""
    store = Store(tmp_path)
    suffix = ".json" if kind == "epochs" else ".safetensors"
    path = store.path(kind, NAME, suffix)
    path.parent.mkdir(parents=True)
    monkeypatch.chdir(path.parent)
    began = time.monotonic()
    put(path)
    if path.is_symlink() and path.readlink().name == f"{NAME}.json":
        path.unlink()
        path.symlink_to(path.name)
    assert [one.file for one in verify(store).wrong] == [path.relative_to(tmp_path).as_posix()]
    found = store.read("epochs", NAME) if kind == "epochs" else store.load_state(NAME)
    assert found is None
    assert store.quarantined() == [path.name]
    assert time.monotonic() - began < 5
    if kind == "epochs":
        store.write("epochs", NAME, BODIES["epochs"])
        assert store.read("epochs", NAME) == BODIES["epochs"]


def test_a_file_in_place_of_a_folder_is_set_aside_when_something_is_written(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "epochs").write_text("in the way")
    assert store.read("epochs", NAME) is None
    assert not store.has("epochs", NAME)
    store.write("epochs", NAME, BODIES["epochs"])
    assert store.read("epochs", NAME) == BODIES["epochs"]
    assert store.quarantined() == ["epochs"]
    store.remove("epochs", NAME)
    store.path("epochs", NAME).mkdir()
    store.write("epochs", NAME, BODIES["epochs"])
    assert store.read("epochs", NAME) == BODIES["epochs"]
    assert store.quarantined() == sorted(["epochs", f"{NAME}.json"])


def test_a_link_out_of_the_store_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    store, outside = Store(tmp_path / "s"), tmp_path / "outside.json"
    outside.write_text("mine")
    path = store.path("epochs", NAME)
    path.parent.mkdir(parents=True)
    path.symlink_to(outside)
    assert store.read("epochs", NAME) is None
    store.write("epochs", NAME, BODIES["epochs"])
    assert (outside.read_text(), path.is_symlink()) == ("mine", False)


def test_what_was_set_aside_before_stays_when_its_successor_fails_too(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for text in ("one", "two", "three"):
        store.write("epochs", NAME, BODIES["epochs"])
        store.path("epochs", NAME).write_text(text)
        assert store.read("epochs", NAME) is None
    assert {path.read_text() for path in (tmp_path / "quarantine").iterdir()} == {"one", "two", "three"}


def test_nothing_leaves_the_store_by_a_link_in_place_of_quarantine(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, outside = Store(tmp_path / "s"), tmp_path / "outside"
    outside.mkdir()
    store.write("epochs", NAME, BODIES["epochs"])
    (store.root / "quarantine").symlink_to(outside)
    store.path("epochs", NAME).write_text("x")
    assert store.read("epochs", NAME) is None
    assert "cannot be moved (quarantine is a link)" in caplog.text
    assert not list(outside.iterdir())
    store.write("epochs", NAME, BODIES["epochs"])
    assert store.read("epochs", NAME) == BODIES["epochs"]


def test_few_lines_for_many_damaged_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store(tmp_path)
    for number in range(100):
        path = store.path("epochs", digest(number))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        assert store.read("epochs", digest(number)) is None
    assert len(caplog.messages) == 21
    assert "use critlab verify to list all" in caplog.messages[-1]


@pytest.mark.parametrize("put", [a_pipe, a_folder, a_link("/dev/zero")], ids=["pipe", "folder", "device"])
def test_a_lock_file_that_is_none_is_refused_at_once(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path / LOCKS)
    for ask in (lambda: Locks(tmp_path).held(["a"]), lambda: Locks(tmp_path).claim(["a"])):
        with pytest.raises((StoreError, OSError)):
            ask()


class TestWriters:
    def test_a_container_of_the_same_host_name_is_another_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another namespace of processes, another start of the system, another machine: each is another home."""
        here, stat = writer.home(), os.stat
        seen = {here}
        try:
            with monkeypatch.context() as patched:
                writer.home.cache_clear()
                text = writer._text
                patched.setattr(writer, "_text", lambda path: "other" if path.name == "boot_id" else text(path))
                seen.add(writer.home())
            with monkeypatch.context() as patched:
                writer.home.cache_clear()
                patched.setattr(os, "stat", lambda path, **how: stat("/" if path == "/proc/self/ns/pid" else path))
                seen.add(writer.home())
        finally:
            writer.home.cache_clear()
        assert len(seen) == 3
        assert writer.home() == here

    @pytest.mark.slow
    def test_its_half_written_file_stays_until_it_is_forsaken(self, tmp_path: Path) -> None:
        """The process number of another namespace says nothing here, whether such a process is alive or not."""
        gone = subprocess.Popen(["true"])
        gone.wait()
        theirs = tmp_path / "epochs" / f"{atomic.TEMPORARY}{'0' * 16}-{gone.pid}-0"
        ours = theirs.with_name(f"{atomic.TEMPORARY}{writer.home()}-{gone.pid}-0")
        theirs.parent.mkdir()
        for path in (theirs, ours):
            path.write_bytes(b"half")
        Store(tmp_path).remove_unfinished()
        assert (theirs.exists(), ours.exists()) == (True, False)
        os.utime(theirs, (0, 0))
        Store(tmp_path).remove_unfinished()
        assert not theirs.exists(), "nobody holds it, and it is more than a day old"

    @pytest.mark.slow
    def test_a_file_that_somebody_has_locked_is_at_work(self, tmp_path: Path) -> None:
        code = (
            "import os, sys\nfrom pathlib import Path\nfrom critlab.store.disk import atomic\n"
            "replace = os.replace\n"
            "def waiting(*paths):\n    print(paths[0], flush=True)\n    sys.stdin.read()\n    replace(*paths)\n"
            "os.replace = waiting\n"
            "atomic.write(Path(sys.argv[1]), b'whole')\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "file")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        unfinished = Path(process.stdout.readline().strip())
        os.utime(unfinished, (0, 0))
        for path in (unfinished, unfinished.rename(tmp_path / f"{atomic.TEMPORARY}{'0' * 16}-1-0")):
            assert not list(atomic.abandoned(tmp_path)), path
            os.utime(tmp_path / f"{atomic.TEMPORARY}{'0' * 16}-1-0", (0, 0)) if path != unfinished else None
        process.kill()
        process.communicate()
        assert [path.name for path in atomic.abandoned(tmp_path)] == [f"{atomic.TEMPORARY}{'0' * 16}-1-0"]

    @pytest.mark.slow
    def test_without_locks_the_mark_of_another_container_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone = subprocess.Popen(["true"])
        gone.wait()
        monkeypatch.setattr(Locks, "claim", no_locks)
        mark: dict[str, Any] = {"host": socket.gethostname(), "process": gone.pid, "home": "0" * 16}
        marks: list[Any] = [
            mark,
            {**mark, "home": None},
            {**mark, "host": "\x1b[2J"},
            [],
            {"host": 1},
            {**mark, "process": 1e9},
        ]
        for told in marks:
            (tmp_path / WRITER).write_text(json.dumps(told))
            with pytest.raises(StoreError, match="is using this") as refused, writing(tmp_path, print):
                pass
            assert str(refused.value).isprintable()
        (tmp_path / WRITER).write_text(json.dumps({**mark, "home": writer.home()}))
        with writing(tmp_path, lambda text: None) as locks:
            assert locks is None


def no_locks(*_: object) -> bool:
    from critlab.store.disk.locks import NoLocks

    raise NoLocks("none")


def test_every_new_folder_is_flushed_into_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []
    flush = os.fsync

    def noted(descriptor: int) -> None:
        flushed.append(os.path.realpath(f"/dev/fd/{descriptor}"))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    with writing(tmp_path / "a" / "b", print):
        Store(tmp_path / "a" / "b").write("epochs", NAME, BODIES["epochs"])
    root = tmp_path / "a" / "b"
    parents = [tmp_path, tmp_path / "a", root, root / "epochs", root / "epochs" / NAME[:2]]
    assert {os.path.realpath(path) for path in parents} <= set(flushed)


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize("long", ["d" * 256, "/".join(["d" * 200] * 20)], ids=["name", "path"])
def test_a_store_that_no_file_system_takes_is_refused_before_anything(
    critlab: Command, tmp_path: Path, command: str, long: str
) -> None:
    written(tmp_path)
    answer = critlab(command, "study.toml", "--store", long)
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "too long" in answer.err or "must be below" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


@pytest.mark.slow
def test_names_that_are_hard_to_write_down(critlab: Command, tmp_path: Path) -> None:
    """A name of 90 spaces, and paths that are not UTF-8."""
    name, odd = f"a{' ' * 90}b", os.fsdecode(b"\xff\xfe")
    written(tmp_path, ('"small"', f'"{name}"'), ("[0, 1, 3]", "[0]"), ("seeds = 2", "seeds = 1")).rename(f"{odd}.toml")
    for command in (
        ["plan"],
        ["run", "--executor", "inline"],
        ["status"],
        ["verify"],
        ["export", "--out", odd],
        ["report", "--out", f"{odd}.html"],
    ):
        answer = critlab(*command, f"{odd}.toml", "--store", f"store {odd}")
        assert answer.status == 0, answer
        assert answer.out.encode().decode().isprintable() or "\n" in answer.out
    assert Path(f"{odd}.html").stat().st_size
    assert Path(odd).read_text().startswith("run,arm")


def test_text_from_a_store_cannot_steer_a_terminal() -> None:
    assert printable("a\x1b[2Jb\nc\r\x9bd\u202ee\ud800") == "a\\x1b[2Jb\nc\\r\\x9bd\\u202ee\\ud800"
    assert one_line("wrong\nevery file agrees") == "wrong\\nevery file agrees"
    assert printable("Größe 実験 − ü\t1") == "Größe 実験 − ü\t1"
    assert len(one_line("x" * 10**7)) < 1100


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    with pytest.MonkeyPatch.context() as patched:
        folder = tmp_path_factory.mktemp("damage")
        patched.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patched.delenv("CRITLAB_STORE", raising=False)
        return made(folder)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_a_random_fault_loses_nothing(sound: Sound, number: int) -> None:
    """``evidence/store_damage.py`` does hundreds of these."""
    found = outcome(1000 + number, sound, FAULTS)
    assert found.good, found.detail


@pytest.mark.slow
@pytest.mark.parametrize("number", range(6))
def test_hostile_content_loses_nothing(sound: Sound, number: int) -> None:
    found = outcome(2000 + number, sound, HOSTILE)
    assert found.good, found.detail


def test_names_in_a_store_are_escaped_and_every_output_names_the_file(
    sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sound.folder)
    shutil.rmtree("damaged", ignore_errors=True)
    shutil.copytree(STORE, "damaged")
    Path("damaged", "epochs", "\x1b[2Jx\nevery file agrees with its digest.json").write_text("x")
    answer = called("verify", "--store", "damaged")
    assert answer.status == 1
    assert "\\x1b[2Jx\\nevery file agrees" in answer.out
    assert "\x1b" not in answer.out
    Path("damaged", "studies").rename("damaged/lost")
    for command in (("status", STUDY), ("export", STUDY)):
        assert called(*command, "--store", "damaged").broke == ""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["epochs", "readings"])
def test_a_damaged_record_that_cannot_be_moved_away_is_made_again(
    sound: Sound, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(sound.folder)
    shutil.rmtree("damaged", ignore_errors=True)
    shutil.copytree(STORE, "damaged")
    Path("damaged", "quarantine").write_text("in the way")
    path = next(Path("damaged", kind).rglob("*.json"))
    content = path.read_text()
    path.write_text("x")
    answer = called("run", STUDY, "--store", "damaged")
    assert (answer.status, answer.broke) == (0, ""), answer
    assert json.loads(path.read_text())["name"] == json.loads(content)["name"]
    assert called("export", STUDY, "--store", "damaged").out.splitlines() == sound.rows


def test_damage_is_said_where_it_is_met(sound: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sound.folder)
    shutil.rmtree("damaged", ignore_errors=True)
    shutil.copytree(STORE, "damaged")
    path = next(Path("damaged", "epochs").rglob("*.json"))
    path.write_text(path.read_text().replace('"done"', '"dome"'))
    answer: Answer = called("status", STUDY, "--store", "damaged", "--json")
    assert json.loads(answer.out)["quarantined"] == [path.name]
    assert f"{path}: damaged: " in answer.err
    assert answer.err.count("\n") == 1
