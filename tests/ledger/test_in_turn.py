"""Commands on one stream take turns: first come, first served, and nothing is decided in vain."""

import asyncio
from uuid import uuid4

import pytest

from ledger import in_turn
from ledger.application import Ledger
from ledger.in_turn import Turns
from ledger.writer import Unavailable
from tests.conftest import Database
from tests.ledger.test_execute import CONTACT, ledger_of, registered, run, send

MANY = 80  # more than a command that conflicts is tried again


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


def test_many_on_one_stream_in_two_processes_are_all_carried_out(fresh_database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        stream_id = (await registered(ledger)).stream_id
        async with ledger_of(fresh_database) as other:
            receipts = await asyncio.gather(
                *(
                    send(where, stream_id, CONTACT, f"{name}{number}")
                    for number in range(MANY)
                    for name, where in (("a", ledger), ("b", other))
                )
            )
        assert sorted(receipt.version for receipt in receipts) == list(range(2, 2 * MANY + 2))

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
