"""The writer: one task per process and partition, owning its connection; appends what waits."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg

from ledger import database
from ledger.append import append
from ledger.entry import Entry, Outcome, Receipt

MAX_WAITING = 1024
MAX_BATCH = 64
GIVE_UP_AFTER_SECONDS = 10.0


class Unavailable(Exception):
    """The ledger cannot take the command at present; it may be sent again."""


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
        self._waiting: asyncio.Queue[tuple[Entry, asyncio.Future[Outcome]]] = asyncio.Queue(
            MAX_WAITING
        )
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many commands wait to be appended."""
        return self._waiting.qsize()

    def start(self) -> None:
        """Begin to append."""
        self._task = asyncio.create_task(self._serve(), name=f"writer-{self._partition}")

    async def close(self) -> None:
        """Stop; what still waits is refused, and may be sent again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        while not self._waiting.empty():
            _, future = self._waiting.get_nowait()
            if not future.done():
                future.set_exception(Unavailable("the ledger is shutting down"))
        await self._disconnect()

    async def append(self, entry: Entry) -> Outcome:
        """Append one entry; returns when it is durable, or refused."""
        if self._task is None or self._task.done():
            raise Unavailable("the ledger is not open")
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put_nowait((entry, future))
        except asyncio.QueueFull:
            raise Unavailable(f"more than {MAX_WAITING} commands wait already") from None
        return await future

    async def _serve(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < MAX_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            begun = time.monotonic()
            try:
                outcomes = await self._commit([entry for entry, _ in batch])
            except BaseException as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(_told(error))
                if not isinstance(error, Exception):
                    raise
                continue
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)
            self._on_append(len(batch), time.monotonic() - begun)

    async def _commit(self, entries: list[Entry]) -> list[Outcome]:
        """Append in one transaction; a lost connection is resolved by the command ids.

        When the connection breaks after COMMIT was sent, nobody knows whether it took effect.
        The append is then sent again: it waits for the head, which the earlier transaction
        holds until it has ended either way, and finds its command ids if it had committed.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GIVE_UP_AFTER_SECONDS
        pause, is_retry = 0.02, False
        while True:
            try:
                if self._connection is None:
                    self._connection = await database.connect_writer(self._uri, role=self._role)
                outcomes = await database.run_async(
                    self._connection, append(self._partition, entries)
                )
            except database.TRANSIENT as error:
                await self._disconnect()
                if loop.time() > deadline:
                    raise Unavailable("the database does not answer") from error
                is_retry = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
            else:
                return [_first_answer(o) for o in outcomes] if is_retry else outcomes

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


def _first_answer(outcome: Outcome) -> Outcome:
    """After a retry, finding our own command means that the first attempt had committed."""
    if isinstance(outcome, Receipt):
        return msgspec.structs.replace(outcome, is_replay=False)
    return outcome


def _told(error: BaseException) -> BaseException:
    if isinstance(error, asyncio.CancelledError):
        return Unavailable("the ledger is shutting down")
    return error
