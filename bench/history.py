"""A ledger of any length, made by telling simulated complaints again and again.

A hundred complaints are simulated once, with all that follows from them. Every copy has
streams, complaints and customers of its own and begins a day after the one before, so that
the events of thousands of open complaints lie interleaved in time, as in a real ledger. The same
plan gives the same events to the last byte, but for what is drawn anew (ids within the events).
"""

import asyncio
import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg

from api.app import services
from api.client import Client
from api.desk import Order
from api.others import customer_stream
from api.registry import registry
from api.simulation import plan, simulate
from bench.places import SECRET, Database
from domain.customer import CUSTOMER
from domain.kernel import Recorded, Rejected
from domain.policies import ALL_POLICIES
from ledger.application import Ledger
from ledger.registry import COLUMNS, StoredRow
from projections import all_views
from projections.engine import Runner

COMPLAINTS, SEED = 100, 11  # a hundred have every story
UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN = timedelta(days=1)
"""A copy begins so long after the one before: a hundred complaints a day."""
_REFUSED_EACH = 15  # one order in so many complaints is refused, and leaves its trace
_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CUSTOMER = b"demo-customer-"
_RECORDED_FROM = datetime(2026, 1, 2, tzinfo=UTC)


class Row(NamedTuple):
    """What a copy says of one event; the ledger gives it a position and a time of recording."""

    stream_id: UUID
    version: int
    type: str
    schema_version: int
    data: bytes
    metadata: bytes


class _Told(NamedTuple):
    """One event of the original: when, in which stream, and its data cut where ids stand."""

    at: datetime
    stream: int
    version: int
    type: str
    schema_version: int
    parts: tuple[bytes | int, ...]  # a number is a stream; a text that ends in `_CUSTOMER` a name
    metadata: bytes


class History:
    """The complaints that are told again and again."""

    def __init__(self, rows: Sequence[StoredRow]) -> None:
        """Take the rows of the ledger of the original, in the order of positions."""
        decode = registry().decode
        self._streams: dict[UUID, int] = {}
        self._names: dict[int, str] = {}  # of streams of customers
        self._first: dict[int, datetime] = {}
        last: dict[int, datetime] = {}
        for row in rows:
            self._streams.setdefault(row.stream_id, len(self._streams))
        told = []
        for row in rows:
            recorded: Recorded[Any] = decode(row)
            stream = self._streams[row.stream_id]
            if type(recorded.event) in CUSTOMER.events:
                self._names[stream] = recorded.event.customer_id
            # What nobody told the time of followed at once; nothing precedes what it builds on.
            at = recorded.metadata.occurred_at or last.get(stream, UNTIL)
            at = last[stream] = max(at, last.get(stream, at))
            self._first.setdefault(stream, at)
            told.append(
                _Told(at, stream, row.version, row.type, row.schema_version,
                      self._parts(row.data), row.metadata)
            )  # fmt: skip
        self._told = sorted(told, key=lambda one: one.at)  # stable: versions stay in order

    def __len__(self) -> int:
        """How many events one copy has."""
        return len(self._told)

    def copy(self, number: int) -> Iterator[Row]:
        """The events of one copy, in the order in which they happen."""
        ids = [self._id(stream, number) for stream in range(len(self._streams))]
        texts = [str(one).encode() for one in ids]
        for told in self._told:
            yield _row(told, number, ids, texts)

    def events(self, count: int) -> Iterator[Row]:
        """So many events of as many copies as it takes, interleaved by time."""
        first = min(self._first.values())
        # No copy that begins after the last event is needed, and each holds at least one event.
        copies = count // len(self._told) + 2 + int((UNTIL - first) / BETWEEN)

        def told(number: int) -> Iterator[tuple[datetime, int, int, Row]]:
            shift = BETWEEN * number
            for index, (one, row) in enumerate(zip(self._told, self.copy(number), strict=True)):
                yield one.at + shift, number, index, row

        merged = heapq.merge(*(told(number) for number in range(copies)))
        return (row for _, _, _, row in islice(merged, count))

    def _parts(self, data: bytes) -> tuple[bytes | int, ...]:
        parts: list[bytes | int] = []
        end = 0
        for match in _ID.finditer(data):
            stream = self._streams.get(UUID(match[0].decode()))
            if stream is not None:
                parts += [data[end : match.start()], stream]
                end = match.end()
        return (*parts, data[end:])

    def _id(self, stream: int, number: int) -> UUID:
        """The id of a stream in a copy, shaped like one of the time at which the stream begins."""
        if stream in self._names:
            name = _renamed(self._names[stream].encode(), number)
            return customer_stream(name.decode())
        at = self._first[stream] + BETWEEN * number
        chance = blake2b(b"%d:%d" % (stream, number), digest_size=10).digest()
        raw = bytearray(int(at.timestamp() * 1000).to_bytes(6, "big") + chance)
        raw[6] = 0x70 | (raw[6] & 0x0F)
        raw[8] = 0x80 | (raw[8] & 0x3F)
        return UUID(bytes=bytes(raw))


def _renamed(text: bytes, number: int) -> bytes:
    return text.replace(_CUSTOMER, b"%s%d-" % (_CUSTOMER, number))


def _row(told: _Told, number: int, ids: Sequence[UUID], texts: Sequence[bytes]) -> Row:
    data = b"".join(
        texts[part] if isinstance(part, int) else _renamed(part, number) for part in told.parts
    )
    return Row(ids[told.stream], told.version, told.type, told.schema_version, data, told.metadata)


# --- the original ---------------------------------------------------------------------------


def original(database: Database, complaints: int = COMPLAINTS) -> History:
    """Simulate the complaints in an empty database, and let the policies say their word."""
    asyncio.run(_simulate(database, complaints))
    views = all_views(SECRET)
    Runner(database.app, None, registry(), views, ALL_POLICIES, secret=SECRET).catch_up()
    with psycopg.connect(database.owner) as connection:
        rows = connection.execute(f"SELECT {COLUMNS} FROM ledger.events ORDER BY position")
        return History([StoredRow(*row) for row in rows])


async def _simulate(database: Database, complaints: int) -> None:
    ledger = Ledger(database.app, registry())
    await ledger.open()
    try:
        desk = services(ledger, SECRET).desk
        await simulate(desk, complaints=complaints, seed=SEED, until=UNTIL)
        reader = Client(principal="bench", client_id="bench", role="reader")
        for scenario in plan(SEED, complaints, UNTIL)[::_REFUSED_EACH]:
            step = scenario.steps[0]
            body = msgspec.json.encode(step.body)
            order = Order(command=step.command, body=body, key=f"refused:{step.key}")
            try:
                await desk.take(order, reader)
            except Rejected:
                continue  # as it should be: the refusal is what we are after
            raise AssertionError("a reader may not register complaints")
    finally:
        await ledger.aclose()


# --- writing it down ------------------------------------------------------------------------

_COPY = f"COPY ledger.events ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
_TYPES = ("int2", "int8", "uuid", "int4", "text", "int2", "timestamptz", "bytea", "bytea")
_MOVE_HEAD = "UPDATE ledger.heads SET position = %s, recorded_at = %s WHERE partition = 0"
# As if each event had been a command of its own: their table grows with the ledger.
_INSERT_COMMANDS = """
INSERT INTO ledger.commands (partition, command_id, digest, status, stream_id, version, position,
                             events, recorded_at)
SELECT partition, md5(position::text)::uuid, sha256(data), 200, stream_id, version, position,
       ARRAY[type], recorded_at
FROM ledger.events WHERE position > %s"""

_INDEX_COMMANDS = "ALTER TABLE ledger.commands ADD PRIMARY KEY (partition, command_id)"


def load(database: Database, rows: Iterable[Row]) -> int:
    """Write events behind those that are there, in one transaction; returns the last position."""
    with psycopg.connect(database.owner) as connection:
        found = connection.execute("SELECT position FROM ledger.heads").fetchone()
        assert found is not None
        before = position = int(found[0])
        at = _RECORDED_FROM
        with connection.cursor().copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for position, row in enumerate(rows, before + 1):
                at = _RECORDED_FROM + timedelta(milliseconds=position)
                copy.write_row((0, position, *row[:4], at, *row[4:]))
        connection.execute(_MOVE_HEAD, (position, at))
        if before == 0:  # its index is made at the end: ids of commands are random
            connection.execute("ALTER TABLE ledger.commands DROP CONSTRAINT commands_pkey")
        connection.execute(_INSERT_COMMANDS, (before,))
        if before == 0:
            connection.execute(
                "ALTER TABLE ledger.commands ADD PRIMARY KEY (partition, command_id)"
            )
    return position


def settle(database: Database) -> None:
    """What autovacuum does in a ledger that grew over months."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) ledger.events, ledger.commands")
