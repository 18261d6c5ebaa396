"""An installation of one's own, and its programs as processes that are ended with the test."""

import itertools
import multiprocessing
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from psycopg.conninfo import conninfo_to_dict

from api.cli import main
from ledger.embedded import Embedded
from ledger.migrate import ROLES, migrate
from projections import VIEWS
from tests.api.serving import SECRET
from tests.conftest import Database
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
_numbers = itertools.count(1)


# Forked from a process that has imported everything once and does nothing else: as good as
# `python -m api.cli`, and there in a tenth of the time.
forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(
    ["api.cli.serving", "api.cli.working", *(f"projections.{view}" for view in VIEWS), __name__]
)


def _run(commands: Sequence[Sequence[str]], environment: dict[str, str], log: Path) -> None:
    """What the new process does."""
    os.setsid()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    with open(log, "ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    for words in commands:
        sys.argv = ["closedloop", *words]
        try:
            main()
        except SystemExit as done:
            if done.code:
                raise


class Forked:
    """A process that does one thing until it is ended."""

    def __init__(self, does: Callable[..., None], *words: Any) -> None:
        """Have a new process do this."""
        self.process = forks.Process(target=does, args=words)
        self.process.start()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.is_alive()

    def kill(self) -> None:
        """End it at once, wherever it is; a paused one too."""
        self.process.kill()
        self.process.join(60)

    def stop(self) -> None:
        """Ask it to end, as an operator does."""
        self.signal(signal.SIGTERM)
        self.process.join(60)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)


class Program(Forked):
    """A `closedloop` command as a process."""

    def __init__(
        self, folder: Path, *words: str, before: Sequence[str] = (), **environment: str
    ) -> None:
        """Start it with this data folder, after another one; what they log stays there."""
        self.log = folder / f"{words[0]}-{next(_numbers)}.log"
        self.log.touch()
        settings = {name: value for name, value in os.environ.items() if "DATABASE" not in name}
        settings |= {"CLOSEDLOOP_DATA": str(folder), **environment}
        commands = [before, words] if before else [words]
        super().__init__(_run, commands, settings, self.log)

    def said(self) -> str:
        """What it has logged so far."""
        return self.log.read_text(errors="replace")


class Server(Program):
    """`closedloop serve`."""

    def __init__(
        self, folder: Path, *words: str, before: Sequence[str] = (), **environment: str
    ) -> None:
        """Start it; `ready` waits for it."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = {"CLOSEDLOOP_PORT": str(port), **environment}
        super().__init__(folder, "serve", *words, before=before, **settings)

    def ready(self) -> "Server":
        """Wait until it takes requests."""

        def is_ready() -> bool:
            assert self.is_running, self.said()
            with suppress(httpx.TransportError):
                return httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200
            return False

        wait_until(is_ready)
        return self


@contextmanager
def running(program: Forked) -> Iterator[Forked]:
    """End a process with the block, unless it has ended."""
    try:
        yield program
    finally:
        program.kill()


class Installation:
    """A data folder with an embedded PostgreSQL that nobody else uses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = Embedded(folder / "postgresql")
        self.database = Database(self.postgres, "closedloop")
        (folder / "secret").write_text(SECRET.hex())

    def set_up(self) -> None:
        """Make and migrate the database, as `closedloop migrate` does."""
        self.postgres.start()
        uri = self.postgres.uri
        passwords = {role: str(conninfo_to_dict(uri(role))["password"]) for role in ROLES}
        migrate(uri(), passwords=passwords, secret=SECRET)

    def processes(self) -> list[int]:
        """The processes of PostgreSQL, the postmaster first."""
        postmaster = self.postgres.status().pid
        assert postmaster is not None
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]

    def remove(self) -> None:
        """Stop PostgreSQL and delete everything."""
        self.postgres.remove()


def free_port() -> int:
    """A port that nobody has at present."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def limit_files(pids: Sequence[int], size: int) -> None:
    """Let processes write no further than this into any file, as a full disk would."""
    limiting = Forked(_limit, pids, size).process
    limiting.join(60)
    assert limiting.exitcode == 0


def _limit(pids: Sequence[int], size: int) -> None:
    """As the account of those processes: only that one, or a privileged one, may."""
    owner = os.stat(f"/proc/{pids[0]}")
    if owner.st_uid != os.geteuid():
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
    for pid in pids:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
