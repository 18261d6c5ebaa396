"""The folder of an embedded server: its small files, its two locks, and the account that runs it.

passwords.json, port   what a client needs, mode 600
lock                   held by whoever makes, starts, stops or removes the server
alive                  held by the server's own processes as long as one of them lives
cluster/               PostgreSQL's data, its log in cluster/log/
programs.log           what initdb and pg_ctl said last
place ->               where cluster/ is instead, if root's folder is closed to the server's account
"""

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.embedded_programs import Account, EmbeddedError, account_for, programs_for

FALLBACK = Path("/var/lib/closedloop")
TROUBLE = re.compile("FATAL(?!.*the database system is )|PANIC|error:")  # starting up and the like


class Folder:
    """What stands on disk for one server; nothing here talks to PostgreSQL."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    @property
    def place(self) -> Path:
        """Where the cluster is: this folder, or what its link names."""
        link = self.path / "place"
        return link.resolve() if link.is_symlink() else self.path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data folder; it is whole or not there."""
        return self.place / "cluster"

    @property
    def account(self) -> Account:
        """Who runs the server."""
        return account_for(self.path)

    def port(self) -> int | None:
        """Return the port kept from an earlier start."""
        text = self._read(self.path / "port")
        if text and not text.strip().isdecimal():
            raise EmbeddedError(f"{self.path}/port is damaged: delete that file and try again")
        return int(text) if text else None

    def passwords(self) -> dict[str, str]:
        """Return the passwords by role; none before the first start."""
        try:
            return dict(json.loads(self._read(self.path / "passwords.json") or "{}"))
        except ValueError:
            raise EmbeddedError(
                f"{self.path}/passwords.json is damaged: put the file of a backup in its place"
            ) from None

    def pid(self) -> int | None:
        """Return the pid in PostgreSQL's pid file, which may name a stranger after a crash."""
        first = (self._read(self.cluster / "postmaster.pid") or "").partition("\n")[0]
        # postgres --single writes its own pid with a minus
        return abs(int(first)) if re.fullmatch(r"-?\d+", first) else None

    def keep(self, name: str, text: str) -> None:
        """Write a small file of mode 600, whole or not at all."""
        handle, made = tempfile.mkstemp(dir=self.path, prefix=f"{name}.")
        with open(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
            self._hand_over(handle)
        os.replace(made, self.path / name)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one process, or thread, at a time in; makes the folder."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self._open("lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def claimed(self) -> Iterator[int | None]:
        """Hold `alive`, or yield None while a process of the server holds it.

        Every process of the server inherits the handle, so the kernel knows whether one lives,
        orphans of a killed postmaster included.
        """
        with open(self._open("alive")) as file:
            handle: int | None = file.fileno()
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle = None
            yield handle

    def settle(self) -> None:
        """See to it that the server's account, and nobody else, can get at the cluster."""
        account = self.account
        through = account.uid not in (None, self.path.stat().st_uid) and self.place == self.path
        self.path.chmod(0o711 if through else 0o700)
        if account.may("/bin/sh", "-c", 'cd -- "$0"', self.place):
            return
        if self.cluster.exists():
            raise EmbeddedError(
                f"user {account.uid}, who runs PostgreSQL for root, cannot enter {self.place}"
            )
        FALLBACK.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=FALLBACK))
        for folder in (FALLBACK, place):
            folder.chmod(0o711)
        self.path.chmod(0o700)
        (self.path / "place").symlink_to(place)

    def run(self, major: int, program: str, *words: str | Path, alive: int | None = None) -> bool:
        """Run one of PostgreSQL's programs as the server's account, its words to programs.log."""
        account = self.account
        path = programs_for(account, major, self.place) / program
        with open(self._open("programs.log", os.O_TRUNC), "r+b") as output:
            return account.run(path, *words, output=output, alive=alive) == 0

    def trouble(self) -> str:
        """Quote the last line that names a failure, and where it stands."""
        logs = sorted(self.cluster.glob("log/*.log"), key=lambda log: log.stat().st_mtime)
        for log in (self.path / "programs.log", *logs[-1:]):
            lines = (self._read(log) or "").splitlines()
            if bad := [line for line in lines if TROUBLE.search(line)]:
                return f"{bad[-1].strip()} ({log})"
        return f"no reason given; see {self.cluster}/log"

    def remove(self) -> None:
        """Delete the folder, and the place that it names."""
        for path in {self.place, self.path}:
            shutil.rmtree(path)

    def _read(self, path: Path) -> str | None:
        try:
            return path.read_text(errors="replace")
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise EmbeddedError(f"{path} belongs to another account: run as that one") from error

    def _open(self, name: str, flags: int = 0) -> int:
        flags |= os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(self.path / name, flags, 0o600)
        self._hand_over(handle)
        return handle

    def _hand_over(self, handle: int) -> None:
        """Give what root makes in an ordinary user's folder to that user, who must open it too."""
        if os.geteuid() == 0:
            owner = self.path.stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)
