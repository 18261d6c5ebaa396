"""The append: the one place where events enter the ledger.

Written as a generator of SQL statements that performs no I/O itself, so that the asynchronous
writer, the synchronous recorder of the library and the policies run the very same statements.

Order, always: first lock the head of the partition, which makes positions dense and in commit
order; second, in a statement of its own (one statement would read a snapshot from before the
wait for the lock), look up the known command ids and the current versions; those that lost are
refused here, without failing their neighbours; third, insert. That is two round trips for a
batch of any size: lock and look-ups, then inserts and COMMIT.

Before that, one statement tries to take the whole batch at once (docs/adr/0007): it locks the head
only if nobody has touched it since the snapshot, which therefore shows all that is recorded, and
inserts nothing unless everything fits. What it does not take goes the long way, which says why.
A single event of a single command, all there is when nobody else is about, has such a statement of
its own.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

import msgspec

from ledger import statements
from ledger.columns import Blobs, Integers, Smallints, Texts, Uuids
from ledger.entry import (
    Entry,
    KeyReused,
    Lost,
    Outcome,
    Receipt,
    Round,
    Rows,
    Statement,
    Steps,
    TrackingConflict,
)


def append(
    partition: int, batch: Sequence[Entry], tracking: tuple[str, int] | None = None
) -> Steps[list[Outcome]]:
    """Append the entries of a batch in one transaction; each has an outcome of its own.

    Returns one `Outcome` an entry, in order. `tracking` is the name and position of a process
    recorder of the library, recorded with the events or refused with `TrackingConflict`.
    """
    if tracking is None and _are_apart(batch):
        short = _append_at_once
        if all(len(entry.events) == 1 and entry.command is not None for entry in batch):
            short = _append_one if len(batch) == 1 else _append_each
        receipts = yield from short(partition, batch)
        if receipts:
            return receipts

    return (yield from _append_locked(partition, batch, tracking))


def append_decided(
    partition: int, reading: Statement, decide: Callable[[Rows], Entry]
) -> Steps[Outcome]:
    """Append what is decided on the rows that `reading` finds while nobody else can append.

    Costs everybody else in the partition a round trip; for whoever came second too often.
    """
    locking = Statement(statements.LOCK_HEAD, {"partition": partition})
    [_, rows] = yield Round([locking, reading])
    [outcome] = yield from _append_locked(partition, [decide(rows)])
    return outcome


def _append_locked(
    partition: int, batch: Sequence[Entry], tracking: tuple[str, int] | None = None
) -> Steps[list[Outcome]]:
    """The long path: lock the head, judge each entry, insert what is accepted."""
    (head, recorded_at), known, versions = yield from _lock_and_look(partition, batch)
    if tracking is not None:
        yield from _track(partition, tracking)

    position = head
    outcomes: list[Outcome] = []
    accepted: list[Entry] = []
    for entry in batch:
        outcome = _judge(entry, known, versions, partition, position, recorded_at)
        if isinstance(outcome, Receipt) and not outcome.is_replay:
            accepted.append(entry)
            position = outcome.position
            versions[entry.stream_id] = outcome.version
            if entry.command is not None:
                known[entry.command.command_id] = (entry.command.digest, outcome)
        outcomes.append(outcome)

    params = {"partition": partition, "recorded_at": recorded_at, "head": head}
    params |= {"position": position, **_columns(accepted)}
    # A unique violation is a bug, not a lost race.
    inserts = (
        (statements.INSERT_EVENTS, statements.INSERT_COMMANDS, statements.MOVE_HEAD)
        if accepted
        else ()
    )
    yield Round([Statement(sql, params) for sql in inserts], is_last=True)
    return outcomes


Known = dict[UUID, tuple[bytes, Receipt]]
Versions = dict[UUID, int | None]


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


def _are_apart(batch: Sequence[Entry]) -> bool:
    """Whether no entry of a batch depends on another."""
    keys = [entry.command.command_id for entry in batch if entry.command is not None]
    return len(set(keys)) == len(keys) and len({entry.stream_id for entry in batch}) == len(batch)


def _append_one(partition: int, batch: Sequence[Entry]) -> Steps[list[Outcome]]:
    """The shortest path: one event of one command, or nothing."""
    [entry] = batch
    [event] = entry.events
    assert entry.command is not None
    params = {
        "partition": partition,
        "stream_id": entry.stream_id,
        "expected_version": entry.expected_version,
        "status": entry.status,
        **entry.command._asdict(),
        **event._asdict(),
    }
    [rows] = yield Round([Statement(statements.APPEND_ONE, params)], is_last=True)
    return [_receipt(entry, partition, position, recorded_at) for position, recorded_at in rows]


def _append_each(partition: int, batch: Sequence[Entry]) -> Steps[list[Outcome]]:
    """The short path where each command has led to one event."""
    events = [entry.events[0] for entry in batch]
    keys = [entry.command for entry in batch if entry.command is not None]
    params = {
        "partition": partition,
        "count": len(batch),
        "stream_ids": Uuids(entry.stream_id for entry in batch),
        "expected_versions": Integers(entry.expected_version for entry in batch),
        "types": Texts(event.type for event in events),
        "schema_versions": Smallints(event.schema_version for event in events),
        "data": Blobs(event.data for event in events),
        "metadata": Blobs(event.metadata for event in events),
        "command_ids": Uuids(key.command_id for key in keys),
        "digests": Blobs(key.digest for key in keys),
        "statuses": Smallints(entry.status for entry in batch),
    }
    [rows] = yield Round([Statement(statements.APPEND_EACH, params)], is_last=True)
    return [
        _receipt(entry, partition, before + number, recorded_at)
        for before, recorded_at in rows
        for number, entry in enumerate(batch, 1)
    ]


def _append_at_once(partition: int, batch: Sequence[Entry]) -> Steps[list[Outcome]]:
    """The short path: everything, or nothing for whatever reason."""
    columns = _columns(batch)
    params = {
        "partition": partition,
        "count": len(columns["types"]),
        "expected_versions": Integers(entry.expected_version for entry in batch),
        **columns,
    }
    [rows] = yield Round([Statement(statements.APPEND_AT_ONCE, params)], is_last=True)
    return [
        _receipt(entry, partition, before + place, recorded_at)
        for before, recorded_at in rows
        for entry, place in zip(batch, columns["places"], strict=True)
    ]


def _lock_and_look(
    partition: int, batch: Sequence[Entry]
) -> Steps[tuple[tuple[int, datetime], Known, Versions]]:
    """Lock the head, then look up what is recorded of the commands and streams of a batch."""
    command_ids = [entry.command.command_id for entry in batch if entry.command is not None]
    stream_ids = list({entry.stream_id for entry in batch})
    asked = {"partition": partition, "command_ids": command_ids, "stream_ids": stream_ids}
    looks = [
        Statement(statements.LOCK_HEAD, {"partition": partition}),
        Statement(statements.SELECT_COMMANDS, asked),
        Statement(statements.SELECT_VERSIONS, asked),
    ]
    [head], commands, versions = yield Round(looks)
    known = {row[0]: receipt_of(partition, row) for row in commands}
    current = (version for (version,) in versions)
    return head, known, dict(zip(stream_ids, current, strict=True))


def _judge(
    entry: Entry,
    known: Known,
    versions: Versions,
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
    return _receipt(entry, partition, position + len(entry.events), recorded_at)


def _receipt(entry: Entry, partition: int, position: int, recorded_at: datetime) -> Receipt:
    """The answer to an entry whose last event has this position."""
    return Receipt(
        stream_id=entry.stream_id,
        version=entry.expected_version + len(entry.events),
        partition=partition,
        position=position,
        events=tuple(event.type for event in entry.events),
        recorded_at=recorded_at,
        status=entry.status,
    )


def _columns(entries: Sequence[Entry]) -> dict[str, list[Any]]:
    """Events and commands as arrays; `places` count the events up to the last of a command."""
    events = [event for entry in entries for event in entry.events]
    commands = [entry.command or (None, None) for entry in entries]
    return {
        "event_stream_ids": Uuids(entry.stream_id for entry in entries for _ in entry.events),
        "event_versions": Integers(
            entry.expected_version + number
            for entry in entries
            for number in range(1, len(entry.events) + 1)
        ),
        "types": Texts(event.type for event in events),
        "schema_versions": Smallints(event.schema_version for event in events),
        "data": Blobs(event.data for event in events),
        "metadata": Blobs(event.metadata for event in events),
        "command_ids": Uuids(command_id for command_id, _ in commands),
        "digests": Blobs(digest for _, digest in commands),
        "statuses": Smallints(entry.status for entry in entries),
        "stream_ids": Uuids(entry.stream_id for entry in entries),
        "versions": Integers(entry.expected_version + len(entry.events) for entry in entries),
        "places": Integers(accumulate(len(entry.events) for entry in entries)),
        "events": Texts(",".join(event.type for event in entry.events) for entry in entries),
    }


def _track(partition: int, tracking: tuple[str, int]) -> Steps[None]:
    name, position = tracking
    place = {"partition": partition, "application_name": name, "notification_id": position}
    [rows] = yield Round([Statement(statements.TRACK, place)])
    if not rows:
        raise TrackingConflict(f"{name} is at {position} or beyond already")
