"""Our side of the figures: commands through `Ledger.execute`."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID

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
_run = 0


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


async def commands_per_second(ledger: Ledger, commands: int, callers: int) -> float:
    """Durable registrations a second, with so many callers waiting at a time."""
    global _run
    _run += 1
    numbers = iter(range(commands))

    async def caller() -> None:
        for number in numbers:
            await _register(ledger, f"{_run}/{number}")

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return commands / (time.perf_counter() - started)


async def latency_ms(ledger: Ledger, commands: int) -> float:
    """The median time of one command with nobody else about, in milliseconds."""
    global _run
    _run += 1
    times = []
    for number in range(commands):
        started = time.perf_counter()
        await _register(ledger, f"{_run}/{number}")
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2] * 1000


async def stream_of(ledger: Ledger, events: int) -> UUID:
    """A complaint with so many events."""
    stream_id = await _register(ledger, f"stream/{events}")
    for number in range(events - 1):
        await ledger.execute(
            COMPLAINT, stream_id, CONTACT, context(f"contact/{number}"), digest=b"bench"
        )
    return stream_id


async def load_ms(ledger: Ledger, stream_id: UUID, loads: int) -> float:
    """The median time to load and fold a stream, in milliseconds."""
    times = []
    for _ in range(loads):
        started = time.perf_counter()
        fold(COMPLAINT, await ledger.history(stream_id))
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2] * 1000


def ledger_of(uri: str) -> Ledger:
    """The ledger that is measured."""
    return Ledger(uri, Registry(COMPLAINT.events))
