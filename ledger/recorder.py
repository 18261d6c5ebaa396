"""The library's recorder over one partition of the ledger, running the production statements.

Its contract test cases therefore test what production runs. Positions are dense per partition,
so a partition is what the library calls an application sequence.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    DataError,
    IntegrityError,
    InterfaceError,
    Notification,
    OperationalError,
    PersistenceError,
    ProcessRecorder,
    ProgrammingError,
    StoredEvent,
    Subscription,
    Tracking,
)
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from ledger import database
from ledger.append import append
from ledger.entry import Entry, NewEvent, Receipt, Steps, TrackingConflict
from ledger.registry import COLUMNS
from ledger.subscription import PollingSubscription

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False, kw_only=True)
class LedgerStoredEvent(StoredEvent):
    """A stored event with what our rows hold beyond the library's four columns."""

    schema_version: int = 1
    metadata: bytes = b"{}"
    partition: int = 0
    position: int = 0
    recorded_at: datetime = _EPOCH

    def __eq__(self, other: object) -> bool:
        """Equal to any stored event of the same stream, version, type and bytes."""
        return isinstance(other, StoredEvent) and _key(self) == _key(other)

    def __hash__(self) -> int:
        """In step with equality."""
        return hash(_key(self))


def _key(event: StoredEvent) -> tuple[Any, ...]:
    return event.originator_id, event.originator_version, event.topic, event.state


@dataclass(frozen=True, eq=False)
class LedgerNotification(Notification, LedgerStoredEvent):
    """A stored event with its place in the partition."""


@contextmanager
def library_errors() -> Iterator[None]:
    """Turn the driver's errors into the library's."""
    try:
        yield
    except TrackingConflict as error:
        raise IntegrityError(error) from error
    except psycopg.errors.IntegrityError as error:
        raise IntegrityError(error) from error
    except psycopg.errors.DataError as error:
        raise DataError(error) from error
    except (psycopg.errors.ProgrammingError, PoolClosed) as error:
        raise ProgrammingError(error) from error
    except (psycopg.OperationalError, PoolTimeout) as error:
        raise OperationalError(error) from error
    except psycopg.InterfaceError as error:
        raise InterfaceError(error) from error
    except psycopg.Error as error:
        raise PersistenceError(error) from error


class PartitionRecorder(ProcessRecorder):
    """Records and reads the events of one partition through the library's interface."""

    def __init__(self, pool: ConnectionPool[Any], partition: int = 0) -> None:
        """Use connections of this pool, for this partition."""
        self._pool = pool
        self.partition = partition

    # --- writing ----------------------------------------------------------------------------

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        tracking: Tracking | None = None,
        **kwargs: Any,
    ) -> Sequence[int] | None:
        """Append events, with the position of a process recorder where one is given.

        Returns their positions, or None where there were no events. Raises the library's
        `IntegrityError` when another append came first or the position does not advance.
        """
        if not stored_events and tracking is None:
            return None
        entries = _entries(stored_events)
        track = (tracking.application_name, tracking.notification_id) if tracking else None
        with library_errors(), self._pool.connection() as connection:
            outcomes = database.run(connection, _all_or_nothing(self.partition, entries, track))
        positions = [
            position
            for entry, receipt in zip(entries, outcomes, strict=True)
            for position in range(receipt.position - len(entry.events) + 1, receipt.position + 1)
        ]
        return positions or None

    def insert_tracking(self, tracking: Tracking) -> None:
        """Record how far a process recorder has come."""
        self.insert_events([], tracking=tracking)

    # --- reading ----------------------------------------------------------------------------

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of one stream, in order of version."""
        order = "DESC" if desc else "ASC"
        rows = self._select(
            f"SELECT {COLUMNS} FROM ledger.events"
            " WHERE partition = %(partition)s AND stream_id = %(stream_id)s"
            " AND version > %(gt)s AND version <= %(lte)s"
            f" ORDER BY version {order} LIMIT %(limit)s",
            {
                "stream_id": originator_id,
                "gt": -1 if gt is None else gt,
                "lte": 2**31 - 1 if lte is None else lte,
                "limit": limit,
            },
        )
        return [LedgerStoredEvent(**_fields(row)) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """The events of the partition, in order of position."""
        first = (start or 0) if inclusive_of_start else (start or 0) + 1
        rows = self._select(
            f"SELECT {COLUMNS} FROM ledger.events"
            " WHERE partition = %(partition)s"
            " AND position >= %(first)s AND position <= %(stop)s"
            " AND (%(any_type)s OR type = ANY(%(types)s))"
            " ORDER BY position LIMIT %(limit)s",
            {
                "first": first,
                "stop": 2**63 - 1 if stop is None else stop,
                "any_type": not topics,
                "types": list(topics),
                "limit": limit,
            },
        )
        return [LedgerNotification(id=row[1], **_fields(row)) for row in rows]

    def max_notification_id(self) -> int | None:
        """The last position of the partition, or None while it is empty."""
        rows = self._select(
            "SELECT position FROM ledger.heads WHERE partition = %(partition)s AND position > 0", {}
        )
        return rows[0][0] if rows else None

    def max_tracking_id(self, application_name: str) -> int | None:
        """How far a process recorder has come, or None if it never began."""
        rows = self._select(
            "SELECT notification_id FROM ledger.tracking"
            " WHERE partition = %(partition)s AND application_name = %(name)s",
            {"name": application_name},
        )
        return rows[0][0] if rows else None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Every event after a position, those to come as well."""
        return PollingSubscription(recorder=self, gt=gt, topics=topics)

    def _select(self, statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
        with library_errors(), self._pool.connection() as connection:
            cursor = connection.execute(
                statement, {"partition": self.partition, **params}, binary=True
            )
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _entries(stored_events: Sequence[StoredEvent]) -> list[Entry]:
    """One entry for each run of consecutive versions of a stream."""
    runs: list[list[StoredEvent]] = []
    for event in stored_events:
        last = runs[-1][-1] if runs else None
        if (
            last is not None
            and last.originator_id == event.originator_id
            and last.originator_version + 1 == event.originator_version
        ):
            runs[-1].append(event)
        else:
            runs.append([event])
    return [
        Entry(
            stream_id=_uuid(run[0].originator_id),
            expected_version=run[0].originator_version - 1,
            events=[
                NewEvent(
                    event.topic,
                    getattr(event, "schema_version", 1),
                    event.state,
                    getattr(event, "metadata", b"{}"),
                )
                for event in run
            ],
        )
        for run in runs
    ]


def _uuid(originator_id: UUID | str) -> UUID:
    return originator_id if isinstance(originator_id, UUID) else UUID(originator_id)


def _all_or_nothing(
    partition: int, entries: list[Entry], track: tuple[str, int] | None
) -> Steps[list[Receipt]]:
    """The append, where one lost race refuses the whole: what the library promises."""
    outcomes = yield from append(partition, entries, track)
    receipts: list[Receipt] = []
    for entry, outcome in zip(entries, outcomes, strict=True):
        if not isinstance(outcome, Receipt):
            raise IntegrityError(
                f"stream {entry.stream_id} is not at version {entry.expected_version}: {outcome}"
            )
        receipts.append(outcome)
    return receipts


def _fields(row: tuple[Any, ...]) -> dict[str, Any]:
    partition, position, stream_id, version, name, schema_version, recorded_at, data, meta = row
    return {
        "originator_id": stream_id,
        "originator_version": version,
        "topic": name,
        "state": data,
        "schema_version": schema_version,
        "metadata": meta,
        "partition": partition,
        "position": position,
        "recorded_at": recorded_at,
    }
