"""Commands on one stream take turns: first come, first served, and nothing is decided in vain."""

import asyncio
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from domain.kernel import NotAllowedAtStage
from ledger import application, in_turn
from ledger import database as connections
from ledger.application import IdempotencyKeyReused, Ledger
from ledger.deciding import VersionConflict
from ledger.in_turn import Turns
from ledger.statements import LOCK_HEAD
from ledger.writer import Unavailable
from tests.conftest import Database
from tests.ledger.test_execute import ACCEPT, CONTACT, ledger_of, registered, run, send

MANY = 80


def test_many_on_one_stream_are_carried_out_in_the_order_in_which_they_came(
    fresh_database: Database,
) -> None:
    async def story(ledger: Ledger) -> None:
        stream_id = (await registered(ledger)).stream_id
        appended: list[int] = []
        ledger.on_commit = lambda entries, seconds: appended.append(entries)
        receipts = await asyncio.gather(
            *(send(ledger, stream_id, CONTACT, f"c{number}") for number in range(MANY))
        )
        assert [receipt.version for receipt in receipts] == list(range(2, MANY + 2))
        assert sum(appended) == MANY, "none was decided on what another had changed already"

    run(fresh_database, story)


def test_a_slower_process_is_served_beside_a_busy_one(fresh_database: Database) -> None:
    """The slower one always comes second; in the end it decides while nobody else can append."""

    async def story(ledger: Ledger) -> None:
        stream_id, served = (await registered(ledger)).stream_id, 0
        async with ledger_of(fresh_database) as slower:
            query = slower._readers.query

            async def slowly(*asked: Any) -> Any:
                await asyncio.sleep(0.005)
                return await query(*asked)

            slower._readers.query = slowly

            async def go_on(caller: int) -> None:
                while served < MANY:
                    await send(ledger, stream_id, CONTACT, f"{caller}-{uuid4()}")

            busy = [asyncio.create_task(go_on(caller)) for caller in range(4)]
            for served in range(1, MANY + 1):
                await send(slower, stream_id, CONTACT, f"s{served}")
            await asyncio.gather(*busy)

    run(fresh_database, story)


def test_who_insists_is_told_what_everybody_is_told(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "MAX_ATTEMPTS", 0)
    soon = connections._OPTIONS.replace("lock_timeout=2s", "lock_timeout=200ms")
    monkeypatch.setattr(connections, "_OPTIONS", soon)

    async def story(ledger: Ledger) -> None:
        first = await registered(ledger)
        stream_id, woken = first.stream_id, []
        ledger._on_append = lambda: woken.append(True)
        contact = await send(ledger, stream_id, CONTACT, "c")
        assert (contact.version, contact.is_replay, woken) == (2, False, [True])
        assert (await send(ledger, stream_id, CONTACT, "c")).is_replay
        with pytest.raises(IdempotencyKeyReused):
            await send(ledger, stream_id, CONTACT, "c", said=b"another")
        with pytest.raises(NotAllowedAtStage):
            await send(ledger, stream_id, ACCEPT, "a")
        with pytest.raises(VersionConflict):
            await send(ledger, stream_id, CONTACT, "v", expected_version=1)
        with psycopg.connect(fresh_database.app) as holder:
            holder.execute(LOCK_HEAD, {"partition": 0})
            with pytest.raises(Unavailable):
                await send(ledger, stream_id, CONTACT, "l")
        assert (await send(ledger, stream_id, CONTACT, "l")).version == 3
        assert len(await ledger.history(stream_id)) == 3

    run(fresh_database, story)


def test_turns_are_passed_on_by_who_fails_who_leaves_and_who_no_longer_waits() -> None:
    async def story() -> None:
        turns, stream, other, done = Turns(), uuid4(), uuid4(), list[str]()
        go_on = asyncio.Event()

        async def act(name: str, error: type[Exception] | None = None) -> None:
            async with turns.of(stream):
                await go_on.wait()
                done.append(name)
                if error is not None:
                    raise error

        tasks = [asyncio.create_task(act(name)) for name in "abc"]
        tasks.insert(2, asyncio.create_task(act("failing", ValueError)))
        tasks.append(asyncio.create_task(act("d")))
        await asyncio.sleep(0)
        tasks[0].cancel()  # in its turn
        tasks[3].cancel()  # before it
        async with turns.of(other):
            pass  # has nothing to do with it
        go_on.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert done == ["b", "failing", "d"]
        assert [type(outcome) for outcome in outcomes] == [
            asyncio.CancelledError,
            type(None),
            ValueError,
            asyncio.CancelledError,
            type(None),
        ]
        assert len(turns) == 0, "nothing is kept of streams that nobody works on"

    asyncio.run(story())


def test_nobody_waits_for_a_turn_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_turn, "GIVE_UP_AFTER_SECONDS", 0.05)

    async def story() -> None:
        turns, stream = Turns(), uuid4()
        async with turns.of(stream):
            with pytest.raises(Unavailable):
                async with turns.of(stream):
                    pass
        assert len(turns) == 0

    asyncio.run(story())
