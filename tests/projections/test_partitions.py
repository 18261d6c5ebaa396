"""Views hold the same with one partition and with four, but for the places in the ledger."""

from typing import Any

import psycopg
import pytest
from psycopg import sql

from ledger.embedded import Embedded
from ledger.ids import partition_of
from ledger.migrate import migrate
from projections import all_views
from projections.view import Table
from tests.conftest import Database, new_database
from tests.projections.conftest import REFUSED, SIGNALLED
from tests.projections.customer_histories import random_customers
from tests.projections.folding import told
from tests.projections.histories import SECRET, in_stream, random_histories, store, woven
from tests.projections.running import runner

PLACES = {"partition", "ledger_position", "tracking_number"}
"""Columns that say where an event stands."""

HISTORY = woven(
    random_histories(seed=31, complaints=60),
    random_customers(seed=32, customers=8),
    *(in_stream(900_000 + number, [told(REFUSED, number)]) for number in range(8)),
    *(in_stream(910_000 + number, [told(SIGNALLED, number)]) for number in range(8)),
)
TABLES = [table for view in all_views(SECRET) for table in view.tables]


@pytest.fixture(scope="module")
def one_and_four(server: Embedded, migrated: str) -> tuple[Database, Database]:
    """The same events in one partition and in four, taken in by every view."""
    databases = new_database(server, migrated), new_database(server, migrated)
    migrate(databases[1].owner, partitions=4)
    for database in databases:
        store(database.owner, HISTORY)
        runner(database).catch_up()
    return databases


def content(database: Database, table: Table) -> list[tuple[Any, ...]]:
    """The rows of a table without their places, as text, in an order of their own."""
    columns = [
        sql.SQL("{}::text").format(sql.Identifier(c)) for c in table.columns if c not in PLACES
    ]
    statement = sql.SQL("SELECT {} FROM views.{}").format(
        sql.SQL(", ").join(columns), sql.Identifier(table.name)
    )
    with psycopg.connect(database.owner) as connection:
        return sorted(connection.execute(statement).fetchall(), key=str)


def test_the_events_are_really_spread() -> None:
    assert {partition_of(event.stream_id, 4) for event in HISTORY} == {0, 1, 2, 3}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_view_holds_the_same_with_one_partition_and_with_four(
    table: Table, one_and_four: tuple[Database, Database]
) -> None:
    one, four = one_and_four
    found = content(one, table)
    assert found, "a table that stays empty shows nothing"
    assert content(four, table) == found
