"""A Slurm cluster on one machine: its controller and two nodes on loopback ports, in a folder of their own.

All daemons belong to the process that started them and end with it. They read no configuration of the system's Slurm
and know no user but the one who runs them.
"""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "scancel", "squeue", "sinfo", "setpriv")
PACKAGES = "the packages slurm-wlm and munge (Debian: apt-get install slurm-wlm munge)"

NODES = ("n1", "n2")
CORES = 1
"""What each node says that it has, whatever the machine has: two jobs lie on two nodes."""

REQUEUE_SECONDS = 5
"""How long a requeued job waits before it starts again, at least 5; 120 in a cluster of Slurm's own settings."""

CONFIGURATION = """
ClusterName=loopback
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire={requeue}
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port={n1} CPUs={cores}
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port={n2} CPUs={cores}
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """The programs of a cluster that this machine lacks."""
    return [name for name in PROGRAMS if program(name) is None]


def program(name: str) -> str | None:
    """Where ``name`` is; daemons lie in folders that only an administrator's search path has."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def soon(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Waits until ``condition`` holds; fails with ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"after {seconds:g} seconds: not {what}"
        time.sleep(0.1)


class Cluster:
    """A running cluster; use it as a context.

    ``folder`` must have a short name: a socket lies in it, and its path may have 107 bytes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "slurm.conf"
        self.environment = {**os.environ, "SLURM_CONF": str(self.configuration)}
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Cluster:
        with ExitStack() as undo:
            undo.callback(self.close)
            # munged accepts only a socket that every user can reach
            self.folder.chmod(0o711)
            self._write()
            self._start_munged()
            self._start("slurmctld", "slurmctld", "-D", "-c")
            for node in NODES:
                self.start_node(node)
            soon(lambda: self._runs(*self.daemons) and self.states() == ["idle", "idle"], "two nodes that are idle")
            undo.pop_all()
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every process of the cluster: jobs and nodes at once, then the controller, then munged."""
        for node in NODES:
            self.kill_node(node)
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
            daemon.wait(timeout=30)
        assert not list(self._processes()), "a process of the cluster is left"

    def _write(self) -> None:
        with ExitStack() as held:
            free = [held.enter_context(closing(socket.socket())) for _ in range(3)]
            for one in free:
                one.bind(("127.0.0.1", 0))
            ports = dict(zip(("controller", *NODES), (one.getsockname()[1] for one in free), strict=True))
        values = {"folder": self.folder, "user": getpass.getuser(), "cores": CORES, "requeue": REQUEUE_SECONDS}
        self.configuration.write_text(CONFIGURATION.format(**values, **ports))
        for name in ("state", *NODES):
            (self.folder / name).mkdir()

    def _start_munged(self) -> None:
        place = self.folder / "munge"
        place.mkdir()
        place.chmod(0o711)
        (place / "key").write_bytes(secrets.token_bytes(128))
        (place / "key").chmod(0o400)
        files = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={place / name}" for option, name in files.items()]
        self._start("munged", "munged", "--foreground", "--num-threads=10", *options)
        soon(lambda: self._runs("munged") and (place / "socket").exists(), "a socket of munged")

    def start_node(self, node: str) -> None:
        """Starts a node, or starts it again after it was killed."""
        self._start(node, "slurmd", "-D", "-N", node, SLURMD_NODENAME=node)

    def _start(self, name: str, *command: str, **environment: str) -> None:
        # it ends with its parent, even where that is killed
        parts = [program("setpriv"), "--pdeathsig", "KILL", program(command[0]), *command[1:]]
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                [str(part) for part in parts], env={**self.environment, **environment}, stdout=out, stderr=out
            )

    def _runs(self, *names: str) -> bool:
        for name in names:
            assert self.daemons[name].poll() is None, (self.folder / f"{name}.out").read_text()
        return True

    def kill_node(self, node: str) -> None:
        """Ends all processes of a node with SIGKILL: the node loses its power."""
        self._kill(f"SLURMD_NODENAME={node}")
        with suppress(KeyError):
            self.daemons.pop(node).wait(timeout=30)

    def kill_step(self, job: str) -> None:
        """Ends with SIGKILL the process by which a node watches a job's script; what the script started is left."""
        title = f"slurmstepd: [{job}.batch]".encode()
        for number in self._processes():
            if title in Path(f"/proc/{number}/cmdline").read_bytes():
                os.kill(number, signal.SIGKILL)

    def _kill(self, setting: str) -> None:
        # a process that ends may have started another one meanwhile
        while found := list(self._processes(setting)):
            for number in found:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            time.sleep(0.02)

    def _processes(self, *settings: str) -> Iterator[int]:
        """Processes of this cluster whose environment has the ``settings`` too."""
        wanted = {f"SLURM_CONF={self.configuration}".encode(), *(setting.encode() for setting in settings)}
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if wanted <= set((place / "environ").read_bytes().split(b"\0")):
                    yield int(place.name)

    def call(self, *command: str, folder: Path | None = None, **environment: str) -> str:
        """Standard output of a command of Slurm."""
        done = subprocess.run(
            [str(program(command[0])), *command[1:]],
            cwd=folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout.strip()

    def states(self) -> list[str]:
        """The state of each node, such as ``idle``; none as long as the controller does not answer."""
        with suppress(AssertionError):
            return self.call("sinfo", "--noheader", "--Node", "--Format=StateLong").split()
        return []

    def job(self, number: str) -> dict[str, str]:
        """What the controller says of a job, by Slurm's own names of its facts."""
        shown = self.call("scontrol", "--oneliner", "show", "job", number)
        return dict(fact.partition("=")[::2] for fact in shown.split())
