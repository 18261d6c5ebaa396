"""The writer: one task per process and partition, owning its connection; appends what waits."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import psycopg

from ledger import database
from ledger.append import append
from ledger.entry import Entry, Outcome, Receipt

MAX_WAITING = 4096
MAX_WAITING_BYTES = 64 * 2**20
MAX_BATCH = 128
MAX_BATCH_BYTES = 4 * 2**20
GIVE_UP_AFTER_SECONDS = 10.0


class Unavailable(Exception):
    """The ledger cannot take the command at present; it may be sent again."""


class Waiting(NamedTuple):
    """Entries that somebody waits for; they travel together."""

    entries: Sequence[Entry]
    size: int
    answer: asyncio.Future[list[Outcome]]


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
        self._entries = self._bytes = 0  # of what waits
        self._arrived = asyncio.Event()
        self._failing_since: float | None = None
        self._cursor: psycopg.AsyncCursor[Any] | None = None  # of its only connection
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many commands wait to be appended."""
        return self._entries

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
        self._entries = self._bytes = 0
        await self._disconnect()

    async def append(self, entry: Entry) -> Outcome:
        """Append one entry; returns when it is durable, or refused."""
        [outcome] = await self.append_all([entry])
        return outcome

    async def append_all(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Append entries in one transaction; returns when each is durable, or refused.

        They are at most `MAX_BATCH`: whoever has more lets others have their turn.
        """
        if self._task is None or self._task.done():
            raise Unavailable("the ledger is not open")
        size = 0
        for entry in entries:
            for event in entry.events:
                size += len(event.data) + len(event.metadata)
        too_many = self._entries + len(entries) > MAX_WAITING
        if too_many or self._bytes + size > MAX_WAITING_BYTES:
            raise Unavailable(f"{self._entries} commands wait already")
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(entries, size, answer))
        self._entries += len(entries)
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
                outcomes = await self._commit([entry for one in batch for entry in one.entries])
            except Exception as error:
                _fail(batch, error)
                continue
            except BaseException:
                _fail(batch, Unavailable("the ledger is shutting down"))
                raise
            told = 0
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_result(outcomes[told : told + len(waiting.entries)])
                told += len(waiting.entries)
            self._on_append(told, time.monotonic() - begun)
            # Whoever was answered and goes on at once shares the next transaction: otherwise 64
            # callers would take turns in batches of 63 and of one.
            await asyncio.sleep(0)

    def _take(self) -> list[Waiting]:
        """The next batch of what waits, without those that nobody waits for any more."""
        batch: list[Waiting] = []
        entries, room = MAX_BATCH, MAX_BATCH_BYTES
        while self._waiting and entries > 0 and room > 0:
            waiting = self._waiting.popleft()
            self._entries -= len(waiting.entries)
            self._bytes -= waiting.size
            if not waiting.answer.done():
                batch.append(waiting)
                entries -= len(waiting.entries)
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
                if self._cursor is None:
                    connection = await database.connect_writer(self._uri, role=self._role)
                    self._cursor = connection.cursor(binary=True)
                with database.Answered(self._cursor.connection):
                    outcomes = await database.run_async(
                        self._cursor, append(self._partition, entries)
                    )
            except BaseException as error:
                await self._disconnect()
                if not database.passes(error):
                    self._failing_since = None  # the database answers again
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
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            await cursor.connection.close()


def _fail(batch: Iterable[Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)


def _first_answer(outcome: Outcome) -> Outcome:
    """After a retry, finding our own command means that the first attempt had committed."""
    if isinstance(outcome, Receipt):
        return msgspec.structs.replace(outcome, is_replay=False)
    return outcome
