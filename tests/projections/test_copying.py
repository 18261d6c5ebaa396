"""Rows that a rebuild copies are, to the last character, those that live work writes."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import psycopg
import pytest

from projections.copying import copy_rows
from projections.reader import Connection
from projections.search import SEARCH, SearchRow
from projections.view import Row, Table
from tests.conftest import Database

NASTY = [
    "plain",
    "",
    "null",
    'say "so"',
    "back\\slash\\",
    "a,b;{c}",
    "line\nbreak\\n",
    "\n\n\\\n",
    "tab\tcr\r",
    "\x01\x7f",
    "新买的空调 😡",
    "\\N",
    '"\\"',
    "'",
    "NULL",
]


@pytest.mark.parametrize("text", [*NASTY, "\n".join(NASTY)])
def test_a_copied_row_is_the_row_that_live_work_writes(database: Database, text: str) -> None:
    row = SearchRow(0, UUID(int=7), {text: [text, text]}, text, [text, text[::-1], text])
    found = []
    for write in (copy_rows, _upsert):
        with psycopg.connect(database.app) as connection:
            write(connection, SEARCH, [row])
            asked = {"partition": 0, "streams": [row.complaint_id]}
            found += connection.execute(SEARCH.select, asked).fetchall()
            connection.rollback()
    assert found == [found[0]] * 2
    assert SearchRow(*found[0]) == row


def _upsert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    connection.execute(table.upsert, {"rows": msgspec.json.encode(rows).decode()})
