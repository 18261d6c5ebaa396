"""Reading from the ledger: whoever stops waiting takes no connection along."""

import asyncio
from contextlib import suppress
from typing import Any

from domain.complaint import COMPLAINT
from ledger.application import Ledger
from ledger.registry import Registry
from tests.conftest import Database

_SLOW = "SELECT pg_sleep(0.05)"
_CONNECTIONS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
)


def test_whoever_stops_waiting_for_an_answer_breaks_no_connection(database: Database) -> None:
    async def story() -> None:
        ledger = Ledger(database.app, Registry(COMPLAINT.events))
        await ledger.open()
        try:
            await asyncio.gather(*[ledger.query(_SLOW, {}) for _ in range(8)])
            before = await _connections(ledger)
            for turns in range(24):
                await _give_up_on(asyncio.create_task(ledger.query(_SLOW, {})), turns)
            assert before <= await _connections(ledger)
        finally:
            await ledger.aclose()

    asyncio.run(story())


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
