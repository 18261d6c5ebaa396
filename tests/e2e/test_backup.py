"""A backup is made while everybody works, and what is restored from it goes on by itself."""

import fcntl
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from msgspec.structs import replace

from ledger import backup_file
from ledger.backup import back_up
from ledger.backup_file import Backup
from ledger.database import DatabaseError
from ledger.embedded import Embedded
from ledger.migrate import migrate
from ledger.restore import Target, check_secret, restore
from projections import VIEWS
from tests.api.serving import SECRET, Api, runner_of, served
from tests.conftest import Database, new_database
from tests.waiting import wait_until

ENOUGH = 10  # complaints before the backup begins, and again before the writers stop
EVENTS = """
SELECT partition, position, stream_id, version, type, recorded_at, data, metadata
FROM ledger.events ORDER BY partition, position"""
KEYS = "SELECT * FROM ledger.keys ORDER BY key_id"
HEADS = "SELECT partition, position FROM ledger.heads"


def rows(database: Database, statement: Any, *values: Any) -> list[Any]:
    with psycopg.connect(database.owner) as connection:
        return connection.execute(statement, values or None).fetchall()


def target(server: Embedded, database: Database) -> Target:
    return Target(database.owner, server.superuser_uri())


class Writers:
    """Callers that register complaints without a pause, and remember the answers."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(name,)) for name in "ab"]
        self.answers: dict[str, Any] = {}

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def write_more(self) -> None:
        before = len(self.answers)
        wait_until(lambda: len(self.answers) >= before + ENOUGH)

    def _write(self, name: str) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            key = f"{name}-{number}"
            self.answers[key] = order(self._api, key).json()


def order(api: Api, key: str) -> Any:
    body = {"channel": "phone", "source_system": "s", "nature": "complaint", "origin": "person"}
    response = api.post("/v1/complaints", {**body, "external_ref": key}, key=key)
    assert response.status_code == 201, response.text
    return response


class Past(NamedTuple):
    """A ledger whose servers have stopped, a backup of it, and what its clients were answered."""

    database: Database
    backup: Backup
    answers: dict[str, Any]


@pytest.fixture(scope="module")
def past(server: Embedded, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Past:
    """The backup was made while complaints came in and views were kept."""
    database = new_database(server, migrated)
    migrate(database.owner, partitions=2, secret=SECRET)
    file = tmp_path_factory.mktemp("backup") / "ledger.backup"
    with served(database) as api, Writers(api) as writers:
        writers.write_more()
        back_up(database.owner, file)
        writers.write_more()
    return Past(database, backup_file.read(file), writers.answers)


def test_what_is_restored_is_the_moment_of_the_backup_and_goes_on(
    server: Embedded, past: Past, fresh_database: Database
) -> None:
    worked_on, backup, answers = past
    heads = backup.manifest.heads
    assert sum(heads.values()) < sum(dict(rows(worked_on, HEADS)).values()), "it went on"
    assert (backup.path.stat().st_mode & 0o777) == 0o600
    with psycopg.connect(fresh_database.owner) as connection:  # killed before its tables were back
        connection.execute("DROP SCHEMA ledger, views, generations, bi CASCADE")
    assert restore(backup, target(server, fresh_database), SECRET) is None

    assert dict(rows(fresh_database, HEADS)) == heads
    there = [row for row in rows(worked_on, EVENTS) if row[1] <= heads[row[0]]]
    assert rows(fresh_database, EVENTS) == there
    assert rows(fresh_database, KEYS) == rows(worked_on, KEYS)
    positions = rows(fresh_database, "SELECT view, partition, position FROM views.positions")
    assert {(v, p): n for v, p, n in positions} == {
        (view, partition): position
        for view, places in backup.manifest.views.items()
        for partition, position in places.items()
    }, "views are as far as they were, with the rows of then"
    held = "SELECT holder IS NOT NULL FROM views.positions GROUP BY 1"
    assert rows(fresh_database, held) == [(False,)], "workers take them over at once"
    with psycopg.connect(fresh_database.app) as app, pytest.raises(psycopg.Error):
        app.execute("DELETE FROM ledger.events")

    with served(fresh_database) as api:  # workers go on, commands are remembered, new ones taken
        known, lost = by_head(answers, heads)
        assert known
        assert lost
        for key in (known[0], known[-1]):
            again = order(api, key)
            assert again.json() == answers[key]
        assert order(api, lost[-1]).json()["complaint_id"] != answers[lost[-1]]["complaint_id"]
        api.settle()
    views = runner_of(fresh_database)
    for view in VIEWS:
        live = views.digest(view)
        views.rebuild(view)
        assert views.digest(view) == live, view


def by_head(answers: dict[str, Any], heads: dict[int, int]) -> tuple[list[str], list[str]]:
    """The keys of commands that the backup holds, and of those that came after it."""
    known, lost = [], []
    for key, answer in answers.items():
        partition, _, position = answer["position"].partition(":")
        (known if int(position) <= heads[int(partition)] else lost).append(key)
    return known, lost


def test_a_ledger_is_replaced_only_when_asked_and_kept(
    server: Embedded, past: Past, fresh_database: Database, tmp_path: Path
) -> None:
    backup = past.backup
    place = target(server, fresh_database)
    with served(fresh_database) as api:
        order(api, "another")
        with pytest.raises(DatabaseError, match="--replace"):
            restore(backup, place, SECRET)
        with pytest.raises(DatabaseError, match="connected to the database: closedloop_app"):
            restore(backup, place, SECRET, replace=True)
    before = rows(fresh_database, EVENTS)
    owner_alone = Target(fresh_database.owner, Database(server, "postgres").owner)
    with pytest.raises(DatabaseError, match="CREATEDB"):
        restore(backup, owner_alone, SECRET, replace=True)
    words = ("restore", str(backup.path), "--replace", "--yes")
    process = command(fresh_database.superuser, tmp_path, *words)
    beside = "SELECT FROM pg_database WHERE datname = %s"
    wait_until(lambda: rows(past.database, beside, f"{fresh_database.name}_restoring"))
    process.kill()
    process.wait()
    assert rows(fresh_database, EVENTS) == before, "untouched by what was refused, or killed"

    kept = restore(backup, place, SECRET, replace=True)
    assert dict(rows(fresh_database, HEADS)) == backup.manifest.heads
    assert kept is not None
    assert rows(Database(server, kept), EVENTS) == before
    runner_of(fresh_database).catch_up()


def test_a_file_that_is_not_a_whole_backup_of_ours_is_refused(past: Past, tmp_path: Path) -> None:
    whole = past.backup.path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    for number, (content, why) in enumerate(
        (
            (b"", "no backup"),
            (b"%PDF-1.7 of another kind", "no backup"),
            (whole[: len(whole) // 2], "cut short"),
            (whole[:-1], "cut short"),
            (whole[:1000] + whole[2000:], "damaged"),
            (bytes(damaged), "content has changed"),
        )
    ):
        file = tmp_path / f"{number}"
        file.write_bytes(content)
        with pytest.raises(DatabaseError, match=why):
            backup_file.verify(backup_file.read(file))


def test_a_backup_needs_the_secret_and_the_release_it_was_made_with(
    server: Embedded, past: Past, fresh_database: Database, tmp_path: Path
) -> None:
    backup = past.backup
    check_secret(backup.manifest, SECRET, tmp_path)
    with pytest.raises(DatabaseError, match="another secret"):
        check_secret(backup.manifest, SECRET[::-1], tmp_path)
    with pytest.raises(DatabaseError, match="is missing: bring"):
        check_secret(backup.manifest, None, tmp_path)
    for change, why in (
        ({"format": "99"}, "format 99"),
        ({"migrations": [*backup.manifest.migrations, "9999_later"]}, "later release"),
        ({"postgresql": 99}, "the same or a later version"),
        ({"roles": ["metabase"]}, "CREATE ROLE"),
    ):
        other = backup._replace(manifest=replace(backup.manifest, **change))
        with pytest.raises(DatabaseError, match=why):
            restore(other, target(server, fresh_database), SECRET)
    assert rows(fresh_database, HEADS) == [(0, 0)]


def test_a_backup_that_is_killed_leaves_no_file_and_the_next_succeeds(
    past: Past, tmp_path: Path
) -> None:
    owner, file = past.database.owner, tmp_path / "ledger.backup"
    with psycopg.connect(owner) as blocker, psycopg.connect(owner, autocommit=True) as looking:
        blocker.execute("LOCK TABLE ledger.events")
        process = command(owner, tmp_path, "backup", str(file))
        wait_until(lambda: looking.execute(WAITING).fetchone() == (1,))
        process.kill()
        process.wait()
        with pytest.raises(DatabaseError, match="another backup is being written"):
            back_up(owner, file)  # by pg_dump, which has not been told yet
        assert not file.exists()
        blocker.rollback()
    wait_until(lambda: is_free(file.with_name("ledger.backup.part")))
    assert back_up(owner, file).events
    with pytest.raises(DatabaseError, match="--force"):
        back_up(owner, file)
    with pytest.raises(DatabaseError, match="refused"):
        back_up("postgresql://nobody@127.0.0.1:1/nothing", file, force=True)
    backup_file.verify(backup_file.read(file))
    assert list(tmp_path.glob("*.part")) == []


def test_of_two_backups_the_one_that_finishes_meanwhile_is_not_written_over(
    fresh_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, lock = tmp_path / "ledger.backup", fcntl.flock
    part = tmp_path / "ledger.backup.part"

    def finish_first(handle: int, how: int) -> None:
        """The other one renames what has just been opened here."""
        monkeypatch.setattr(fcntl, "flock", lock)
        part.write_bytes(b"whole")
        part.chmod(0o440)
        part.rename(file)
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", finish_first)
    with pytest.raises(DatabaseError, match="--force"):
        back_up(fresh_database.owner, file)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"whole", 0o440)
    assert not part.exists()

    monkeypatch.setattr(fcntl, "flock", finish_first)
    assert back_up(fresh_database.owner, file, force=True)
    assert file.stat().st_mode & 0o777 == 0o600, "its own, and nobody else's to read"
    backup_file.verify(backup_file.read(file))


WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'pg_dump' AND wait_event_type = 'Lock'"""


def is_free(unfinished: Path) -> bool:
    """Whether pg_dump has let go of its file: it takes leave of PostgreSQL a little earlier."""
    with unfinished.open("rb") as file, suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def command(uri: str, folder: Path, *words: str) -> "subprocess.Popen[bytes]":
    secret = folder / "secret"
    secret.write_text(SECRET.hex())
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli", *words],
        env={**os.environ, "DATABASE_URL": uri, "CLOSEDLOOP_DATA": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
