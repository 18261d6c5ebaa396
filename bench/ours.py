"""Our side: commands through `Ledger.execute`, on a loop like the server's."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import uvloop

from bench.places import Database
from domain.complaint import COMPLAINT
from domain.complaint.contact import RecordContact
from domain.complaint.intake import RegisterComplaint
from domain.kernel import Actor, Context, fold
from domain.rulebook.defaults import DEFAULT_RULES
from ledger.application import Ledger
from ledger.ids import command_id, new_stream_id
from ledger.registry import Registry

REGISTER = RegisterComplaint(
    channel="phone",
    source_system="bench",
    nature="complaint",
    origin="person",
    narrative="The new air conditioner does not cool. " * 4,
)
CONTACT = RecordContact(
    direction="inbound", channel="phone", party="customer", purpose="other", outcome="reached"
)
_runs = itertools.count(1)


def context(key: str) -> Context:
    """What a command of the bench is decided with."""
    return Context(
        now=datetime.now(UTC),
        actor=Actor(id="bench", kind="person", role="agent"),
        client_id="bench",
        command_id=command_id("bench", key),
        rules=DEFAULT_RULES,
    )


async def _register(ledger: Ledger, key: str) -> UUID:
    stream_id = new_stream_id()
    await ledger.execute(
        COMPLAINT, stream_id, REGISTER, context(key), digest=b"bench", is_new=True, status=201
    )
    return stream_id


async def _commands_per_second(ledger: Ledger, commands: int, callers: int) -> float:
    run = next(_runs)
    numbers = iter(range(commands))

    async def caller() -> None:
        for number in numbers:
            await _register(ledger, f"{run}/{number}")

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return commands / (time.perf_counter() - started)


async def _latency_ms(ledger: Ledger, commands: int) -> float:
    run = next(_runs)
    times = []
    for number in range(commands):
        started = time.perf_counter()
        await _register(ledger, f"{run}/{number}")
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


async def _stream_of(ledger: Ledger, events: int) -> UUID:
    run = next(_runs)
    stream_id = await _register(ledger, f"{run}/stream")
    for number in range(events - 1):
        await ledger.execute(
            COMPLAINT, stream_id, CONTACT, context(f"{run}/contact/{number}"), digest=b"bench"
        )
    return stream_id


async def _load_ms(ledger: Ledger, events: int, loads: int) -> float:
    stream_id = await _stream_of(ledger, events)
    times = []
    for _ in range(loads):
        started = time.perf_counter()
        fold(COMPLAINT, await ledger.history(stream_id))
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


class Ours:
    """An open ledger with a loop of its own, for measurements one after the other."""

    def __init__(self, ledger: Ledger, loop: asyncio.Runner) -> None:
        """Measure this ledger, which is open in this loop."""
        self._ledger = ledger
        self._loop = loop

    def commands_per_second(self, commands: int, callers: int) -> float:
        """Durable registrations a second, with so many callers waiting at a time."""
        return self._loop.run(_commands_per_second(self._ledger, commands, callers))

    def latency_ms(self, commands: int) -> float:
        """The median time of one command with nobody else about."""
        return self._loop.run(_latency_ms(self._ledger, commands))

    def load_ms(self, events: int, loads: int) -> float:
        """The median time to load and fold a stream of so many events."""
        return self._loop.run(_load_ms(self._ledger, events, loads))


@contextmanager
def open_ours(database: Database) -> Iterator[Ours]:
    """The ledger of a database, as the server opens it."""
    ledger = Ledger(database.app, Registry(COMPLAINT.events))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(ledger.open())
        try:
            yield Ours(ledger, loop)
        finally:
            loop.run(ledger.aclose())
