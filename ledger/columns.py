"""Columns of a batch, as arrays in the binary format of PostgreSQL.

The driver looks at every value of a list to find out what it is. It is known here, which halves the
time that the arrays of a batch take.
"""

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar

import psycopg
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types import TypeInfo

_NULL = (-1).to_bytes(4, "big", signed=True)
_OF_UUID = (16).to_bytes(4, "big")
_integer, _smallint = struct.Struct("!ii").pack, struct.Struct("!ih").pack
_header = struct.Struct("!iiIii").pack  # dimensions, whether there are NULLs, type; length, from


class Column(list[Any], ABC):
    """Values of one type of PostgreSQL."""

    type: ClassVar[TypeInfo]

    @abstractmethod
    def elements(self) -> Iterable[bytes]:
        """Each value after its length."""


class Uuids(Column):
    """Ids; None where there is none."""

    type = psycopg.adapters.types["uuid"]

    def elements(self) -> Iterable[bytes]:
        """Each value after its length."""
        return [_NULL if one is None else _OF_UUID + one.bytes for one in self]


class Texts(Column):
    """Texts of which there are few different ones, such as names of events."""

    type = psycopg.adapters.types["text"]

    def elements(self) -> Iterable[bytes]:
        """Each value after its length."""
        return map(_text, self)


class Blobs(Column):
    """Bytes; None where there are none."""

    type = psycopg.adapters.types["bytea"]

    def elements(self) -> Iterable[bytes]:
        """Each value after its length."""
        return [_NULL if one is None else len(one).to_bytes(4, "big") + one for one in self]


class Integers(Column):
    """Whole numbers of 32 bits."""

    type = psycopg.adapters.types["int4"]

    def elements(self) -> Iterable[bytes]:
        """Each value after its length."""
        return [_integer(4, one) for one in self]


class Smallints(Column):
    """Whole numbers of 16 bits."""

    type = psycopg.adapters.types["int2"]

    def elements(self) -> Iterable[bytes]:
        """Each value after its length."""
        return [_smallint(2, one) for one in self]


@lru_cache(1024)
def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(4, "big") + encoded


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def __init__(self, cls: type[Column], context: AdaptContext | None = None) -> None:
        super().__init__(cls, context)
        self.oid = cls.type.array_oid

    def dump(self, obj: Column) -> bytes:
        elements = list(obj.elements())
        header = _header(1, _NULL in elements, obj.type.oid, len(obj), 1)
        return header + b"".join(elements)


psycopg.adapters.register_dumper(Column, _ColumnDumper)
