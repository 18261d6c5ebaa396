"""Setting a database up: at once, again, with partitions; and what a release refuses."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ledger import database as connections
from ledger.database import DatabaseError
from ledger.migrate import MIGRATIONS, check, migrate, missing_migrations
from tests.conftest import Database


def test_four_migrations_at_once_apply_each_file_once(empty_database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrate, [empty_database.owner] * 4))
    names = [path.stem for path in sorted(MIGRATIONS.glob("*.sql"))]
    assert sorted(applied, key=len) == [[], [], [], names]
    with psycopg.connect(empty_database.owner) as connection:
        assert missing_migrations(connection) == []


def test_a_database_that_is_not_set_up_is_told_so(empty_database: Database) -> None:
    with psycopg.connect(empty_database.owner, autocommit=True) as connection:
        assert missing_migrations(connection)
        with pytest.raises(DatabaseError, match="run `closedloop migrate`"):
            check(connection)


def test_partitions_are_fixed_once_there_are_events(fresh_database: Database) -> None:
    migrate(fresh_database.owner, partitions=4)
    migrate(fresh_database.owner, partitions=2)
    insert = (
        "INSERT INTO ledger.events VALUES (%s, 1, '01a1ffc7-105a-7e66-8297-3ec6ab9b8900', 1, 'T',"
        " 1, now(), '{}', '{}')"
    )
    with psycopg.connect(fresh_database.owner, autocommit=True) as connection:
        heads = connection.execute("SELECT partition FROM ledger.heads ORDER BY 1").fetchall()
        assert heads == [(0,), (1,)]
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(insert, (1,))
        connection.execute(insert, (0,))
    migrate(fresh_database.owner, partitions=2)
    with pytest.raises(DatabaseError, match="not empty"):
        migrate(fresh_database.owner, partitions=1)


def test_a_zone_that_is_none_is_refused(fresh_database: Database) -> None:
    with pytest.raises(DatabaseError, match="no time zone"):
        migrate(fresh_database.owner, zone="Mars/Olympus")
    migrate(fresh_database.owner, zone="Europe/Berlin")
    with psycopg.connect(fresh_database.owner) as connection:
        zone = connection.execute("SELECT value FROM ledger.settings WHERE name = 'zone'")
        assert zone.fetchone() == ("Europe/Berlin",)


def test_data_of_another_format_is_refused_with_the_way_out(fresh_database: Database) -> None:
    with psycopg.connect(fresh_database.owner, autocommit=True) as owner:
        owner.execute("UPDATE ledger.settings SET value = '99' WHERE name = 'format'")
    with (
        connections.connect(fresh_database.app) as connection,
        pytest.raises(DatabaseError, match="format 99, this release reads 1: use the release"),
    ):
        check(connection)


def test_a_database_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(DatabaseError) as refused:
        migrate("postgresql://nobody@127.0.0.1:1/nothing")
    assert "\n" not in str(refused.value)
