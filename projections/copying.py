"""Rows written by COPY, into a table that nobody reads yet.

A row as a JSON array, without its brackets, is a line of CSV in which a backslash escapes: strings
are quoted, numbers, booleans and null are not. So whole tables are encoded by one call of msgspec.
Only control characters are escaped otherwise: line breaks are put back, and rows that hold any
other go the way of live batches.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import astuple

from projections.reader import Connection
from projections.view import Row, Table

_encoder = msgspec.json.Encoder()
_encode_lines, _encode = _encoder.encode_lines, _encoder.encode


def _json(value: Any) -> str:
    return _encode(value).decode()


def _array(value: Sequence[str]) -> str:
    told = _json(value)
    if "\\" not in told:
        return "{" + told[1:-1] + "}"
    escaped = (item.replace("\\", "\\\\").replace('"', '\\"') for item in value)
    return "{" + ",".join(f'"{item}"' for item in escaped) + "}"


def _hex(value: bytes) -> str:
    return f"\\x{value.hex()}"


_AS_TEXT: dict[str, Callable[[Any], str]] = {"jsonb": _json, "text[]": _array, "bytea": _hex}
"""How a value is written whose JSON is not its text in PostgreSQL."""


def copy_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Add rows of streams that have none in the table."""
    lines = _with_line_breaks(_lines(table, rows))
    if lines is None:
        connection.execute(table.upsert, {"rows": _json(rows)}, prepare=True)
        return
    with connection.cursor().copy(table.copy) as copy:
        copy.write(lines)


def _with_line_breaks(lines: bytes) -> bytes | None:
    """The lines with line breaks as such; None where another control character is escaped.

    Two backslashes are one that stands for itself; no NUL is in JSON, so it may mark them. (To look
    for escapes with a regular expression took longer than all else that writing a row takes.)
    """
    if lines.count(b"\\") == lines.count(rb"\""):  # each before a quote, as in most tables
        return lines
    marked = lines.replace(rb"\\", b"\0").replace(rb"\n", b"\n")
    if b"\\" in marked.replace(rb"\"", b""):
        return None
    return marked.replace(b"\0", rb"\\")


def _lines(table: Table, rows: Sequence[Row]) -> bytes:
    """One line a row."""
    told = [
        (place, _AS_TEXT[table.types[name]])
        for place, name in enumerate(table.columns)
        if table.types[name] in _AS_TEXT
    ]
    if not told:
        lines = _encode_lines([astuple(row) for row in rows])
    else:
        values = [list(astuple(row)) for row in rows]
        for place, as_text in told:
            for row in values:
                if row[place] is not None:
                    row[place] = as_text(row[place])
        lines = _encode_lines(values)
    # No line break stands within a string: JSON escapes it.
    return lines[1:-2].replace(b"]\n[", b"\n")
