"""Reading from the ledger: whoever stops waiting takes no connection along."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from domain.complaint import COMPLAINT
from ledger import readers
from ledger.application import Ledger
from ledger.registry import Registry
from ledger.writer import Unavailable
from tests.conftest import Database
from tests.waiting import wait_until

_SLOW = "SELECT pg_sleep(0.05)"
_CONNECTIONS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
)
_UNDER_WAY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'active' AND query = 'SELECT pg_sleep(9)'"""


def of(database: Database, story: Callable[[Ledger], Awaitable[None]]) -> None:
    async def told() -> None:
        ledger = Ledger(database.app, Registry(COMPLAINT.events))
        await ledger.open()
        try:
            await story(ledger)
        finally:
            await ledger.aclose()

    asyncio.run(told())


def test_whoever_stops_waiting_for_an_answer_breaks_no_connection(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        await asyncio.gather(*[ledger.query(_SLOW, {}) for _ in range(8)])
        before = await _connections(ledger)
        assert len(before) == readers.MAX_READERS
        for turns in range(24):
            await _give_up_on(asyncio.create_task(ledger.query(_SLOW, {})), turns)
        assert before <= await _connections(ledger)

    of(database, story)


def test_one_question_after_the_other_needs_one_connection(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        for _ in range(20):
            assert len(await _connections(ledger)) == 1
        with pytest.raises(psycopg.errors.DivisionByZero):
            await ledger.query("SELECT 1 / 0", {})
        assert len(await _connections(ledger)) == 1, "in the place of the one that failed"

    of(database, story)


def test_nobody_waits_for_ever_while_others_take_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(ledger: Ledger) -> None:
        monkeypatch.setattr(readers, "MAX_READERS", 1)
        monkeypatch.setattr(readers, "QUERY_PATIENCE_SECONDS", 0.2)
        long = asyncio.create_task(ledger.query("SELECT pg_sleep(0.6)", {}))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="too busy"):
            await ledger.query("SELECT 1", {})
        await long  # what is under way may take its time
        assert await ledger.query("SELECT 1", {}) == [(1,)]

    of(database, story)


def test_whoever_asks_while_it_ends_is_told_to_come_again(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        asked = [asyncio.create_task(ledger.query("SELECT pg_sleep(9)", {})) for _ in range(9)]
        with psycopg.connect(database.owner, autocommit=True) as watcher:

            def are_under_way() -> bool:
                return watcher.execute(_UNDER_WAY).fetchone() == (readers.MAX_READERS,)

            await asyncio.to_thread(wait_until, are_under_way)
        await ledger.aclose()
        told = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(one) for one in told} == {Unavailable}

    of(database, story)


async def _connections(ledger: Ledger) -> set[int]:
    """The server processes behind the connections of the application."""
    return {pid for (pid,) in await ledger.query(_CONNECTIONS, {})}


async def _give_up_on(task: "asyncio.Task[Any]", turns: int) -> None:
    """Cancel it as a server does whose client has gone: again and again until it ends."""
    for _ in range(turns):
        await asyncio.sleep(0)
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)
    with suppress(asyncio.CancelledError):
        await task
