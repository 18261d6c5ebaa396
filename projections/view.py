"""What a view is: a permanent name, tables described by their rows, and a pure fold.

Rows travel to the database as one JSON text a table, taken apart by `json_to_recordset`: for a
row of sixty columns that costs a third of `unnest` over sixty arrays, and less than COPY into a
temporary table, at every batch size from 10 to 1,000.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any

import msgspec
import msgspec.inspect as mi

from domain.kernel import Recorded


class Row(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A row of a view table: fields are columns, `partition` first, and a default is NULL."""

    partition: int


Fold = Callable[[Sequence[Row], Sequence[Recorded[Any]]], Iterable[Row]]
"""The rows one stream should have, from those it has and the events that follow, in order.

No two of them have the same key. A row that is not returned vanishes, except from a table that is
not loaded.
"""


class Table:
    """A table of a view, by the Struct of its rows and the fields that are its primary key."""

    def __init__(
        self,
        name: str,
        row: type[Row],
        key: tuple[str, ...],
        *,
        stream: str = "complaint_id",
        is_loaded: bool = True,
    ) -> None:
        """Describe `views.<name>`; one that is not loaded is only ever added to or overwritten."""
        self.name = name
        self.place = f"views.{name}"
        self.row = row
        self.key = key
        self.is_loaded = is_loaded
        self.key_of: Callable[[Row], tuple[Any, ...]] = attrgetter(*key)
        fields = msgspec.structs.fields(row)
        self.columns = tuple(field.name for field in fields)
        self.types = {field.name: _column_type(field.type) for field in fields}
        if any(not field.required and field.default is not None for field in fields):
            raise ValueError(f"a default of {row.__name__} is not NULL")
        if key[0] != "partition" or stream not in key or not set(key) <= set(self.columns):
            raise ValueError(f"the key of {name} has to begin with partition and hold {stream}")
        self.stream_of: Callable[[Row], Any] = attrgetter(stream)
        rest = [name for name in key if name not in ("partition", stream)]
        self.key_in_stream: Callable[[Row], Any] = attrgetter(*rest) if rest else _one_row
        self._stream = stream

    @cached_property
    def select(self) -> str:
        """Reads the rows of some streams."""
        return (
            f"SELECT {', '.join(self.columns)} FROM {self.place}"
            f" WHERE partition = %(partition)s AND {self._stream} = ANY(%(streams)s)"
        )

    @cached_property
    def select_all(self) -> str:
        """Reads every row in the order of the primary key, whatever the collation."""
        order = ", ".join(
            f'{name} COLLATE "C"' if self.types[name] == "text" else name for name in self.key
        )
        return f"SELECT {', '.join(self.columns)} FROM {self.place} ORDER BY {order}"

    @cached_property
    def upsert(self) -> str:
        """Inserts rows, or overwrites those that are there."""
        return self.upsert_rows("rows", "true")

    def upsert_rows(self, rows: str, condition: str) -> str:
        """The same with the rows of a parameter of some name, and only under a condition."""
        values = ", ".join(self._value(name) for name in self.columns)
        changes = ", ".join(
            f"{name} = EXCLUDED.{name}" for name in self.columns if name not in self.key
        )
        return (
            f"INSERT INTO {self.place} ({', '.join(self.columns)})"
            f" SELECT {values} FROM {self._recordset(self.columns, rows)} WHERE {condition}"
            f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changes}"
        )

    @cached_property
    def copy(self) -> str:
        """Adds rows, each a line of values; a backslash escapes."""
        return (
            f"COPY {self.place} ({', '.join(self.columns)}) FROM STDIN"
            " (FORMAT csv, ESCAPE '\\', NULL 'null')"
        )

    @cached_property
    def delete(self) -> str:
        """Deletes rows by their keys."""
        return self.delete_rows("rows", "true")

    def delete_rows(self, rows: str, condition: str) -> str:
        """The same with the keys of a parameter of some name, and only under a condition."""
        matches = " AND ".join(f"t.{name} = {self._value(name)}" for name in self.key)
        return (
            f"DELETE FROM {self.place} AS t USING {self._recordset(self.key, rows)}"
            f" WHERE {matches} AND {condition}"
        )

    @cached_property
    def delete_stream(self) -> str:
        """Deletes the rows of one stream."""
        return (
            f"DELETE FROM {self.place}"
            f" WHERE partition = %(partition)s AND {self._stream} = %(stream)s"
        )

    @cached_property
    def delete_all(self) -> str:
        """Deletes every row; readers keep the old ones until this is committed."""
        return f"DELETE FROM {self.place}"

    def at(self, generation: int) -> "Table":
        """The same table, in a generation that does not serve."""
        aside = Table(self.name, self.row, self.key, stream=self._stream, is_loaded=self.is_loaded)
        aside.place = f"generations.{self.name}_{generation}"
        return aside

    def _value(self, name: str) -> str:
        return f"decode(r.{name}, 'base64')" if self.types[name] == "bytea" else f"r.{name}"

    def _recordset(self, names: tuple[str, ...], rows: str) -> str:
        columns = ", ".join(
            f"{name} {'text' if self.types[name] == 'bytea' else self.types[name]}"
            for name in names
        )
        return f"json_to_recordset(%({rows})s::json) AS r ({columns})"


class View:
    """A read model: what some events leave, stream by stream."""

    def __init__(
        self,
        name: str,
        tables: tuple[Table, ...],
        events: Iterable[type[Any]],
        fold: Fold,
    ) -> None:
        """Name it for good (the name keys its position) and say which events it takes in."""
        self.name = name
        self.tables = tables
        self.fold = fold
        self.events = tuple(events)
        self.event_types = frozenset(event.__name__ for event in self.events)
        self.table_of = {table.row: table for table in tables}

    def at(self, generation: int) -> "View":
        """The same view, in a generation that does not serve."""
        tables = tuple(table.at(generation) for table in self.tables)
        return View(self.name, tables, self.events, self.fold)


def _one_row(row: Row) -> None:
    """The key within its stream of a row that has no other beside it."""


_TYPES: dict[type[mi.Type], str] = {
    mi.StrType: "text",
    mi.LiteralType: "text",
    mi.IntType: "bigint",
    mi.BoolType: "boolean",
    mi.DateTimeType: "timestamptz",
    mi.DateType: "date",
    mi.UUIDType: "uuid",
    mi.BytesType: "bytea",
    mi.DictType: "jsonb",
}


def _column_type(annotation: Any) -> str:
    """The type in which a field of a row is stored; there are no floats."""
    info = mi.type_info(annotation)
    if isinstance(info, mi.UnionType):
        [info] = [member for member in info.types if not isinstance(member, mi.NoneType)]
    if isinstance(info, mi.ListType):
        return "text[]" if isinstance(info.item_type, mi.StrType) else "jsonb"
    return _TYPES[type(info)]
