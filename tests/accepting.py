"""What every item of the acceptance lists works on: a fresh clone."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


class Failed(Exception):
    """An item of the list does not hold."""


class Clone:
    """A fresh clone with its own data folder, port and virtual environment."""

    def __init__(self, folder: Path, account: str | None = None) -> None:
        self.folder = folder / "closedloop"
        self.account = account
        subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(self.folder)], check=True)
        if account is not None:
            subprocess.run(["chown", "-R", account, str(folder)], check=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("VIRTUAL_ENV", "DATABASE_URL", "DATABASE_URL_APP", "CLOSEDLOOP_DATA")
        } | {"CLOSEDLOOP_PORT": str(self.port), "HOME": str(folder)}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words,
            cwd=self.folder,
            env=self.environment,
            user=self.account,
            group=self.account,
            extra_groups=[] if self.account else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, status: int = 0) -> str:
        process = self.start(*words)
        output, _ = process.communicate()
        if process.returncode != status:
            raise Failed(f"{' '.join(words)}: status {process.returncode}\n{output[-30_000:]}")
        return output

    def closedloop(self, *words: str, status: int = 0) -> str:
        return self.run(".venv/bin/closedloop", *words, status=status)

    def query(self, role: str, statement: str) -> list[list[object]]:
        """Rows as a login of the database reads them."""
        script = (
            "import json, psycopg, sys\n"
            "rows = psycopg.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()\n"
            "print(json.dumps(rows, default=str))"
        )
        uri = self.closedloop("uri", "--role", role).strip()
        found: list[list[object]] = json.loads(
            self.run(".venv/bin/python", "-c", script, uri, statement)
        )
        return found

    def work_off(self, worker: subprocess.Popen[str]) -> None:
        """Wait until views and policies have come to the end of the ledger, and end the worker."""
        while True:
            rows = self.query(
                "owner",
                "SELECT min(p.position), max(h.position) FROM views.positions AS p"
                " JOIN ledger.heads AS h USING (partition)",
            )
            if rows[0][0] is not None and rows[0][0] == rows[0][1]:
                break
        os.killpg(worker.pid, signal.SIGTERM)
        worker.communicate(timeout=60)


def expect(name: str, found: object, wanted: object) -> None:
    """Fail where something is not as it should be."""
    if found != wanted:
        raise Failed(f"{name}: expected {wanted}, found {found}")


def tests_of(clone: Clone, *words: str, **environment: str) -> str:
    """Run tests of the clone and return their last line."""
    clone.run("make", "check")
    settings = [f"{name}={value}" for name, value in environment.items()]
    output = clone.run("env", *settings, ".venv/bin/python", "-m", "pytest", "-q", *words)
    return output.strip().splitlines()[-1]
