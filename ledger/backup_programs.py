"""pg_dump and pg_restore: which of them fit a server, and how they are run and listened to."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.database import DatabaseError
from ledger.embedded_programs import binaries

_OLDER, _NEWER = 16, 18  # what the wheel has
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_TROUBLE = re.compile(r"(?:pg_dump|pg_restore): (?:error|fatal): (.*)")
_LOOK_SECONDS = 0.2


class Programs:
    """The folder of PostgreSQL's programs that fit a server of some version."""

    def __init__(self, server: int, folder: Path | None = None) -> None:
        """Take the wheel's for a server of this major version, or those of a folder."""
        # pg_restore of 17 and later sets a parameter that older servers do not know.
        self._folder = folder or binaries(_OLDER if server <= _OLDER else _NEWER)
        version = self._version()
        if server > version:
            raise DatabaseError(
                f"the server is PostgreSQL {server} and the programs here are of {version}:"
                f" give --programs the folder of a pg_dump of {server} or later"
            )

    def _version(self) -> int:
        told = subprocess.run(
            [self._folder / "pg_dump", "--version"], capture_output=True, text=True, check=False
        )
        found = _VERSION.search(told.stdout)
        if found is None:
            raise DatabaseError(f"{self._folder}/pg_dump does not run: {told.stderr.strip()}")
        return int(found[1])

    def contents(self, path: Path) -> list[str]:
        """What a dump holds, a line each, as pg_restore lists and takes it."""
        done = subprocess.run(
            [self._folder / "pg_restore", "--list", path],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DatabaseError(done.stderr.strip().partition("\n")[0])
        return done.stdout.splitlines()

    def run(
        self,
        program: str,
        uri: str,
        *words: str | Path,
        hear: Callable[[str], None] = lambda line: None,
        look: Callable[[], None] = lambda: None,
        holding: int | None = None,
    ) -> None:
        """Run a program on a database to its end; `hear` gets its lines, `look` is called often.

        It keeps the handle `holding` open as long as it lives. Raises `DatabaseError` with the
        first line of what went wrong.
        """
        login, environment = _login(uri)
        trouble: list[str] = []

        def listen(lines: Iterator[str]) -> None:
            for line in lines:
                if found := _TROUBLE.match(line):
                    trouble.append(found[1])
                hear(line)

        with _ended(
            subprocess.Popen(
                [self._folder / program, "--verbose", "--no-password", f"--dbname={login}", *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                pass_fds=() if holding is None else (holding,),
            )
        ) as process:
            assert process.stderr is not None
            listener = threading.Thread(target=listen, args=(process.stderr,), daemon=True)
            listener.start()
            while process.poll() is None:
                listener.join(_LOOK_SECONDS)
                look()
            listener.join()
        if process.returncode:
            raise DatabaseError(f"{program}: {[*trouble, _end(process.returncode)][0]}")


@contextmanager
def _ended(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """Whatever happens, the program does not go on without us."""
    try:
        yield process
    except BaseException:
        process.terminate()
        raise
    finally:
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _end(status: int) -> str:
    """How a program ended that did not say why."""
    return f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with {status}"


def _login(uri: str) -> tuple[str, dict[str, str]]:
    """An address without its password, which everybody could read in the list of processes."""
    parts: dict[str, Any] = conninfo_to_dict(uri)
    environment = {**os.environ, "LC_ALL": "C"}
    if (password := parts.pop("password", None)) is not None:
        environment["PGPASSWORD"] = password
    return make_conninfo(**parts), environment


class Course:
    """How far a dump or a restore has come, by what the program says of the tables."""

    def __init__(self, tables: Mapping[str, int], begins: str) -> None:
        """Know the sizes of the tables, and by which words the next of them is announced."""
        self._tables = tables
        self._total = max(sum(tables.values()), 1)
        self._begins = begins
        self._now = 0
        self.done = 0  # pages of the tables that are finished
        self.has_begun = False

    @property
    def share(self) -> float:
        """Which share of all is done, from 0 to 1."""
        return self.done / self._total

    def hear(self, line: str) -> None:
        """Take in what the program says."""
        _, begins, name = line.partition(self._begins)
        if begins:
            self.has_begun = True
            self.done += self._now
            self._now = self._tables.get(name.strip().strip('"'), 0)
