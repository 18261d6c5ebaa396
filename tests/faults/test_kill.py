"""kill -9 of the server under load: what was acknowledged is there once, views equal a rebuild."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from projections import VIEWS
from tests.api.serving import SECRET, keys_of, runner_of
from tests.conftest import Database

ROUNDS, CALLERS, ACKNOWLEDGED = 3, 8, 60
REGISTRATION = {
    "channel": "phone",
    "source_system": "load",
    "nature": "complaint",
    "origin": "person",
}


class Server:
    """`closedloop serve` as a process of its own, killed and started again."""

    def __init__(self, database: Database, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (folder / "secret").write_text(SECRET.hex())
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "DATABASE_URL": database.owner,
            "DATABASE_URL_APP": database.app,
            "CLOSEDLOOP_DATA": str(folder),
            "CLOSEDLOOP_PORT": str(self.port),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve"],
            env=self.environment,
            stderr=subprocess.DEVNULL,
        )
        waited = threading.Event()
        for _ in range(600):
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                waited.wait(0.05)
        raise AssertionError("the server did not start")

    def stop(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(timeout=60)


class Load:
    """Callers that register complaints and add to them, and remember what was acknowledged."""

    def __init__(self, key: str) -> None:
        self.headers = {"Authorization": f"Bearer {key}"}
        self.acknowledged: dict[str, tuple[str, int]] = {}
        self.sent: set[str] = set()

    def until_killed(self, server: Server) -> None:
        """Load a server, kill it in the middle, and wait for the callers to notice."""
        enough = threading.Event()
        callers = [
            threading.Thread(target=self._call, args=(server.url, enough)) for _ in range(CALLERS)
        ]
        for caller in callers:
            caller.start()
        assert enough.wait(60)
        server.stop(signal.SIGKILL)
        for caller in callers:
            caller.join()

    def _call(self, url: str, enough: threading.Event) -> None:
        with httpx.Client(base_url=url, timeout=10, headers=self.headers) as http:
            try:
                while True:
                    answer = self._order(http, "/v1/complaints", REGISTRATION, 201)
                    path = f"/v1/complaints/{answer['complaint_id']}/acknowledge-complaint"
                    self._order(http, path, {"by": "person"}, 200)
                    if len(self.acknowledged) % ACKNOWLEDGED == 0:
                        enough.set()
            except httpx.TransportError:
                return

    def _order(self, http: httpx.Client, path: str, body: Any, status: int) -> Any:
        name = str(uuid4())
        self.sent.add(name)
        answer = http.post(path, json=body, headers={"Idempotency-Key": name})
        assert answer.status_code == status, answer.text
        told = answer.json()
        self.acknowledged[name] = (told["complaint_id"], told["version"])
        return told


def test_a_killed_server_loses_and_doubles_nothing(
    fresh_database: Database, tmp_path: Path
) -> None:
    server = Server(fresh_database, tmp_path)
    load = Load(asyncio.run(keys_of(fresh_database))["agent"])
    try:
        for _ in range(ROUNDS):
            server.start()
            load.until_killed(server)
        server.start()
    finally:
        server.stop(signal.SIGTERM)

    with psycopg.connect(fresh_database.owner) as connection:
        recorded = connection.execute(
            "SELECT stream_id::text, version FROM ledger.events WHERE type LIKE 'Complaint%'"
        ).fetchall()
        dense = connection.execute(
            "SELECT count(*), max(position), (SELECT position FROM ledger.heads) FROM ledger.events"
        ).fetchone()
    assert set(load.acknowledged.values()) <= set(recorded), "acknowledged means durable"
    assert len(set(load.acknowledged.values())) == len(load.acknowledged)
    assert len(set(recorded)) == len(recorded), "and there once"
    assert len(recorded) <= len(load.sent)
    assert dense is not None
    assert dense[0] == dense[1] == dense[2]

    runner = runner_of(fresh_database)
    runner.catch_up()
    for view in VIEWS:
        live = runner.digest(view)
        runner.rebuild(view)
        assert runner.digest(view) == live
