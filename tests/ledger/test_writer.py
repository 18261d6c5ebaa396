"""The writer under pressure: too much at once, callers who leave, a head that somebody holds."""

import asyncio
import os
import signal
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.complaint import COMPLAINT
from domain.kernel import NotAllowedAtStage, fold
from ledger import database as connections
from ledger import states, writer
from ledger.application import Ledger
from ledger.entry import Receipt
from ledger.ids import new_stream_id
from ledger.statements import LOCK_HEAD
from ledger.writer import Unavailable
from tests.conftest import Database
from tests.ledger.test_execute import (
    ACCEPT,
    ASSESS,
    CONTACT,
    REGISTER,
    ledger_of,
    registered,
    run,
    send,
)
from tests.waiting import wait_until

_BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE %s"
    " AND pid <> pg_backend_pid()"
)


async def _new(ledger: Ledger, key: str) -> Receipt:
    return await send(ledger, new_stream_id(), REGISTER, key, is_new=True, status=201)


def _holding_the_head(database: Database) -> psycopg.Connection[tuple[object, ...]]:
    """Another process in mid-append."""
    holder = psycopg.connect(database.app)
    holder.execute(LOCK_HEAD, {"partition": 0})
    return holder


def test_what_does_not_fit_into_the_queue_is_refused_and_the_rest_is_appended(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 40)

    async def story(ledger: Ledger) -> None:
        answers = await asyncio.gather(
            *(_new(ledger, f"q{number}") for number in range(100)), return_exceptions=True
        )
        accepted = [answer for answer in answers if isinstance(answer, Receipt)]
        assert sum(isinstance(answer, Unavailable) for answer in answers) == 60
        assert [receipt.position for receipt in accepted] == list(range(1, 41))
        assert not (await _new(ledger, "q99")).is_replay, "refused means not recorded"

    run(fresh_database, story)


def test_the_queue_is_bounded_in_bytes_as_well(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING_BYTES", 4096)

    async def story(ledger: Ledger) -> None:
        answers = await asyncio.gather(
            *(_new(ledger, f"b{number}") for number in range(50)), return_exceptions=True
        )
        refused = sum(isinstance(answer, Unavailable) for answer in answers)
        assert 0 < refused < 50
        assert ledger.waiting == 0
        await _new(ledger, "b-later")

    run(database, story)


def test_callers_who_leave_hold_nobody_up(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        callers = [asyncio.create_task(_new(ledger, f"l{number}")) for number in range(60)]
        await asyncio.sleep(0)
        for number, caller in enumerate(callers):
            if number % 2:
                caller.cancel()
        answers = await asyncio.gather(*callers, return_exceptions=True)
        assert sum(isinstance(answer, Receipt) for answer in answers) == 30
        again = await asyncio.gather(*(_new(ledger, f"l{number}") for number in range(60)))
        assert len({receipt.position for receipt in again}) == 60

    run(database, story)


def test_while_somebody_holds_the_head_commands_are_refused_and_may_be_sent_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = connections._OPTIONS.replace("lock_timeout=2s", "lock_timeout=200ms")
    monkeypatch.setattr(connections, "_OPTIONS", soon)
    monkeypatch.setattr(writer, "GIVE_UP_AFTER_SECONDS", 0.1)

    async def story(ledger: Ledger) -> None:
        stream_id = (await registered(ledger)).stream_id
        with _holding_the_head(database):
            answers = await asyncio.gather(
                *(send(ledger, stream_id, CONTACT, f"h{number}") for number in range(3)),
                return_exceptions=True,
            )
        assert {type(answer) for answer in answers} == {Unavailable}
        assert len(await ledger.history(stream_id)) == 1
        again = await asyncio.gather(
            *(send(ledger, stream_id, CONTACT, f"h{number}") for number in range(3))
        )
        assert sorted(receipt.version for receipt in again) == [2, 3, 4]
        assert not any(receipt.is_replay for receipt in again)

    run(database, story)


def test_trouble_that_ended_in_an_error_is_not_held_against_what_comes_later(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next that is locked out for a moment, hours later, would be refused at once."""
    soon = connections._OPTIONS.replace("lock_timeout=2s", "lock_timeout=200ms")
    monkeypatch.setattr(connections, "_OPTIONS", soon)

    async def story(ledger: Ledger) -> None:
        stream_id = (await registered(ledger)).stream_id
        [at_work] = ledger._writers
        with (
            psycopg.connect(fresh_database.owner, autocommit=True) as owner,
            _holding_the_head(fresh_database) as holder,
        ):
            waits = asyncio.create_task(send(ledger, stream_id, CONTACT, "e"))
            await asyncio.to_thread(wait_until, lambda: at_work._failing_since)
            owner.execute("REVOKE UPDATE ON ledger.heads FROM closedloop_app")
            holder.rollback()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await waits
            assert at_work._failing_since is None
            owner.execute("GRANT UPDATE ON ledger.heads TO closedloop_app")
        assert (await send(ledger, stream_id, CONTACT, "e")).version == 2

    run(fresh_database, story)


def test_a_process_that_stops_while_it_holds_the_head_loses_it(
    fresh_database: Database,
) -> None:
    async def story(ledger: Ledger) -> None:
        await registered(ledger)
        stopped = await connections.connect_writer(fresh_database.app)
        await stopped.execute("SET idle_in_transaction_session_timeout = '0.3s'")
        await stopped.execute("BEGIN")
        await stopped.execute(LOCK_HEAD, {"partition": 0})
        assert (await registered(ledger)).position == 2
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout) as lost:
            await stopped.execute("COMMIT")
        assert connections.passes(lost.value), "what it wanted to append, it may try again"
        await stopped.close()

    run(fresh_database, story)


def test_a_server_that_falls_silent_is_left_for_another_connection(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ANSWER_WITHIN_SECONDS", 0.3)

    async def story(ledger: Ledger) -> None:
        stream_id = (await registered(ledger)).stream_id
        with psycopg.connect(fresh_database.superuser, autocommit=True) as superuser:
            [(silent,)] = superuser.execute(_BACKENDS, ("%UPDATE ledger.heads%",)).fetchall()
            os.kill(silent, signal.SIGSTOP)
            try:
                receipt = await send(ledger, stream_id, CONTACT, "silent")
            finally:
                os.kill(silent, signal.SIGCONT)
            gone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s"
            wait_until(lambda: superuser.execute(gone, (silent,)).fetchone() == (True,))
        assert receipt.version == 2
        assert len(await ledger.history(stream_id)) == 2

    run(fresh_database, story)


def test_who_waits_in_vain_is_freed_whatever_became_of_other_connections(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ANSWER_WITHIN_SECONDS", 0.3)

    async def story() -> None:
        gone, waiting, later = [
            await connections.connect_async(fresh_database.app) for _ in range(3)
        ]
        await gone.close()
        with (
            connections.Answered(gone),
            connections.Answered(waiting),
            pytest.raises(psycopg.OperationalError) as cut,
        ):
            await waiting.execute("SELECT pg_sleep(10)")
        assert not isinstance(cut.value, psycopg.errors.QueryCanceled)
        with connections.Answered(later), pytest.raises(psycopg.OperationalError) as cut:
            await later.execute("SELECT pg_sleep(10)")
        assert not isinstance(cut.value, psycopg.errors.QueryCanceled)

    asyncio.run(story())


def test_what_is_remembered_of_a_long_stream_never_decides_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "MIN_EVENTS", 2)

    async def story(ledger: Ledger) -> None:
        stream_id = (await registered(ledger)).stream_id
        for _ in range(5):
            await send(ledger, stream_id, CONTACT, str(uuid4()))
        async with ledger_of(database) as other:
            await send(other, stream_id, ASSESS, str(uuid4()))
            await send(other, stream_id, ACCEPT, str(uuid4()))
            with pytest.raises(NotAllowedAtStage):  # another process wrote in between
                await send(ledger, stream_id, ACCEPT, str(uuid4()))
            answers = await asyncio.gather(
                *(
                    send(one, stream_id, CONTACT, str(uuid4()))
                    for one in (ledger, other)
                    for _ in range(20)
                )
            )
        assert sorted(receipt.version for receipt in answers) == list(range(9, 49))
        base = ledger._states.get(COMPLAINT, stream_id)
        history = await ledger.history(stream_id, version=base.version)
        assert base.version > 9
        assert base.state == fold(COMPLAINT, history)

    run(database, story)


def test_only_so_many_states_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "MAX_EVENTS", 1000)
    kept, streams = states.States(), [UUID(int=number) for number in range(5)]
    for stream in streams:
        kept.keep(COMPLAINT, stream, states.Baseline(400, COMPLAINT.initial))
    assert [kept.get(COMPLAINT, stream).version for stream in streams] == [0, 0, 0, 400, 400]
    kept.keep(COMPLAINT, streams[0], states.Baseline(99, COMPLAINT.initial))
    assert kept.get(COMPLAINT, streams[0]).version == 0, "short streams are not worth it"
