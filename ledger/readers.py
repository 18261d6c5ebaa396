"""Reading: connections that each have a task of their own, and queries that outlive broken ones.

Whoever asks only waits for an answer: if they stop waiting, such as the request of a client that
has gone, no statement is broken off and no connection is lost (tests/ledger/test_queries.py). A
pool, and a task around each statement to shield it, cost as much again as the statement.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg

from ledger import database
from ledger.writer import Unavailable

QUERY_PATIENCE_SECONDS = 5.0
MAX_READERS = 8

Rows = Sequence[tuple[Any, ...]]


class Question(NamedTuple):
    """A statement, and who waits for its answer."""

    statement: str
    params: dict[str, Any]
    answer: asyncio.Future[Rows]
    deadline: float  # of the loop's clock: no attempt begins after it
    alarm: asyncio.TimerHandle  # tells whoever waits, unless an attempt is under way


class Readers:
    """The connections that a process reads through: one at first, more as they are needed."""

    def __init__(self, uri: str, role: str | None) -> None:
        """Read the database at `uri`, acting as `role` where one is given; no I/O yet."""
        self._uri = uri
        self._role = role
        self._questions: asyncio.Queue[Question] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = 0

    async def close(self) -> None:
        """Disconnect; what still waits is refused, and may be asked again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while not self._questions.empty():
            _refuse(self._questions.get_nowait().answer, Unavailable("the ledger is shutting down"))

    async def query(self, statement: str, params: dict[str, Any]) -> Rows:
        """Run one statement; while connections break, another is made, for a while."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Rows] = loop.create_future()
        deadline = loop.time() + QUERY_PATIENCE_SECONDS
        alarm = loop.call_at(deadline, _refuse, answer, Unavailable("the database is too busy"))
        self._questions.put_nowait(Question(statement, params, answer, deadline, alarm))
        if self._questions.qsize() > self._idle and len(self._tasks) < MAX_READERS:
            task = asyncio.create_task(self._read(), name="reader")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            return await answer
        finally:
            alarm.cancel()

    async def _read(self) -> None:
        """Answer one question after the other, by a connection of its own."""
        async with Reader(self._uri, self._role) as reader:
            while True:
                self._idle += 1
                question = await self._questions.get()
                self._idle -= 1
                try:
                    await reader.answer(question)
                except BaseException:
                    _refuse(question.answer, Unavailable("the ledger is shutting down"))
                    raise


class Reader:
    """Answers questions by one connection; by another in its place if it breaks."""

    def __init__(self, uri: str, role: str | None) -> None:
        """Connect when it is asked."""
        self._uri = uri
        self._role = role
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def __aenter__(self) -> "Reader":
        """Be there to be asked."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Disconnect."""
        await self._disconnect()

    async def answer(self, question: Question) -> None:
        """Answer a question, or refuse it, if somebody still waits."""
        loop, pause = asyncio.get_running_loop(), 0.01
        while not question.answer.done():
            try:
                rows = await self._rows(question)
            except database.TRANSIENT as error:
                await self._disconnect()
                if loop.time() > question.deadline:
                    _refuse(question.answer, Unavailable("the database does not answer"), error)
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.5)
            except Exception as error:
                await self._disconnect()
                _refuse(question.answer, error)
            else:
                if not question.answer.done():
                    question.answer.set_result(rows)

    async def _rows(self, question: Question) -> Rows:
        if self._connection is None:
            self._connection = await database.connect_async(self._uri, role=self._role)
        question.alarm.cancel()
        with database.answered(self._connection):
            cursor = await self._connection.execute(
                question.statement, question.params, prepare=True, binary=True
            )
            return await cursor.fetchall()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _refuse(
    answer: asyncio.Future[Rows], error: Exception, cause: BaseException | None = None
) -> None:
    """Say why there is no answer, if somebody still waits for one."""
    if not answer.done():
        error.__cause__ = cause
        answer.set_exception(error)
