"""The append: the one place where events enter the ledger.

Written as a generator of SQL statements that performs no I/O itself, so that the asynchronous
writer and the synchronous recorder of the library run the very same statements.

Order, always: first lock the head of the partition, which makes positions dense and in commit
order; second, in a statement of its own (one statement would read a snapshot from before the
wait for the lock), look up the known command ids and the current versions; those that lost are
refused here, without failing their neighbours; third, insert.
"""

from collections.abc import Generator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from ledger.entry import Entry, KeyReused, Lost, Outcome, Receipt, Rows, Statement, TrackingConflict

Steps = Generator[Statement, Rows, list[Outcome]]

LOCK_HEAD = """
SELECT position, greatest(recorded_at, ledger.clock())
FROM ledger.heads WHERE partition = %(partition)s FOR UPDATE"""

_SELECT_COMMAND = """
SELECT command_id, digest, status, stream_id, version, position, events, recorded_at
FROM ledger.commands WHERE partition = %(partition)s AND command_id = %(command_id)s"""

_SELECT_COMMANDS = """
SELECT command_id, digest, status, stream_id, version, position, events, recorded_at
FROM ledger.commands WHERE partition = %(partition)s AND command_id = ANY(%(command_ids)s)"""

_SELECT_VERSION = """
SELECT %(stream_id)s::uuid, max(version) FROM ledger.events
WHERE partition = %(partition)s AND stream_id = %(stream_id)s"""

_SELECT_VERSIONS = """
SELECT stream_id, (SELECT max(version) FROM ledger.events AS e
                   WHERE e.partition = %(partition)s AND e.stream_id = s.stream_id)
FROM unnest(%(stream_ids)s::uuid[]) AS s (stream_id)"""

_INSERT_EVENT = """
INSERT INTO ledger.events (partition, position, stream_id, version, type, schema_version,
                           recorded_at, data, metadata)
VALUES (%(partition)s, %(position)s, %(stream_id)s, %(version)s, %(type)s, %(schema_version)s,
        %(recorded_at)s, %(data)s, %(metadata)s)"""

_INSERT_EVENTS = """
INSERT INTO ledger.events (partition, position, stream_id, version, type, schema_version,
                           recorded_at, data, metadata)
SELECT %(partition)s, position, stream_id, version, type, schema_version,
       %(recorded_at)s, data, metadata
FROM unnest(%(positions)s::bigint[], %(stream_ids)s::uuid[], %(versions)s::int[],
            %(types)s::text[], %(schema_versions)s::smallint[], %(data)s::bytea[],
            %(metadata)s::bytea[])
    AS e (position, stream_id, version, type, schema_version, data, metadata)"""

_INSERT_COMMAND = """
INSERT INTO ledger.commands (partition, command_id, digest, status, stream_id, version,
                             position, events, recorded_at)
VALUES (%(partition)s, %(command_id)s, %(digest)s, %(status)s, %(stream_id)s, %(version)s,
        %(position)s, %(events)s, %(recorded_at)s)"""

# An array a row cannot be unnested, so the names of a command's events travel as one text.
_INSERT_COMMANDS = """
INSERT INTO ledger.commands (partition, command_id, digest, status, stream_id, version,
                             position, events, recorded_at)
SELECT %(partition)s, command_id, digest, status, stream_id, version, position,
       string_to_array(events, ','), %(recorded_at)s
FROM unnest(%(command_ids)s::uuid[], %(digests)s::bytea[], %(statuses)s::smallint[],
            %(stream_ids)s::uuid[], %(versions)s::int[], %(positions)s::bigint[],
            %(events)s::text[])
    AS c (command_id, digest, status, stream_id, version, position, events)"""

_MOVE_HEAD = """
UPDATE ledger.heads SET position = %(position)s, recorded_at = %(recorded_at)s
WHERE partition = %(partition)s"""

_TRACK = """
INSERT INTO ledger.tracking AS t (partition, application_name, notification_id)
VALUES (%(partition)s, %(application_name)s, %(notification_id)s)
ON CONFLICT (partition, application_name) DO UPDATE SET notification_id = EXCLUDED.notification_id
WHERE t.notification_id < EXCLUDED.notification_id
RETURNING notification_id"""


def append(
    partition: int, batch: Sequence[Entry], tracking: tuple[str, int] | None = None
) -> Steps:
    """Append the entries of a batch in one transaction; each has an outcome of its own.

    Returns one `Outcome` an entry, in order. `tracking` is the name and position of a process
    recorder of the library, recorded with the events or refused with `TrackingConflict`.
    """
    [(head, recorded_at)] = yield Statement(LOCK_HEAD, {"partition": partition})
    if tracking is not None:
        yield from _track(partition, tracking)
    known = yield from _known_commands(partition, batch)
    versions = yield from _current_versions(partition, batch)

    position = head
    outcomes: list[Outcome] = []
    accepted: list[tuple[Entry, Receipt]] = []
    for entry in batch:
        outcome = _judge(entry, known, versions, partition, position, recorded_at)
        if isinstance(outcome, Receipt) and not outcome.is_replay:
            accepted.append((entry, outcome))
            position = outcome.position
            versions[entry.stream_id] = outcome.version
            if entry.command is not None:
                known[entry.command.command_id] = (entry.command.digest, outcome)
        outcomes.append(outcome)

    common = {"partition": partition, "recorded_at": recorded_at}
    yield from _insert_events(common, accepted, head)
    yield from _insert_commands(common, accepted)
    if position > head:
        yield Statement(_MOVE_HEAD, {**common, "position": position})
    return outcomes


Known = dict[UUID, tuple[bytes, Receipt]]
Accepted = Sequence[tuple[Entry, Receipt]]


def receipt_of(partition: int, row: tuple[Any, ...]) -> tuple[bytes, Receipt]:
    """The digest and the answer that a row of `ledger.commands` remembers."""
    _, digest, status, stream_id, version, position, events, recorded_at = row
    return bytes(digest), Receipt(
        stream_id=stream_id,
        version=version,
        partition=partition,
        position=position,
        events=tuple(events),
        recorded_at=recorded_at,
        status=status,
        is_replay=True,
    )


def _known_commands(partition: int, batch: Sequence[Entry]) -> Generator[Statement, Rows, Known]:
    ids = [entry.command.command_id for entry in batch if entry.command is not None]
    if not ids:
        return {}
    if len(ids) == 1:
        rows = yield Statement(_SELECT_COMMAND, {"partition": partition, "command_id": ids[0]})
    else:
        rows = yield Statement(_SELECT_COMMANDS, {"partition": partition, "command_ids": ids})
    return {row[0]: receipt_of(partition, row) for row in rows}


def _current_versions(
    partition: int, batch: Sequence[Entry]
) -> Generator[Statement, Rows, dict[UUID, int | None]]:
    ids = list({entry.stream_id for entry in batch})
    if not ids:
        return {}
    if len(ids) == 1:
        rows = yield Statement(_SELECT_VERSION, {"partition": partition, "stream_id": ids[0]})
    else:
        rows = yield Statement(_SELECT_VERSIONS, {"partition": partition, "stream_ids": ids})
    return dict(rows)


def _judge(
    entry: Entry,
    known: Known,
    versions: dict[UUID, int | None],
    partition: int,
    position: int,
    recorded_at: datetime,
) -> Outcome:
    """What becomes of an entry, given what is recorded before it."""
    if entry.command is not None and entry.command.command_id in known:
        digest, receipt = known[entry.command.command_id]
        if digest != entry.command.digest:
            return KeyReused()
        return msgspec.structs.replace(receipt, is_replay=True)
    current = versions[entry.stream_id]
    # A new stream starts at version 1 with us; the library's own tests also start one at 0.
    is_as_expected = (
        entry.expected_version <= 0 if current is None else (entry.expected_version == current)
    )
    if not is_as_expected:
        return Lost(version=current or 0)
    return Receipt(
        stream_id=entry.stream_id,
        version=entry.expected_version + len(entry.events),
        partition=partition,
        position=position + len(entry.events),
        events=tuple(event.type for event in entry.events),
        recorded_at=recorded_at,
        status=entry.status,
    )


def _insert_events(
    common: dict[str, Any], accepted: Accepted, head: int
) -> Generator[Statement, Rows, None]:
    """Insert the events of what was accepted. A unique violation is a bug, not a lost race."""
    rows = [
        (entry.stream_id, entry.expected_version + number, event)
        for entry, _ in accepted
        for number, event in enumerate(entry.events, 1)
    ]
    if len(rows) == 1:  # scalars cost half of what arrays do, and most batches are of one
        [(stream_id, version, event)] = rows
        place = {"position": head + 1, "stream_id": stream_id, "version": version}
        yield Statement(_INSERT_EVENT, {**common, **event._asdict(), **place})
    elif rows:
        yield Statement(
            _INSERT_EVENTS,
            {
                **common,
                "positions": list(range(head + 1, head + 1 + len(rows))),
                "stream_ids": [stream_id for stream_id, _, _ in rows],
                "versions": [version for _, version, _ in rows],
                "types": [event.type for _, _, event in rows],
                "schema_versions": [event.schema_version for _, _, event in rows],
                "data": [event.data for _, _, event in rows],
                "metadata": [event.metadata for _, _, event in rows],
            },
        )


def _insert_commands(
    common: dict[str, Any], accepted: Accepted
) -> Generator[Statement, Rows, None]:
    """Remember what was accepted, with the answer that is given."""
    keyed = [(entry.command, receipt) for entry, receipt in accepted if entry.command is not None]
    if len(keyed) == 1:
        [(command, receipt)] = keyed
        answer = {
            "status": receipt.status,
            "stream_id": receipt.stream_id,
            "version": receipt.version,
            "position": receipt.position,
            "events": list(receipt.events),
        }
        yield Statement(_INSERT_COMMAND, {**common, **command._asdict(), **answer})
    elif keyed:
        yield Statement(
            _INSERT_COMMANDS,
            {
                **common,
                "command_ids": [command.command_id for command, _ in keyed],
                "digests": [command.digest for command, _ in keyed],
                "statuses": [receipt.status for _, receipt in keyed],
                "stream_ids": [receipt.stream_id for _, receipt in keyed],
                "versions": [receipt.version for _, receipt in keyed],
                "positions": [receipt.position for _, receipt in keyed],
                "events": [",".join(receipt.events) for _, receipt in keyed],
            },
        )


def _track(partition: int, tracking: tuple[str, int]) -> Generator[Statement, Rows, None]:
    application_name, notification_id = tracking
    rows = yield Statement(
        _TRACK,
        {
            "partition": partition,
            "application_name": application_name,
            "notification_id": notification_id,
        },
    )
    if not rows:
        raise TrackingConflict(f"{application_name} is at {notification_id} or beyond already")
