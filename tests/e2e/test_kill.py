"""kill -9 of the server under load: what was acknowledged is there once, and views equal a rebuild."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg

from tests.api.serving import SECRET, keys_of, runner_of
from tests.conftest import Database

ROUNDS, CALLERS, ACKNOWLEDGED = 3, 8, 60


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


def test_a_killed_server_loses_and_doubles_nothing(
    fresh_database: Database, tmp_path: Path
) -> None:
    server = Server(fresh_database, tmp_path)
    key = asyncio.run(keys_of(fresh_database))["agent"]
    acknowledged: dict[str, tuple[str, int]] = {}
    sent: set[str] = set()

    def call(url: str, enough: threading.Event) -> None:
        """Register complaints and add to them until the server dies."""
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, timeout=10, headers=headers) as http:
            try:
                while True:
                    name = str(uuid4())
                    sent.add(name)
                    body = {
                        "channel": "phone",
                        "source_system": "load",
                        "nature": "complaint",
                        "origin": "person",
                    }
                    answer = http.post(
                        "/v1/complaints", json=body, headers={"Idempotency-Key": name}
                    )
                    assert answer.status_code == 201, answer.text
                    complaint_id = answer.json()["complaint_id"]
                    acknowledged[name] = (complaint_id, 1)
                    more = str(uuid4())
                    sent.add(more)
                    answer = http.post(
                        f"/v1/complaints/{complaint_id}/acknowledge-complaint",
                        json={"by": "person"},
                        headers={"Idempotency-Key": more},
                    )
                    assert answer.status_code == 200, answer.text
                    acknowledged[more] = (complaint_id, 2)
                    if len(acknowledged) % ACKNOWLEDGED == 0:
                        enough.set()
            except httpx.TransportError:
                return

    for _ in range(ROUNDS):
        server.start()
        enough = threading.Event()
        callers = [threading.Thread(target=call, args=(server.url, enough)) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        assert enough.wait(60)
        server.stop(signal.SIGKILL)
        for caller in callers:
            caller.join()

    server.start()
    server.stop(signal.SIGTERM)
    runner = runner_of(fresh_database)
    runner.catch_up()
    with psycopg.connect(fresh_database.owner) as connection:
        recorded = connection.execute(
            "SELECT stream_id::text, version FROM ledger.events WHERE type LIKE 'Complaint%'"
        ).fetchall()
        counts = Counter(recorded)
        assert all(counts[place] == 1 for place in acknowledged.values())
        assert len(set(acknowledged.values())) == len(acknowledged)
        assert set(counts.values()) == {1}
        assert len(recorded) <= len(sent)
        dense = connection.execute(
            "SELECT count(*), max(position), (SELECT position FROM ledger.heads) FROM ledger.events"
        ).fetchone()
        assert dense is not None
        assert dense[0] == dense[1] == dense[2]
    for view in ("complaints", "timeline", "sla"):
        live = runner.digest(view)
        runner.rebuild(view)
        assert runner.digest(view) == live
