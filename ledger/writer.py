"""The writer: one task per process and partition, owning its connection; appends what waits."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec
import psycopg

from ledger import database
from ledger.append import append
from ledger.entry import Entry, Outcome, Receipt

MAX_WAITING = 1024
MAX_WAITING_BYTES = 64 * 2**20
MAX_BATCH = 64
MAX_BATCH_BYTES = 4 * 2**20
GIVE_UP_AFTER_SECONDS = 10.0


class Unavailable(Exception):
    """The ledger cannot take the command at present; it may be sent again."""


class Waiting(NamedTuple):
    """An entry that somebody waits for."""

    entry: Entry
    size: int
    answer: asyncio.Future[Outcome]


class Writer:
    """Appends to one partition; commands that arrive in mid-transaction share the next one."""

    def __init__(
        self,
        uri: str,
        partition: int,
        *,
        role: str | None = None,
        on_append: Callable[[int, float], None] = lambda entries, seconds: None,
    ) -> None:
        """Append to this partition of the database at `uri`.

        `on_append` is told after each commit: how many entries shared it, how many seconds it took.
        """
        self._uri = uri
        self._on_append = on_append
        self._role = role
        self._partition = partition
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0  # of what waits
        self._arrived = asyncio.Event()
        self._failing_since: float | None = None
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many commands wait to be appended."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to append."""
        self._task = asyncio.create_task(self._serve(), name=f"writer-{self._partition}")

    async def close(self) -> None:
        """Stop; what still waits is refused, and may be sent again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        _fail(self._waiting, Unavailable("the ledger is shutting down"))
        self._waiting.clear()
        await self._disconnect()

    async def append(self, entry: Entry) -> Outcome:
        """Append one entry; returns when it is durable, or refused."""
        if self._task is None or self._task.done():
            raise Unavailable("the ledger is not open")
        size = sum(len(event.data) + len(event.metadata) for event in entry.events)
        if len(self._waiting) == MAX_WAITING or self._bytes + size > MAX_WAITING_BYTES:
            raise Unavailable(f"{len(self._waiting)} commands wait already")
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(entry, size, answer))
        self._bytes += size
        self._arrived.set()
        return await answer

    async def _serve(self) -> None:
        while True:
            await self._arrived.wait()
            batch = self._take()
            if not batch:
                self._arrived.clear()
                continue
            begun = time.monotonic()
            try:
                outcomes = await self._commit([waiting.entry for waiting in batch])
            except Exception as error:
                _fail(batch, error)
                continue
            except BaseException:
                _fail(batch, Unavailable("the ledger is shutting down"))
                raise
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(outcome)
            self._on_append(len(batch), time.monotonic() - begun)
            # Whoever was answered and goes on at once shares the next transaction: otherwise 64
            # callers would take turns in batches of 63 and of one.
            await asyncio.sleep(0)

    def _take(self) -> list[Waiting]:
        """The next batch of what waits, without those that nobody waits for any more."""
        batch: list[Waiting] = []
        room = MAX_BATCH_BYTES
        while self._waiting and len(batch) < MAX_BATCH and room > 0:
            waiting = self._waiting.popleft()
            self._bytes -= waiting.size
            if not waiting.answer.done():
                batch.append(waiting)
                room -= waiting.size
        return batch

    async def _commit(self, entries: list[Entry]) -> list[Outcome]:
        """Append in one transaction; a lost connection is resolved by the command ids.

        When the connection breaks after COMMIT was sent, nobody knows whether it took effect.
        The append is then sent again: it waits for the head, which the earlier transaction
        holds until it has ended either way, and finds its command ids if it had committed.
        """
        pause, is_retry = 0.02, False
        while True:
            begun = time.monotonic()
            try:
                if self._connection is None:
                    self._connection = await database.connect_writer(self._uri, role=self._role)
                with database.answered(self._connection):
                    outcomes = await database.run_async(
                        self._connection, append(self._partition, entries)
                    )
            except BaseException as error:
                await self._disconnect()
                if not database.passes(error):
                    raise
                self._failing_since = self._failing_since or begun
                if time.monotonic() - self._failing_since > GIVE_UP_AFTER_SECONDS:
                    raise Unavailable("the database takes nothing at present") from error
                is_retry = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
            else:
                self._failing_since = None
                return [_first_answer(o) for o in outcomes] if is_retry else outcomes

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _fail(batch: Iterable[Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)


def _first_answer(outcome: Outcome) -> Outcome:
    """After a retry, finding our own command means that the first attempt had committed."""
    if isinstance(outcome, Receipt):
        return msgspec.structs.replace(outcome, is_replay=False)
    return outcome
