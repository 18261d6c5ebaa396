"""Runners with policies, and what they came to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from msgspec.structs import replace

from domain.kernel import Recorded
from domain.policies import ALL_POLICIES
from domain.policies.policy import Policy
from projections import all_views
from projections.engine import Runner
from tests.conftest import Database
from tests.projections.histories import INSERT, REGISTRY, SECRET

Story = list[Recorded[Any]]


def runner(database: Database, policies: Sequence[Policy] = ALL_POLICIES, **options: Any) -> Runner:
    """A runner of every view and these policies."""
    return Runner(
        database.app, None, REGISTRY, all_views(SECRET), policies, secret=SECRET, **options
    )


def in_stream(number: int, story: Story, since: datetime | None = None) -> Story:
    """A story as that of the stream of a number, begun at some time, a microsecond apart.

    No two stories then have an event of the same instant, in whichever order they are recorded.
    """
    shift = timedelta(0) if since is None else since - story[0].recorded_at
    shift += timedelta(microseconds=number)
    stream = stream_of(number)
    return [replace(item, stream_id=stream, recorded_at=item.recorded_at + shift) for item in story]


def stream_of(number: int) -> UUID:
    """The stream of a number; the numbers spread over the partitions."""
    return UUID(f"01957a6e-0000-7000-8000-{number:012x}")


def store_in(connection: psycopg.Connection[Any], partition: int, story: Story) -> None:
    """Put the first events of a partition into the ledger; whoever calls commits."""
    connection.execute("SELECT FROM ledger.heads WHERE partition = %s FOR UPDATE", (partition,))
    for position, item in enumerate(story, 1):
        event = REGISTRY.encode(item.event, item.metadata)._asdict()
        place = {"partition": partition, "position": position, "stream_id": item.stream_id}
        when = {"version": item.version, "recorded_at": item.recorded_at}
        connection.execute(INSERT, {**event, **place, **when})
    connection.execute(
        "UPDATE ledger.heads SET position = %s, recorded_at = %s WHERE partition = %s",
        (len(story), story[-1].recorded_at, partition),
    )


def ledger(database: Database) -> list[Recorded[Any]]:
    """Every event of the ledger, partition by partition."""
    with psycopg.connect(database.owner) as connection:
        rows = connection.execute(
            "SELECT partition, position, stream_id, version, type, schema_version, recorded_at,"
            " data, metadata FROM ledger.events ORDER BY partition, position"
        ).fetchall()
    return [REGISTRY.decode(row) for row in rows]


def told(database: Database, *kinds: type[Any]) -> dict[UUID, list[Any]]:
    """The events of these types by stream."""
    answer: dict[UUID, list[Any]] = {}
    for item in ledger(database):
        if isinstance(item.event, kinds):
            answer.setdefault(item.stream_id, []).append(item.event)
    return answer
