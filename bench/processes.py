"""Processes of our own beside the bench, and what they take of processor and memory."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.places import SECRET, Database

ROOT = Path(__file__).parent.parent
PROC = Path("/proc")  # where the system tells of processes; not on every system
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_SECONDS = 60


class Process:
    """A process that listens on a port, or works."""

    def __init__(self, popen: subprocess.Popen[bytes], port: int, said: Path) -> None:
        """Watch this process."""
        self._popen = popen
        self._said = said
        self.pid = popen.pid
        self.port = port

    def wait_until_it_answers(self) -> None:
        """Wait until it takes connections. Raises with what it said when it has ended."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError("the server does not answer")

    def check(self) -> None:
        """Raise where it has ended."""
        if self._popen.poll() is not None:
            raise RuntimeError(f"it has ended: {self._said.read_text()[-2000:]}")


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(folder.name) for folder in PROC.glob("[0-9]*") if _stat(folder)[0] == pid]


def peak_mib(pid: int) -> float:
    """The most memory a process had resident so far."""
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) / 1024


def cpu_seconds(pid: int) -> float:
    """The processor time of a process and its children, those that have ended included."""
    ours = [_stat(PROC / str(one)) for one in (pid, *children(pid))]
    return sum(sum(times) for _, *times in ours) / _TICKS


def _stat(folder: Path) -> list[int]:
    """Parent, and times in ticks: user and system, its own and of children that have ended."""
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return [0] * 5  # it has just ended
    return [int(fields[1]), *map(int, fields[11:15])]


@contextmanager
def started(*arguments: Any, port: int = 0, **environment: str) -> Iterator[Process]:
    """A Python process of our code, told to stop at the end."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        with said.open("wb") as output:
            popen = subprocess.Popen(
                [sys.executable, "-m", *map(str, arguments)],
                cwd=ROOT,
                env=_environment(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield Process(popen, port, said)
        finally:
            popen.terminate()
            try:
                popen.wait(timeout=30)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Ours, without the settings of an installation that may be about."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CLOSEDLOOP_", "DATABASE_URL"))
    }
    return {**ours, **more}


def free_port() -> int:
    """A port that nobody listens on at present."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def closedloop(command: str, database: Database, *options: str) -> Iterator[Process]:
    """`closedloop serve` or `work` on a database, as it is installed."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "secret"
        secret.write_text(SECRET.hex())
        with started(
            "api.cli",
            command,
            *options,
            port=port,
            DATABASE_URL=database.owner,
            DATABASE_URL_APP=database.app,
            CLOSEDLOOP_DATA=folder,
            CLOSEDLOOP_SECRET_FILE=str(secret),
            CLOSEDLOOP_PORT=str(port),
            CLOSEDLOOP_LOG="json",
        ) as process:
            yield process
