"""`Ledger.execute`: idempotent, optimistic, durable; and the library on the same rows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.application import AggregateNotFoundError

from domain.access import ACCESS, IssueKey
from domain.complaint import COMPLAINT, UnknownComplaint
from domain.complaint.assessment import AcceptComplaint, AssessComplaint
from domain.complaint.contact import RecordContact
from domain.complaint.intake import AddDetail, RecordSourceFact, RegisterComplaint
from domain.complaint.vocabulary import Facts
from domain.kernel import Actor, Context, NotAllowedAtStage, Recorded, fold
from domain.rulebook.defaults import DEFAULT_RULES
from ledger.application import IdempotencyKeyReused, Ledger
from ledger.deciding import VersionConflict, WrongStream
from ledger.entry import Receipt
from ledger.ids import command_id, new_stream_id
from ledger.registry import Registry
from tests.conftest import Database
from tests.world import ASSESSED

REGISTER = RegisterComplaint(
    channel="phone", source_system="test", nature="complaint", origin="person"
)
ASSESS, ACCEPT = AssessComplaint(**ASSESSED), AcceptComplaint(unit_id="unit-1")
CONTACT = RecordContact(
    direction="inbound", channel="phone", party="customer", purpose="other", outcome="reached"
)


def context(key: str, principal: str = "agent-1") -> Context:
    return Context(
        now=datetime.now(UTC),
        actor=Actor(id=principal, kind="person", role="agent"),
        client_id="test",
        command_id=command_id(principal, key),
        rules=DEFAULT_RULES,
    )


@asynccontextmanager
async def ledger_of(database: Database) -> AsyncIterator[Ledger]:
    ledger = Ledger(database.app, Registry((*COMPLAINT.events, *ACCESS.events)))
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.aclose()


async def send(
    ledger: Ledger, stream_id: UUID, command: Any, key: str, said: bytes = b"", **options: Any
) -> Receipt:
    options |= {"digest": said or repr(command).encode()}
    return await ledger.execute(COMPLAINT, stream_id, command, context(key), **options)


async def registered(ledger: Ledger) -> Receipt:
    return await send(ledger, new_stream_id(), REGISTER, str(uuid4()), is_new=True, status=201)


def run(database: Database, story: Callable[[Ledger], Coroutine[Any, Any, None]]) -> None:
    async def told() -> None:
        async with ledger_of(database) as ledger:
            await story(ledger)

    asyncio.run(told())


def test_the_same_command_sent_again_gets_the_first_answer(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        first = await send(ledger, new_stream_id(), REGISTER, "k1", is_new=True, status=201)
        again = await send(ledger, new_stream_id(), REGISTER, "k1", is_new=True, status=201)
        assert again.is_replay
        assert not first.is_replay
        assert (again.stream_id, again.version, again.position, again.status) == (
            first.stream_id,
            first.version,
            first.position,
            201,
        )
        assert again.recorded_at == first.recorded_at
        assert again.events == ("ComplaintRegistered",)

    run(database, story)


def test_a_command_that_is_no_longer_allowed_still_gets_its_first_answer(
    database: Database,
) -> None:
    async def story(ledger: Ledger) -> None:
        receipt = await registered(ledger)
        await send(ledger, receipt.stream_id, ASSESS, "w0")
        first = await send(ledger, receipt.stream_id, ACCEPT, "w1")
        again = await send(ledger, receipt.stream_id, ACCEPT, "w1")
        assert again.is_replay
        assert again.version == first.version == 3
        with pytest.raises(NotAllowedAtStage):
            await send(ledger, receipt.stream_id, ACCEPT, "w2")

    run(database, story)


def test_a_key_used_for_something_else_is_refused(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        receipt = await registered(ledger)
        await send(ledger, receipt.stream_id, CONTACT, "k2", said=b"one")
        with pytest.raises(IdempotencyKeyReused):
            await send(ledger, receipt.stream_id, CONTACT, "k2", said=b"two")

    run(database, story)


def test_one_key_sent_fifty_times_at_once_has_one_effect(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        receipt = await registered(ledger)
        answers = await asyncio.gather(
            *(send(ledger, receipt.stream_id, CONTACT, "k3") for _ in range(50))
        )
        assert sum(not answer.is_replay for answer in answers) == 1
        assert {answer.version for answer in answers} == {2}
        assert len(await ledger.history(receipt.stream_id)) == 2

    run(database, story)


def test_fifty_callers_with_one_version_have_one_winner(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        receipt = await registered(ledger)
        answers = await asyncio.gather(
            *(
                send(ledger, receipt.stream_id, CONTACT, f"v{i}", expected_version=1)
                for i in range(50)
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, Receipt) for answer in answers) == 1
        assert sum(isinstance(answer, VersionConflict) for answer in answers) == 49

    run(database, story)


def test_callers_without_a_version_all_succeed_in_some_order(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        receipt = await registered(ledger)
        answers = await asyncio.gather(
            *(send(ledger, receipt.stream_id, CONTACT, f"n{i}") for i in range(30))
        )
        assert sorted(answer.version for answer in answers) == list(range(2, 32))

    run(database, story)


def test_an_accepted_command_that_recorded_nothing_is_remembered(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        receipt = await registered(ledger)
        fact = RecordSourceFact(name="timely", value="yes")
        await send(ledger, receipt.stream_id, fact, "f1")
        silent = await send(ledger, receipt.stream_id, fact, "f2")
        assert silent.events == ()
        assert silent.version == 2
        assert (await send(ledger, receipt.stream_id, fact, "f2")).is_replay
        with pytest.raises(IdempotencyKeyReused):
            await send(ledger, receipt.stream_id, fact, "f2", said=b"other")

    run(database, story)


def test_a_refused_command_leaves_nothing_and_may_be_sent_again(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        with pytest.raises(UnknownComplaint):
            await send(ledger, new_stream_id(), CONTACT, "r1")
        receipt = await registered(ledger)
        assert (await send(ledger, receipt.stream_id, CONTACT, "r1")).version == 2

    run(database, story)


def test_a_stream_of_another_kind_is_not_a_complaint(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        stream_id = new_stream_id()
        issue = IssueKey(key_id="abc", principal="p", role="agent")
        await ledger.execute(ACCESS, stream_id, issue, context("issue"), digest=b"i")
        with pytest.raises(WrongStream):
            await send(ledger, stream_id, CONTACT, "ws")

    run(database, story)


def test_the_library_reads_and_writes_the_same_rows(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        receipt = await registered(ledger)
        details = AddDetail(details=Facts(region="310000"))
        await send(ledger, receipt.stream_id, details, "lib")

        def project(state: Any, events: Any) -> Any:
            history = list(events)
            return fold(COMPLAINT, history, state) if history else state

        get = ledger.repository.get
        now = await asyncio.to_thread(get, receipt.stream_id, projector_func=project)
        then = await asyncio.to_thread(get, receipt.stream_id, version=1, projector_func=project)
        assert now.facts.region == "310000"
        assert then.facts.region is None
        with pytest.raises(AggregateNotFoundError):
            await asyncio.to_thread(get, uuid4(), projector_func=project)

        last = (await ledger.history(receipt.stream_id))[-1]
        saved = Recorded(
            partition=0,
            position=0,
            stream_id=receipt.stream_id,
            version=3,
            recorded_at=last.recorded_at,
            event=last.event,
            metadata=last.metadata,
        )
        recordings = await asyncio.to_thread(ledger.save, saved)
        history = await ledger.history(receipt.stream_id)
        assert [r.version for r in history] == [1, 2, 3]
        assert history[-1].position == recordings[0].notification.id
        assert history[-1].metadata == last.metadata
        log = await asyncio.to_thread(ledger.notification_log.select, history[0].position, 10)
        assert [n.topic for n in log][-1] == "DetailAdded"

    run(database, story)


def test_events_are_for_ever(database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        await registered(ledger)

    run(database, story)
    attempts = (
        "UPDATE ledger.events SET type = 'x'",
        "DELETE FROM ledger.events",
        "TRUNCATE ledger.events",
    )
    for login in (database.app, database.owner):
        for attempt in attempts:
            with (
                psycopg.connect(login) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(attempt)


def test_recorded_at_never_falls_when_the_clock_does(fresh_database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        first = await registered(ledger)
        with psycopg.connect(fresh_database.owner, autocommit=True) as owner:
            owner.execute(
                "CREATE OR REPLACE FUNCTION ledger.clock() RETURNS timestamptz"
                " LANGUAGE sql VOLATILE AS $$SELECT clock_timestamp() - interval '1 hour'$$"
            )
        second = await registered(ledger)
        assert second.position == first.position + 1
        assert second.recorded_at == first.recorded_at

    run(fresh_database, story)


def test_a_connection_cut_in_mid_work_loses_and_doubles_nothing(fresh_database: Database) -> None:
    async def story(ledger: Ledger) -> None:
        receipt = await registered(ledger)
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'closedloop_app' AND datname = current_database()"
        )

        async def keep_cutting() -> None:
            with psycopg.connect(fresh_database.superuser, autocommit=True) as superuser:
                for _ in range(10):
                    superuser.execute(cut)
                    await asyncio.sleep(0)
                    await send(ledger, receipt.stream_id, CONTACT, str(uuid4()))

        answers, _ = await asyncio.gather(
            asyncio.gather(
                *(send(ledger, receipt.stream_id, CONTACT, f"cut{i}") for i in range(40))
            ),
            keep_cutting(),
        )
        assert len(await ledger.history(receipt.stream_id)) == 51
        assert len({answer.version for answer in answers}) == 40

    run(fresh_database, story)
