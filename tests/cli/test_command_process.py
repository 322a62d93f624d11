"""The command as a process: its streams, its signals, its search path, and the files that it is told to write."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from command import Command
from critlab._core.errors import StudyError
from critlab.engine.interruption import PREEMPTED, StopAsked, stoppable
from critlab.store import Store
from critlab.store.delivery import deliver
from critlab.study import read_study
from trained import TrainedStores

CALL = [sys.executable, "-c", "from critlab.cli import main; main()"]
STUDY = """
name = "quick"
seeds = 1
data = { name = "sample", train = 60, test = 40 }
model = { name = "mlp", hidden = [4] }
optimizer = { name = "sgd", lr = 0.05, batch = 30 }
precision = "float32"
deficit = { name = "blur", factor = 7 }
sweep = { kind = "removal", at = [0, 1], recovery = 1 }
"""
STORED = ("study.toml", "--store", "store")


@pytest.fixture(scope="module")
def finished(trained: TrainedStores, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small study, and the store in which it was run."""
    folder = tmp_path_factory.mktemp("command")
    (folder / "study.toml").write_text(STUDY)
    shutil.copytree(trained(read_study(folder / "study.toml")), folder / "store")
    return folder


def called(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    given: dict[str, Any] = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "timeout": 120,
        **options,
    }
    return subprocess.run([*CALL, *arguments], cwd=folder, **given)


def in_shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which ``critlab`` is the command."""
    script = (
        f"set -o pipefail; critlab() {{ {sys.executable} -c 'from critlab.cli import main; main()' \"$@\"; }}; {line}"
    )
    return subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=120)


class TestOut:
    @pytest.fixture
    @staticmethod
    def here(finished: Path, monkeypatch: pytest.MonkeyPatch, critlab: Command) -> Command:
        monkeypatch.chdir(finished)
        return critlab

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("command", "beginning"), [(["export"], b"run,"), (["report"], b"<!"), (["export", "--format", "json"], b"{")]
    )
    def test_a_pipe_is_written_into(self, here: Command, tmp_path: Path, command: list[str], beginning: bytes) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        read: list[bytes] = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
        reader.start()
        answer = here(*command, *STORED, "--out", str(pipe))
        reader.join(30)
        assert (answer.status, answer.err) == (0, "")
        assert stat.S_ISFIFO(pipe.lstat().st_mode)
        assert read[0].startswith(beginning)
        assert [path.name for path in tmp_path.iterdir()] == ["pipe"]

    def test_links_stay(self, here: Command, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "old.csv").write_text("old")
        os.chmod(tmp_path / "folder" / "old.csv", 0o640)
        for link, target in {
            "link.csv": "folder/old.csv",
            "to_be.csv": "folder/new.csv",
            "nowhere": "/dev/null",
        }.items():
            (tmp_path / link).symlink_to(target)
            assert here("export", *STORED, "--out", str(tmp_path / link)).status == 0
            assert os.readlink(tmp_path / link) == target
        assert (tmp_path / "folder" / "new.csv").read_text().startswith("run,")
        assert (tmp_path / "folder" / "old.csv").read_text() == (tmp_path / "folder" / "new.csv").read_text()
        assert stat.S_IMODE((tmp_path / "folder" / "old.csv").stat().st_mode) == 0o640, "permissions stay"
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)

    @pytest.mark.slow
    @pytest.mark.parametrize(("out", "words"), [("/dev/full", "No space left on device"), ("loop", "symbolic links")])
    def test_what_cannot_be_written_is_one_line(self, here: Command, tmp_path: Path, out: str, words: str) -> None:
        (tmp_path / "loop").symlink_to("loop")
        for command in ("export", "report"):
            answer = here(command, *STORED, "--out", str(tmp_path / out))
            assert answer.status == 2
            assert answer.problem.count("\n") == 1
            assert words in answer.err

    @pytest.mark.slow
    def test_figures_write_through_links_too(self, here: Command, tmp_path: Path) -> None:
        (tmp_path / "figures").mkdir()
        (tmp_path / "figures" / "damage.csv").symlink_to("/dev/null")
        answer = here("report", *STORED, "--out", str(tmp_path / "p.html"), "--figures", str(tmp_path / "figures"))
        assert answer.status == 0, answer.err
        assert os.readlink(tmp_path / "figures" / "damage.csv") == "/dev/null"

    def test_a_disk_is_refused(self, tmp_path: Path) -> None:
        disk = tmp_path / "disk"
        try:
            os.mknod(disk, 0o600 | stat.S_IFBLK, os.makedev(7, 250))
        except PermissionError:
            pytest.skip("making a device needs more rights")
        with pytest.raises(StudyError, match="is a disk"):
            deliver(disk, b"text")

    def test_a_page_is_called_like_one(self, here: Command, tmp_path: Path) -> None:
        for command in (["report", *STORED], ["reproduce", "lesion"], ["demo"], ["report", "phase"]):
            answer = here(*command, "--out", str(tmp_path / "x.pdf"))
            assert (answer.status, answer.out) == (2, "")
            assert "a page must end in .html or .htm; for a PDF, print the page from a browser" in answer.err
        assert not list(tmp_path.iterdir())
        assert here("report", *STORED, "--out", str(tmp_path / "page.HTM")).status == 0

    def test_from_python_too(self, finished: Path, tmp_path: Path) -> None:
        import critlab
        from critlab.analysis.tables.reading import read_results

        results = read_results(read_study(finished / "study.toml"), Store(finished / "store"))
        with pytest.raises(StudyError, match=r"\.html or \.htm"):
            critlab.report(results, tmp_path / "x.pdf")
        os.mkfifo(tmp_path / "pipe")
        descriptor = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
        writer = threading.Thread(target=critlab.report, args=(results, tmp_path / "pipe"), daemon=True)
        writer.start()
        while not (begun := _available(descriptor)):
            time.sleep(0.01)
        assert begun.startswith(b"<!")
        while writer.is_alive():
            _available(descriptor)
        os.close(descriptor)

    def test_a_format_is_what_the_name_says(self, here: Command, tmp_path: Path) -> None:
        assert here("export", *STORED, "--out", str(tmp_path / "t.json")).status == 0
        assert json.loads((tmp_path / "t.json").read_text())["study"] == "quick"
        answer = here("export", *STORED, "--out", str(tmp_path / "t.parquet"), "--format", "csv")
        assert (answer.status, answer.out) == (2, "")
        assert "must end in .csv, or leave out --format" in answer.err


def _available(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return b""


class TestStreams:
    @pytest.mark.slow
    @pytest.mark.parametrize("command", ["export", "status", "verify", "status --json"])
    def test_a_reader_that_leaves_is_no_error(self, finished: Path, command: str) -> None:
        done = in_shell(finished, f"critlab {command} study.toml --store store | head -c 1")
        assert (done.returncode, len(done.stdout), done.stderr) == (0, 1, "")

    @pytest.mark.slow
    def test_standard_output_as_a_file(self, finished: Path) -> None:
        done = in_shell(
            finished, "echo before > all; critlab export study.toml --store store --out /dev/stdout >> all; head -2 all"
        )
        assert done.stdout.splitlines()[0] == "before", done.stderr
        assert done.stdout.splitlines()[1].startswith("run,")
        done = in_shell(finished, "critlab report study.toml --store store --out /dev/stdout")
        assert done.stdout.lower().startswith("<!doctype")
        assert done.stdout.rstrip().endswith("</html>"), "and nothing else"

    @pytest.mark.slow
    @pytest.mark.parametrize(("to", "words"), [(">&-", "standard output: is closed"), ("> /dev/full", "No space left")])
    def test_output_that_cannot_be_written_is_one_line(self, finished: Path, to: str, words: str) -> None:
        done = in_shell(finished, f"critlab export study.toml --store store {to}")
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stderr.count("\n") == 1

    @pytest.mark.slow
    def test_closed_descriptors_are_not_taken_by_files(self, finished: Path) -> None:
        done = in_shell(finished, "critlab status study.toml --store store <&- 2>&-")
        assert (done.returncode, done.stderr) == (0, "")
        assert "2 runs done" in done.stdout
        assert in_shell(finished, "critlab status nothing.toml 2>&-").returncode == 2

    def test_a_deleted_working_folder_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "gone").mkdir()
        done = in_shell(tmp_path, "cd gone && rmdir ../gone && critlab list deficits")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "critlab: the working folder cannot be used: No such file or directory; change to a folder that exists\n"
        )

    @pytest.mark.slow
    def test_what_a_users_code_prints_is_no_part_of_the_document(self, tmp_path: Path) -> None:
        (tmp_path / "loud.py").write_text(LOUD)
        (tmp_path / "study.toml").write_text(STUDY.replace('"blur"', '"loud:Loud"'))
        store = ["--store", "store"]
        ran = called(tmp_path, "run", "study.toml", *store, "--workers", "1")
        assert ran.returncode == 0, ran.stderr
        assert "!" not in ran.stdout
        assert {"import!", "C!", "child!", "apply!"} <= set(ran.stderr.split())
        for asked in (["status", "--json"], ["export", "--format", "json"], ["plan", "--json"]):
            done = called(tmp_path, asked[0], "study.toml", *store, *asked[1:])
            assert json.loads(done.stdout)["schema_version"] == 1
            assert {"import!", "end!"} <= set(done.stderr.split())

    @pytest.mark.slow
    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc")
    def test_printing_much_takes_no_memory_of_the_command(self, tmp_path: Path) -> None:
        """200 MB a training step, which go where standard error goes, and are kept nowhere."""
        (tmp_path / "loud.py").write_text(FLOOD)
        (tmp_path / "study.toml").write_text(STUDY.replace('"blur"', '"loud:Loud"'))
        command = [sys.executable, "-m", "critlab.cli", "run", "study.toml", "--store", "store", "--workers", "1"]
        peaks: list[int] = []
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            told = 0
            while part := process.stderr.read(2**20):
                told += len(part)
                with suppress(OSError):
                    status = Path(f"/proc/{process.pid}/status").read_text()
                    peaks += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
        assert process.returncode == 0
        assert told > 200e6
        assert max(peaks) < 600_000, "kilobytes; torch and a model take about 350,000"


FLOOD = """
import sys
from critlab.deficits.images.blur import Blur
class Loud(Blur):
    name = "loud"
    def apply(self, images, labels, draws):
        for _ in range(200):
            sys.stdout.write("x" * 999_999 + "\\n")
        return super().apply(images, labels, draws)
"""

LOUD = """
import atexit, ctypes, os, subprocess, sys
from critlab.deficits.images.blur import Blur
print("import!")
ctypes.CDLL(None).puts(b"C!")
subprocess.run(["echo", "child!"])
os.write(1, b"descriptor!\\n")
atexit.register(print, "end!")
class Loud(Blur):
    name = "loud"
    def apply(self, images, labels, draws):
        print("apply!")
        return super().apply(images, labels, draws)
"""


class TestSearchPath:
    @pytest.mark.slow
    def test_nothing_in_the_working_folder_runs(self, finished: Path, tmp_path: Path) -> None:
        for name in ("rich", "typer", "typing", "safetensors", "numpy", "pydantic", "signal", "jinja2", "vl_convert"):
            (tmp_path / f"{name}.py").write_text("open('ran', 'a').write(__name__)\nraise ImportError('not yours')\n")
        given = [str(finished / "study.toml"), "--store", str(finished / "store")]
        for command in (["status"], ["export"], ["report", "--out", "page.html"]):
            done = called(tmp_path, command[0], *given, *command[1:])
            assert (done.returncode, done.stderr) == (0, "")
        assert not (tmp_path / "ran").exists()

    @pytest.mark.slow
    def test_named_code_is_found_there_last_and_by_workers_too(self, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text(
            "import beside\nfrom critlab.deficits.images.blur import Blur\nclass Mine(Blur):\n    name = 'mine'\n"
        )
        (tmp_path / "beside.py").write_text("")
        (tmp_path / "safetensors.py").write_text("raise ImportError('not yours')\n")
        (tmp_path / "study.toml").write_text(STUDY.replace('"blur"', '"mine:Mine"'))
        before = {path.name for path in tmp_path.iterdir()}
        done = called(tmp_path, "run", "study.toml", "--store", "store", "--workers", "1")
        assert done.returncode == 0, done.stderr
        assert "mine" in done.stdout
        assert "3 epochs in" in done.stderr
        assert {path.name for path in tmp_path.iterdir()} - before - {"__pycache__"} == {"store"}
        (tmp_path / "json.py").write_text("class Mine: pass\n")
        (tmp_path / "study.toml").write_text(STUDY.replace('"blur"', '"json:Mine"'))
        done = called(tmp_path, "plan", "study.toml")
        assert done.returncode == 2
        assert "is found before the one in the working folder, and has no 'Mine'; rename your module" in done.stderr


AT_FIRST_IMPORT = """
import os, signal, sys
class Terminates:
    def find_spec(self, name, path, target=None):
        if name == "critlab.cli.commands":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Terminates())
"""
HOLDING = """
import ctypes, os
from critlab.deficits.images.blur import Blur
class Holding(Blur):
    name = "holding"
    def apply(self, images, labels, draws):
        if "CRITLAB_WORKER" in os.environ:
            open("holding", "w").write(str(os.getpid()))
            ctypes.PyDLL(None).sleep(600)  # Python's lock is held all the while
        return super().apply(images, labels, draws)
"""


@contextmanager
def held(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run whose worker is stuck in C, and that worker's number."""
    (folder / "holding.py").write_text(HOLDING)
    (folder / "study.toml").write_text(STUDY.replace('"blur"', '"holding:Holding"'))
    command = [*CALL, "run", "study.toml", "--store", "store", "--workers", "1"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        while not (folder / "holding").exists() or not (number := (folder / "holding").read_text()):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        yield process, int(number)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def gone(number: int, patience: float = 10) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


class TestSignals:
    @pytest.mark.slow
    @pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
    def test_a_worker_stuck_in_c_ends_with_its_parent(self, tmp_path: Path) -> None:
        with held(tmp_path) as (process, worker):
            process.kill()
            assert gone(worker)

    @pytest.mark.slow
    def test_a_worker_that_does_not_stop_is_killed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            sys.modules[__name__],
            "CALL",
            [*CALL[:2], f"import critlab.engine.interruption as i; i.PREEMPTED_SECONDS = 1; {CALL[2]}"],
        )
        with held(tmp_path) as (process, worker):
            process.terminate()
            _, told = process.communicate(timeout=60)
            assert process.returncode == PREEMPTED, told
            assert "1 of 1 workers did not stop in time and were killed" in told
            assert "repeat the same command to continue" in told
            assert gone(worker)

    @pytest.mark.slow
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    @pytest.mark.parametrize("at", ["import", "data", "waiting for a lock", "showing"])
    def test_a_schedulers_signal_is_75_and_a_word_wherever_it_arrives(
        self, finished: Path, critlab: Command, monkeypatch: pytest.MonkeyPatch, at: str, number: int
    ) -> None:
        where = {
            "import": "critlab.papers.registry.find_study",
            "data": "critlab.engine.run._images",
            "waiting for a lock": "critlab.store.disk.locks.Locks.waited",
            "showing": "critlab.report.text.terminal.verdict_text",
        }
        monkeypatch.chdir(finished)
        monkeypatch.setattr(where[at], lambda *arguments: (os.kill(os.getpid(), number), time.sleep(10)))  # type: ignore[func-returns-value]
        # a suite that runs under nohup has SIGHUP ignored, and so would the command
        before = signal.signal(number, signal.SIG_DFL)
        try:
            answer = critlab("run", *STORED)
        finally:
            signal.signal(number, before)
        assert (answer.status, answer.out) == (PREEMPTED, "")
        assert (
            answer.err
            == f"critlab: stopped by {signal.Signals(number).name}; nothing is lost: repeat the command to continue\n"
        )

    def test_from_the_first_instruction_on(self, tmp_path: Path) -> None:
        code = "import os, signal, critlab.engine.interruption as i\nwith i.stoppable(): pass\n"
        code += "import critlab.cli\nos.kill(os.getpid(), signal.SIGTERM)"
        assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == -signal.SIGTERM, "put back"
        command = [*CALL[:2], AT_FIRST_IMPORT + CALL[2], "reproduce", "completion-window", "--store", "s"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == PREEMPTED, done.stderr
        assert "stopped by SIGTERM" in done.stderr

    @pytest.mark.slow
    def test_a_signal_that_is_caught_ends_the_command_all_the_same(self, tmp_path: Path) -> None:
        code = (
            "import os, signal, time, critlab.engine.interruption as i\n"
            "i.PATIENCE = 0.5\n"
            "with i.stoppable():\n"
            "    try: os.kill(os.getpid(), signal.SIGTERM)\n"
            "    except BaseException: pass\n"
            "    time.sleep(60)\n"
        )
        assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=30).returncode == PREEMPTED

    def test_an_ignored_signal_stays_ignored(self) -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with stoppable():
                os.kill(os.getpid(), signal.SIGHUP)
            with pytest.raises(StopAsked), stoppable():
                os.kill(os.getpid(), signal.SIGTERM)
        finally:
            signal.signal(signal.SIGHUP, before)
