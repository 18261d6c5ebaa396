"""What goes into an append and what comes out of it."""

from collections.abc import Generator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec

Rows = list[tuple[Any, ...]]


class Statement(NamedTuple):
    """An SQL statement with its named parameters."""

    sql: str
    params: dict[str, Any]


class Round(NamedTuple):
    """Statements that travel together in one round trip; the answers come when all are done."""

    statements: Sequence[Statement]
    is_last: bool = False
    """What was written so far stands by itself and may be committed with this round. Where
    another round follows, it begins anew."""


_T = TypeVar("_T")
Steps = Generator[Round, list[Rows], _T]
"""Rounds of statements, each answered by the rows of each statement, and what they come to."""


class NewEvent(NamedTuple):
    """An event ready to be stored."""

    type: str
    schema_version: int
    data: bytes
    metadata: bytes


class CommandKey(NamedTuple):
    """Which command it is (for ever), and a digest of what it said."""

    command_id: UUID
    digest: bytes


class Entry(msgspec.Struct, frozen=True):
    """What one command appends to one stream, decided on a version of it."""

    stream_id: UUID
    expected_version: int
    events: Sequence[NewEvent]
    command: CommandKey | None = None
    status: int = 200


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a command that was accepted, now or when it was first sent."""

    stream_id: UUID
    version: int
    partition: int
    position: int
    events: tuple[str, ...]
    recorded_at: datetime
    status: int = 200
    is_replay: bool = False


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What would follow from a command if it were given now; nothing was recorded."""

    stream_id: UUID | None  # none: a stream that does not exist yet
    version: int
    partition: int = 0
    position: int = 0  # of the last event it was decided on
    events: tuple[str, ...] = ()

    @classmethod
    def of(cls, receipt: Receipt) -> "Preview":
        """What a command that was accepted before would lead to: nothing more."""
        return cls(
            stream_id=receipt.stream_id,
            version=receipt.version,
            partition=receipt.partition,
            position=receipt.position,
        )


class Lost(msgspec.Struct, frozen=True):
    """Another append came first: the stream is at this version now."""

    version: int


class KeyReused(msgspec.Struct, frozen=True):
    """The command id is known, and what it said then was something else."""


class TrackingConflict(Exception):
    """The position of a process recorder does not advance."""


Outcome = Receipt | Lost | KeyReused
