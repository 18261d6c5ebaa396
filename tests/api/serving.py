"""The real application on a real socket, for tests: uvicorn in a thread, keys for every role."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from api.app import application, services
from api.client import utc_now
from api.keys import Keys
from api.registry import registry
from api.roles import ROLES
from api.server import Server
from domain.policies import ALL_POLICIES
from ledger.application import Ledger
from projections import all_views
from projections.engine import Runner
from tests.conftest import Database
from tests.waiting import wait_until

SECRET = bytes(range(32))

_ALL_TOLD = """
SELECT bool_and(p.position = h.position)
FROM views.positions AS p JOIN ledger.heads AS h USING (partition)"""


class Api:
    """A client of a running server, with a key for each role."""

    def __init__(self, url: str, keys: dict[str, str], database: Database) -> None:
        self.url = url
        self.keys = keys
        self.database = database
        self.http = httpx.Client(base_url=url, timeout=30)

    def headers(self, role: str = "supervisor", **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[role]}", **more}

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        role: str = "supervisor",
        key: str | None = None,
        by: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        """Give an order, with a fresh idempotency key unless one is named."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if by is not None:
            headers["On-Behalf-Of"] = by
        return self.http.post(
            path,
            json=body if body is not None else {},
            headers=self.headers(role, **{"Idempotency-Key": key or str(uuid4()), **headers}),
        )

    def get(self, path: str, *, role: str = "supervisor", **params: Any) -> httpx.Response:
        return self.http.get(path, params=params, headers=self.headers(role))

    def register(self, **facts: Any) -> str:
        """Register a complaint and return its id."""
        body = {
            "channel": "phone",
            "source_system": "test",
            "nature": "complaint",
            "origin": "person",
            **facts,
        }
        response = self.post("/v1/complaints", body)
        assert response.status_code == 201, response.text
        complaint_id: str = response.json()["complaint_id"]
        return complaint_id

    def settle(self) -> None:
        """Wait until views and policies are at the head: nothing more follows by itself."""
        with psycopg.connect(self.database.owner, autocommit=True) as connection:
            wait_until(lambda: connection.execute(_ALL_TOLD).fetchone() == (True,))

    def limited_key(self, role: str, rate_per_minute: int) -> str:
        """A key of this role that may make so many requests a minute."""
        return asyncio.run(_limited_key(self.database, role, rate_per_minute))

    def revoked_key(self) -> str:
        """A supervisor's key that was taken back."""
        return asyncio.run(_revoked_key(self.database))


async def _limited_key(database: Database, role: str, rate_per_minute: int) -> str:
    async with open_keys(database) as keys:
        return await keys.issue(
            name="limited", role=role, principal="shop-1", rate_per_minute=rate_per_minute
        )


async def _revoked_key(database: Database) -> str:
    async with open_keys(database) as keys:
        key = await keys.issue(name="revoked", role="supervisor", principal="gone-1")
        await keys.revoke(key.split("_")[1])
        return key


def runner_of(database: Database) -> Runner:
    return Runner(database.app, None, registry(), all_views(SECRET), ALL_POLICIES, secret=SECRET)


@contextmanager
def served(
    database: Database, *, now: Callable[[], datetime] = utc_now, keeps_views: bool = True
) -> Iterator[Api]:
    """Serve a database until the block ends: by this clock, with a worker or without."""
    wake, stop = threading.Event(), threading.Event()
    runner = runner_of(database)
    ledger = Ledger(database.app, registry(), on_append=wake.set)
    serving = services(ledger, SECRET, runner=runner)
    serving.desk.now = now
    bound = socket.create_server(("127.0.0.1", 0))
    server = Server(application(serving), serving.feed.close)
    threads = [threading.Thread(target=server.run_on, args=(bound,))]
    if keeps_views:
        threads.append(threading.Thread(target=runner.run, args=(stop, wake)))
    keys = asyncio.run(keys_of(database))
    for thread in threads:
        thread.start()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    try:
        api = Api(url, keys, database)
        with api.http:
            yield api
    finally:
        server.should_exit = True
        stop.set()
        wake.set()
        for thread in threads:
            thread.join()
        bound.close()


async def keys_of(database: Database) -> dict[str, str]:
    """A new key for every role."""
    async with open_keys(database) as keys:
        return {
            role: await keys.issue(name=role, role=role, principal=f"{role}-1", kind="system")
            for role in ROLES
        }


@asynccontextmanager
async def open_keys(database: Database) -> AsyncIterator[Keys]:
    """The keys of a database."""
    ledger = Ledger(database.app, registry())
    await ledger.open()
    try:
        yield services(ledger, SECRET).keys
    finally:
        await ledger.aclose()
