"""Generations of the tables of a view: the next is filled aside, then takes the place of the last.

What needs the owner of the tables is done by functions that the migrations made (0019).
"""

from typing import NamedTuple

from projections.reader import Connection
from projections.view import View

_BEGIN = "SELECT generations.begin(%(names)s)"
_MISSING = "SELECT name, index AS wanted FROM generations.missing(%(names)s, %(generation)s)"
_ADD_INDEX = "SELECT generations.add_index(%(name)s, %(generation)s, %(wanted)s)"
_SWAP = "SELECT generations.swap(%(names)s, %(generation)s)"
_ANALYZE = "SELECT generations.analyze(%(name)s, %(is_generation)s)"
_DROP_ASIDE = "SELECT generations.drop_aside(%(names)s)"
_LOCK = "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE"


class Index(NamedTuple):
    """An index of a table of a view."""

    name: str  # of the table
    wanted: str


def names_of(view: View) -> list[str]:
    """The tables of a view."""
    return [table.name for table in view.tables]


def begin(connection: Connection, view: View) -> int:
    """Make the next generation, empty and without indexes; returns its number."""
    [(generation,)] = connection.execute(_BEGIN, {"names": names_of(view)}).fetchall()
    return int(generation)


def missing_indexes(connection: Connection, view: View, generation: int) -> list[Index]:
    """The indexes that a generation lacks, those of its largest tables first."""
    asked = {"names": names_of(view), "generation": generation}
    return [Index(*row) for row in connection.execute(_MISSING, asked)]


def add_index(connection: Connection, generation: int, wanted: Index) -> None:
    """Make an index for a generation that does not serve yet."""
    connection.execute(_ADD_INDEX, {**wanted._asdict(), "generation": generation})


def swap(connection: Connection, view: View, generation: int) -> None:
    """Put a generation in the place of the one that serves, in a transaction of the caller's.

    Waits for whoever reads or writes the tables, all in all, not longer than the lock timeout a
    table: whoever comes later waits behind it.
    """
    names = names_of(view)
    connection.execute(_LOCK.format(", ".join(f"views.{name}" for name in names)).encode())
    connection.execute(_SWAP, {"names": names, "generation": generation})


def analyze(connection: Connection, name: str, *, is_generation: bool) -> None:
    """Have the planner know a table of a view, or the generation of it that serves."""
    connection.execute(_ANALYZE, {"name": name, "is_generation": is_generation})


def drop_aside(connection: Connection, view: View) -> int:
    """Drop what does not serve: an earlier generation, or one begun; returns how many tables."""
    [(dropped,)] = connection.execute(_DROP_ASIDE, {"names": names_of(view)}).fetchall()
    return int(dropped)
