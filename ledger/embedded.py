"""The embedded PostgreSQL server: one for a folder, made, started, found again and stopped here.

`docs/adr/0001-embedded-postgresql.md` says why it is not the wheel's own `get_server()`.
"""

import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError
from typing import Literal, NamedTuple

import psycopg
from psycopg import sql

from ledger.embedded_folder import Folder
from ledger.embedded_programs import DEFAULTS, FIXED, LOCALES, EmbeddedError, binaries

__all__ = ["ROLES", "Embedded", "EmbeddedError", "Status", "binaries"]

HOST = FIXED["listen_addresses"]
DATABASE = OWNER = "closedloop"
SUPERUSER = "postgres"
ROLES = (SUPERUSER, OWNER, "closedloop_app", "closedloop_bi", "closedloop_audit")
# Below the ephemeral ranges of Linux and macOS, so that no outgoing connection of another program
# sits on the port while the server is down.
PORTS = range(20000, 32000)
PATIENCE_SECONDS = 120
FIRST_POLL_SECONDS, LAST_POLL_SECONDS = 0.02, 0.5


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of the server without changing anything; version and pid while it runs."""

    running: bool
    port: int | None
    version: str | None
    folder: Path
    pid: int | None


class _Answer(NamedTuple):
    version: str
    provisioned: bool


class Embedded:
    """The PostgreSQL server whose data live in one folder."""

    def __init__(self, folder: Path, major: int = 18) -> None:
        self.major = major
        self._folder = Folder(folder)

    def start(self) -> None:
        """Make the server if the folder is new, start it unless it runs, return once it answers."""
        complete = self._folder.passwords().keys() >= {*ROLES}
        if complete and (answer := self._ask()) and answer.provisioned:
            return
        with self._alone():
            self._folder.settle()
            self._keep_passwords()
            if not self._await_answer().provisioned:
                self._provision()

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server if it runs and return when its last process is gone."""
        if self._folder.path.exists():
            with self._alone():
                self._stop(mode)

    def remove(self) -> None:
        """Stop the server and delete the folder with everything recorded in it."""
        if self._folder.path.exists():
            with self._alone():
                self._stop("immediate")
                self._folder.remove()

    def is_running(self) -> bool:
        """Tell whether a connection to this folder's server succeeds."""
        return self._ask() is not None

    def has_died(self) -> bool:
        """Tell whether the server is gone although nobody stopped it: its pid file is left."""
        if self._folder.pid() is None:
            return False
        with self._folder.claimed() as alive:
            return alive is not None

    def status(self) -> Status:
        """Report what runs here and where."""
        port, folder = self._folder.port(), self._folder.path
        if answer := self._ask():
            return Status(True, port, answer.version, folder, self._folder.pid())
        return Status(False, port, None, folder, None)

    def uri(self, role: str = OWNER, database: str = DATABASE) -> str:
        """Return the address at which a client, psql or a BI tool connects as one of ROLES."""
        port, passwords = self._folder.port(), self._folder.passwords()
        if port is None or not passwords:
            raise EmbeddedError(f"the server in {self._folder.path} has not been started yet")
        if role not in passwords:
            raise EmbeddedError(f"the embedded server has no role {role}, only {', '.join(ROLES)}")
        return f"postgresql://{role}:{passwords[role]}@{HOST}:{port}/{database}"

    def superuser_uri(self, database: str = SUPERUSER) -> str:
        """Return the superuser's address, for tests and repairs only."""
        return self.uri(SUPERUSER, database)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder's lock; what the system or the server refuses becomes one clear line."""
        try:
            with self._folder.locked():
                yield
        except (OSError, SubprocessError, psycopg.Error) as error:
            reason = str(error).partition("\n")[0]
            raise EmbeddedError(f"the server in {self._folder.path}: {reason}") from error

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            self.superuser_uri(),
            autocommit=True,
            connect_timeout=5,
            sslmode="disable",
            gssencmode="disable",
            require_auth="scram-sha-256",  # a stranger on our port must not be told the password
        )

    def _ask(self) -> _Answer | None:
        """Ask this folder's server who it is; None if it does not answer."""
        if not (self._folder.port() and self._folder.passwords() and self._folder.pid()):
            return None  # no server runs without a pid file, though not every pid file has a server
        try:
            with self._connect() as connection:
                row = connection.execute(
                    "SELECT current_setting('server_version'), current_setting('data_directory'),"
                    " EXISTS (SELECT FROM pg_database WHERE datname = %s)",
                    (DATABASE,),
                ).fetchone()
        except psycopg.OperationalError:
            return None  # nobody there, not ready yet, or a stranger on the port
        # A copy of the folder knows the same port and passwords, yet is another server.
        if row is None or row[1] != str(self._folder.cluster):
            return None
        return _Answer(row[0], row[2])

    def _await_answer(self) -> _Answer:
        """Wait for the server, launching it whenever none of its processes lives."""
        launched, pause = False, FIRST_POLL_SECONDS
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (answer := self._ask()):
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"no answer from the server in {self._folder.path} for {PATIENCE_SECONDS} s"
                    f" (a long recovery goes on by itself): {self._folder.trouble()}"
                )
            with self._folder.claimed() as alive:
                if alive is not None:  # else it starts, recovers or goes down
                    # A second launch is for a port that somebody took after we had chosen it.
                    if launched and _is_free(self._folder.port()):
                        raise EmbeddedError(f"PostgreSQL did not start: {self._folder.trouble()}")
                    self._launch(alive)
                    launched, deadline = True, time.monotonic() + PATIENCE_SECONDS
            time.sleep(pause)
            pause = min(pause * 1.3, LAST_POLL_SECONDS)
        return answer

    def _launch(self, alive: int) -> None:
        """Start a postmaster that inherits `alive`, which says that no other lives."""
        cluster = self._folder.cluster
        if not cluster.exists():
            self._initialise(alive)
        made_by = (cluster / "PG_VERSION").read_text().strip()
        if made_by != str(self.major):
            raise EmbeddedError(f"{cluster} is of PostgreSQL {made_by}, not {self.major}")
        self._forget_dead_server()
        port = self._folder.port()
        if not _is_free(port):
            shuffled = secrets.SystemRandom().sample(PORTS, len(PORTS))
            port = next(filter(_is_free, shuffled))
            self._folder.keep("port", str(port))
        options = " ".join(f"-c {name}={value}" for name, value in (FIXED | {"port": port}).items())
        # Without -w: our own loop asks by connecting, and can tell a taken port from a failure.
        if not self._control("start", "-W", "-o", options, alive=alive):
            raise EmbeddedError(f"PostgreSQL did not start: {self._folder.trouble()}")

    def _initialise(self, alive: int) -> None:
        """Make the cluster beside its place and rename it, so that it is whole or not there."""
        staged = self._folder.place / "new"
        if staged.exists():  # an initdb that was killed half way
            shutil.rmtree(staged)
        staged.mkdir(mode=0o700)
        password = staged / "password"
        password.write_text(self._folder.passwords()[SUPERUSER])
        for path in (password, staged):
            self._folder.account.give(path)
        words: list[str | Path] = ["-D", staged / "cluster", "-U", SUPERUSER, "-E", "UTF8"]
        words += ["--auth=scram-sha-256", f"--pwfile={password}", "--data-checksums"]
        words += LOCALES.get(self.major, ())
        words += [f"--set={name}={value}" for name, value in DEFAULTS.items()]
        if not self._folder.run(self.major, "initdb", *words, alive=alive):
            raise EmbeddedError(f"initdb failed: {self._folder.trouble()}")
        (staged / "cluster").rename(self._folder.cluster)
        place = os.open(self._folder.place, os.O_RDONLY)
        os.fsync(place)
        os.close(place)
        shutil.rmtree(staged)

    def _forget_dead_server(self) -> None:
        """Drop a dead server's pid file: PostgreSQL trusts it while any process has that pid."""
        pid, cluster = self._folder.pid(), self._folder.cluster
        if pid is not None and _works_in(pid, cluster):
            raise EmbeddedError(f"process {pid}, started by hand, uses {cluster}: stop it first")
        (cluster / "postmaster.pid").unlink(missing_ok=True)

    def _keep_passwords(self) -> None:
        """Generate what is missing: all passwords of a new server, later those of new roles."""
        known = self._folder.passwords()
        if self._folder.cluster.exists() and not known:
            raise EmbeddedError(
                f"{self._folder.path}/passwords.json is gone, and without it nobody can enter"
                " the server: bring it back from a backup"
            )
        if missing := {role: secrets.token_urlsafe(24) for role in ROLES if role not in known}:
            self._folder.keep("passwords.json", json.dumps(known | missing, indent=2))

    def _provision(self) -> None:
        """Make the owner role and its database; the database comes last and stands for both."""
        owner = sql.Identifier(OWNER)
        password = sql.Literal(self._folder.passwords()[OWNER])
        with self._connect() as connection:
            made = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (OWNER,)).rowcount
            for statement in (
                sql.SQL("ALTER ROLE {}" if made else "CREATE ROLE {}").format(owner)
                + sql.SQL(" LOGIN CREATEROLE PASSWORD ")
                + password,
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), owner),
            ):
                connection.execute(statement)

    def _stop(self, mode: str) -> None:
        answered = self._ask() is not None
        with self._folder.claimed() as alive:
            if alive is not None and not answered:
                return
        deadline = time.monotonic() + PATIENCE_SECONDS
        # pg_ctl also fails if the server is going down already: what counts is that it is gone.
        self._control("stop", "-m", mode, "-w", "-t", str(PATIENCE_SECONDS))
        while True:
            with self._folder.claimed() as alive:
                if alive is not None:
                    return
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL did not stop: {self._folder.trouble()}")
            time.sleep(FIRST_POLL_SECONDS)

    def _control(self, action: str, *words: str, alive: int | None = None) -> bool:
        cluster = self._folder.cluster
        return self._folder.run(self.major, "pg_ctl", action, "-D", cluster, *words, alive=alive)


def _is_free(port: int | None) -> bool:
    """Tell whether a server could listen on the port, by doing so."""
    if port is None:
        return False
    with socket.socket() as probe:
        # As PostgreSQL does: connections of the server's former life must not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError:
            return False
        return True


def _works_in(pid: int, folder: Path) -> bool:
    """Tell, where the system has /proc, whether the process works in the folder."""
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", folder)
    except OSError:
        return False  # gone, or another account's and so no server of this folder
