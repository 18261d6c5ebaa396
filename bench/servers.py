"""Servers that are measured: `closedloop serve` as it is installed, and one that does nothing."""

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import psycopg

from api.app import services
from api.registry import registry
from bench import load
from bench.ours import REGISTER
from bench.places import SECRET, Database
from bench.processes import ROOT, Process, children, closedloop, free_port, started
from ledger.application import Ledger

CONNECTIONS, BULK_CONNECTIONS, LINES = 64, 4, 250
BODY = msgspec.to_builtins(REGISTER)
_NUMBERS = itertools.count(1)
AT_REST = """
SELECT bool_and(p.position = h.position)
FROM views.positions AS p JOIN ledger.heads AS h USING (partition)"""


class Server:
    """`closedloop serve` with a key, and its database."""

    def __init__(
        self, process: Process, database: Database, key: str, *, keeps_views: bool
    ) -> None:
        """Measure this server."""
        self._keeps_views = keeps_views
        self.process = process
        self.authorization = f"Bearer {key}"
        self._database = database

    @property
    def worker(self) -> int:
        """The process that keeps its views."""
        [worker] = children(self.process.pid)
        return worker

    def commands_per_second(self, requests: int) -> float:
        """Registrations a second in requests of their own, durable when answered."""
        rate = self._given("/v1/complaints", requests, CONNECTIONS)
        self.rest()
        return rate

    def in_bulk_per_second(self, requests: int) -> float:
        """Registrations a second in bulk."""
        rate = self._given("/v1/commands", requests, BULK_CONNECTIONS, LINES) * LINES
        self.rest()
        return rate

    def rest(self) -> None:
        """Wait until the views have come to the head: they would disturb what follows."""
        if not self._keeps_views:
            return
        with psycopg.connect(self._database.owner, autocommit=True) as connection:
            while connection.execute(AT_REST).fetchone() != (True,):
                self.process.check()
                time.sleep(0.05)

    def settle(self) -> None:
        """What autovacuum does within its minute, of which a bench has none."""
        with psycopg.connect(self._database.owner, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")

    def _given(self, path: str, requests: int, connections: int, lines: int = 0) -> float:
        return requests_per_second(
            self.process.port, path, requests, connections, lines, self.authorization
        )


def requests_per_second(
    port: int,
    path: str,
    requests: int,
    connections: int = CONNECTIONS,
    lines: int = 0,
    authorization: str = "",
) -> float:
    """Requests a second of so many connections, as the client in its own process saw it."""
    what = load.What(
        port=port,
        path=path,
        authorization=authorization,
        body=BODY,
        keys=f"bench-{next(_NUMBERS)}",
        requests=requests,
        connections=connections,
        lines=lines,
    )
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=msgspec.json.encode(what),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
    )
    return requests / msgspec.json.decode(done.stdout, type=load.Found).seconds


@contextmanager
def serving(database: Database, *options: str) -> Iterator[Server]:
    """`closedloop serve`, views and all unless told otherwise, with a key of a supervisor."""
    key = asyncio.run(_key(database))
    with closedloop("serve", database, *options) as process:
        process.wait_until_it_answers()
        yield Server(process, database, key, keeps_views="--no-worker" not in options)


async def _key(database: Database) -> str:
    ledger = Ledger(database.app, registry())
    await ledger.open()
    try:
        keys = services(ledger, SECRET).keys
        return await keys.issue(name="bench", role="supervisor", principal="bench", kind="system")
    finally:
        await ledger.aclose()


@contextmanager
def doing_nothing(*options: str) -> Iterator[Process]:
    """The server that does nothing."""
    port = free_port()
    with started("bench.noop", port, *options, port=port) as process:
        process.wait_until_it_answers()
        yield process
