"""The figures over HTTP: `closedloop serve` as it is installed, and a client beside it."""

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import psycopg

from api.app import registry, services
from bench import load, noop
from bench.bench import Bench
from bench.figures import Measured
from bench.ours import REGISTER
from bench.places import SECRET, Database
from bench.processes import ROOT, Process, closedloop, free_port, started
from ledger.application import Ledger

CONNECTIONS, BULK_CONNECTIONS, LINES = 64, 4, 250
NAMES = ("http", "bulk", "visible", "memory", "cpu")
BODY = msgspec.to_builtins(REGISTER)
_NUMBERS = itertools.count(1)
_AT_REST = """
SELECT bool_and(p.position = h.position)
FROM views.positions AS p JOIN ledger.heads AS h USING (partition)"""


class Server:
    """`closedloop serve` with a key, and its database."""

    def __init__(self, process: Process, database: Database, key: str) -> None:
        """Measure this server."""
        self.process = process
        self.authorization = f"Bearer {key}"
        self._database = database

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
        with psycopg.connect(self._database.owner, autocommit=True) as connection:
            while connection.execute(_AT_REST).fetchone() != (True,):
                self.process.check()
                time.sleep(0.05)

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


def measure(bench: Bench) -> Iterator[Measured]:
    """One server for everything; it keeps its views as it goes."""
    if not bench.wants(*NAMES):
        return
    some = 500 * bench.size.seconds
    with bench.places.database() as database, serving(database) as server, doing_nothing() as port:
        requests_per_second(port, noop.PATH, some)  # what is made once is made now
        server.commands_per_second(some)
        yield from bench.in_pairs(
            "http",
            lambda: requests_per_second(port, noop.PATH, 4 * some),
            lambda: server.commands_per_second(2 * some),
        )
        yield from bench.in_pairs(
            "bulk",
            lambda: server.commands_per_second(2 * some),
            lambda: server.in_bulk_per_second(-(-8 * some // LINES)),
        )


@contextmanager
def serving(database: Database) -> Iterator[Server]:
    """`closedloop serve`, views and all, with a key that may do everything here."""
    key = asyncio.run(_key(database))
    with closedloop("serve", database) as process:
        process.wait_until_it_answers()
        yield Server(process, database, key)


async def _key(database: Database) -> str:
    ledger = Ledger(database.app, registry())
    await ledger.open()
    try:
        keys = services(ledger, SECRET).keys
        return await keys.issue(name="bench", role="supervisor", principal="bench", kind="system")
    finally:
        await ledger.aclose()


@contextmanager
def doing_nothing() -> Iterator[int]:
    """The server that does nothing; its port."""
    port = free_port()
    with started("bench.noop", port, port=port) as process:
        process.wait_until_it_answers()
        yield port
