"""Reading from the ledger: who stops waiting disturbs nobody else, and nobody waits for ever."""

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

_SLOW = "SELECT pg_sleep(0.05)"
_CONNECTIONS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
)


def of(database: Database, story: Callable[[Ledger], Awaitable[None]]) -> None:
    async def told() -> None:
        ledger = Ledger(database.app, Registry(COMPLAINT.events))
        await ledger.open()
        try:
            await story(ledger)
        finally:
            await ledger.aclose()

    asyncio.run(told())


def test_whoever_stops_waiting_loses_no_connection_but_their_own(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        others = [
            asyncio.create_task(ledger.query("SELECT 4 FROM pg_sleep(1)", {})) for _ in range(4)
        ]
        for turns in range(24):
            await _give_up_on(asyncio.create_task(ledger.query(_SLOW, {})), turns)
        assert await asyncio.gather(*others) == [[(4,)]] * 4
        assert len(await _connections(ledger)) <= readers.MAX_READERS
        await asyncio.gather(*[ledger.query(_SLOW, {}) for _ in range(3 * readers.MAX_READERS)])
        assert len(await _connections(ledger)) == readers.MAX_READERS

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
    monkeypatch.setattr(readers, "MAX_READERS", 1)

    async def story(ledger: Ledger) -> None:
        monkeypatch.setattr(readers, "QUERY_PATIENCE_SECONDS", 0.2)
        long = asyncio.create_task(ledger.query("SELECT pg_sleep(0.6)", {}))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="busy"):
            await ledger.query("SELECT 1", {})
        await long  # what is under way may take its time
        assert await ledger.query("SELECT 1", {}) == [(1,)]

    of(database, story)


def test_what_is_asked_after_the_end_is_refused(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        under_way = asyncio.create_task(ledger.query("SELECT 4 FROM pg_sleep(0.05)", {}))
        await asyncio.sleep(0)
        await ledger.aclose()
        with pytest.raises(Unavailable, match="shutting down"):
            await ledger.query("SELECT 1", {})
        assert await under_way == [(4,)], "what was under way is answered"

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
