"""Columns of a batch, as arrays in the binary format of PostgreSQL.

The driver looks at every value of a list to find out what it is. It is known here, which halves the
time that the arrays of a batch take.
"""

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_NULL = (-1).to_bytes(4, "big", signed=True)
_OF_UUID = (16).to_bytes(4, "big")
_integer, _smallint = struct.Struct("!ii").pack, struct.Struct("!ih").pack
_header, _nothing = struct.Struct("!iiIii").pack, struct.Struct("!iiI").pack


class Uuids(list[UUID | None]):
    """Of type uuid[]."""


class Texts(list[str]):
    """Of type text[]; few different ones, such as names of events."""


class Blobs(list[bytes | None]):
    """Of type bytea[]."""


class Integers(list[int]):
    """Of type int[]."""


class Smallints(list[int]):
    """Of type smallint[]."""


class _ArrayDumper(Dumper):
    format = Format.BINARY
    of: ClassVar[int]  # the type of an element

    def dump(self, obj: list[Any]) -> Buffer:
        if not obj:
            return _nothing(0, 0, self.of)
        has_null = int(None in obj)
        return _header(1, has_null, self.of, len(obj), 1) + b"".join(self.elements(obj))

    def elements(self, values: list[Any]) -> Iterable[bytes]:
        """Each value after its length."""
        raise NotImplementedError


class _UuidsDumper(_ArrayDumper):
    oid, of = 2951, 2950

    def elements(self, values: list[UUID | None]) -> Iterable[bytes]:
        return [_NULL if one is None else _OF_UUID + one.bytes for one in values]


class _TextsDumper(_ArrayDumper):
    oid, of = 1009, 25

    def elements(self, values: list[str]) -> Iterable[bytes]:
        return map(_text, values)


class _BlobsDumper(_ArrayDumper):
    oid, of = 1001, 17

    def elements(self, values: list[bytes | None]) -> Iterable[bytes]:
        return [_NULL if one is None else len(one).to_bytes(4, "big") + one for one in values]


class _IntegersDumper(_ArrayDumper):
    oid, of = 1007, 23

    def elements(self, values: list[int]) -> Iterable[bytes]:
        return [_integer(4, one) for one in values]


class _SmallintsDumper(_ArrayDumper):
    oid, of = 1005, 21

    def elements(self, values: list[int]) -> Iterable[bytes]:
        return [_smallint(2, one) for one in values]


@lru_cache(1024)
def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(4, "big") + encoded


for _kind, _dumper in (
    (Uuids, _UuidsDumper),
    (Texts, _TextsDumper),
    (Blobs, _BlobsDumper),
    (Integers, _IntegersDumper),
    (Smallints, _SmallintsDumper),
):
    psycopg.adapters.register_dumper(_kind, _dumper)
