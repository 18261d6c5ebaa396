"""Reading on in the ledger: pages of events after a place, and word of what was appended.

A page holds no connection once it is read, however slowly it is sent on.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec

from domain.kernel import Recorded
from ledger.application import Ledger
from ledger.ids import partition_of
from ledger.registry import StoredRow

MOST = 500
_MOST_BYTES = 8 * 1024 * 1024  # of the data of a page: one event may hold a megabyte
_WINDOW = 10_000  # how far a page looks, in each partition, for events of some types

_COLUMNS = ", ".join(f"e.{name}" for name in StoredRow._fields)
# Recording times never fall within a partition, so that this order keeps that of positions.
_ORDER = "recorded_at, partition, position"


def _select(place: str, order: str) -> str:
    return f"""
SELECT {", ".join(StoredRow._fields)} FROM (
    SELECT {_COLUMNS}, sum(octet_length(e.data)) OVER (ORDER BY {_ORDER}) AS bytes
    FROM unnest(%(partitions)s::smallint[], %(after)s::bigint[], %(tops)s::bigint[])
             AS c (in_partition, after, top),
         LATERAL (SELECT {_COLUMNS} FROM ledger.events AS e
                  WHERE e.partition = c.in_partition
                    AND e.position > c.after AND e.position <= c.top{place}
                    AND NOT e.type = ANY(%(hidden)s::text[])
                    AND (%(types)s::text[] IS NULL OR e.type = ANY(%(types)s::text[]))
                  ORDER BY {order} LIMIT %(limit)s) AS e) AS e
WHERE bytes - octet_length(data) < %(most_bytes)s
ORDER BY {_ORDER} LIMIT %(limit)s"""


_SELECT = _select("", "e.position")
_SELECT_STREAM = _select(" AND e.stream_id = %(stream_id)s", "e.version")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which events somebody reads: these types, this stream; and which they may not see."""

    types: list[str] | None = None
    stream_id: UUID | None = None
    hidden: list[str] = []


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Events in order, the place to read on from, and whether there is nothing more by now."""

    events: list[Recorded[Any]]
    places: dict[int, int]
    is_at_head: bool


class Feed:
    """Reads on in the ledger, for any number of readers."""

    def __init__(self, ledger: Ledger, streams: Mapping[str, str]) -> None:
        """Read this ledger; `streams` says of each type of event which slice it is of."""
        self._ledger = ledger
        self.streams = streams
        self._news = asyncio.Event()
        self.is_closing = False

    def tell(self) -> None:
        """Say that something was appended by this process; readers look at once."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def close(self) -> None:
        """Let every reader end; no page is begun after this."""
        self.is_closing = True
        self.tell()

    @property
    def news(self) -> asyncio.Event:
        """What is set at the next append; take it before you read, and wait for it after."""
        return self._news

    async def page(self, after: Mapping[int, int], wanted: Wanted, limit: int) -> Page:
        """The events after these places, at most `limit`; a place left out is the beginning.

        There may be fewer before the head, and even none: what was looked through counts.
        """
        heads = await self._ledger.heads()
        start = {partition: after.get(partition, 0) for partition in heads}
        tops = heads
        if wanted.types is not None and wanted.stream_id is None:
            tops = {p: min(head, start[p] + _WINDOW) for p, head in heads.items()}
        within = [p for p in heads if start[p] < tops[p]]
        if wanted.stream_id is not None:
            home = partition_of(wanted.stream_id, len(heads))
            within = [p for p in within if p == home]
        rows = await self._rows(within, start, tops, wanted, limit)
        events = [self._ledger.registry.decode(row) for row in rows]
        is_full = len(rows) == limit or sum(len(row.data) for row in rows) >= _MOST_BYTES
        places = dict(tops)
        if is_full:
            places |= {p: start[p] for p in within}
            places |= {event.partition: event.position for event in events}
        return Page(events=events, places=places, is_at_head=places == heads)

    async def _rows(
        self,
        within: list[int],
        start: Mapping[int, int],
        tops: Mapping[int, int],
        wanted: Wanted,
        limit: int,
    ) -> list[StoredRow]:
        if not within:
            return []
        params = {
            "partitions": within,
            "after": [start[p] for p in within],
            "tops": [tops[p] for p in within],
            "types": wanted.types,
            "hidden": wanted.hidden,
            "stream_id": wanted.stream_id,
            "limit": limit,
            "most_bytes": _MOST_BYTES,
        }
        statement = _SELECT if wanted.stream_id is None else _SELECT_STREAM
        return [StoredRow(*row) for row in await self._ledger.query(statement, params)]


async def until(news: asyncio.Event, seconds: float) -> None:
    """Wait for news, but no longer than this: other processes append too, and tell nobody."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
