"""What a policy is: a sentence, the events it hears, and a pure reaction to one of them.

A reaction performs no I/O: it is a generator that yields what it wants to know and returns the
orders that follow. It is told what was recorded when its trigger was, and nothing later, so that
it comes to the same whenever it runs, in however many partitions.
"""

from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from domain.kernel import Decider, Recorded
from domain.rules import Rules

LookUpKind = Literal[
    "complaint",  # a complaint by its own id
    "customer",  # complaints by whose they are
    "problem",  # complaints by their problem key
    "duplicate",  # complaints by the one they were merged into
    "handle",  # complaints by the complainant's handle
    "identity",  # the customer who was merged into another one, by their own id
    "merged_into",  # the same, by whom they were merged into
    "identified",  # customers by their handles
]


class Streams(msgspec.Struct, frozen=True):
    """Asks for the histories of these streams."""

    ids: tuple[UUID, ...]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for the streams that were ever known by one of these values, the newest first.

    Of complaints: received after and up to these times, at most so many.
    """

    kind: LookUpKind
    values: tuple[str, ...]
    after: datetime | None = None
    up_to: datetime | None = None
    most: int = 500


History = Sequence[Recorded[Any]]
Histories = Sequence[History]
"""Each in order of version and not empty, of the types of event that the policy reads."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A command to a stream; a reaction gives a stream at most one of a kind."""

    decider: Decider[Any]
    stream_id: UUID
    command: Any


Reaction = Generator[Streams | Known, Histories, Sequence[Order]]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy by its permanent name, which keys its position and the ids of its orders."""

    name: str
    triggers: frozenset[type[Any]]
    reads: frozenset[type[Any]]  # the types of event that histories are made of
    react: Callable[[Recorded[Any], Rules], Reaction]

    @property
    def event_types(self) -> frozenset[str]:
        """The names of the events it hears."""
        return frozenset(event.__name__ for event in self.triggers)
