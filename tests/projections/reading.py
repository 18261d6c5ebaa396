"""Reading as the BI role does."""

from typing import Any

import psycopg

from tests.conftest import Database


def rows(database: Database, statement: str, **params: Any) -> list[tuple[Any, ...]]:
    """What the BI role reads."""
    with psycopg.connect(database.uri("closedloop_bi"), options="-c timezone=UTC") as connection:
        return connection.execute(statement, params).fetchall()
