"""Fault 9: events that cannot be read, that nobody knows, or that a bug cannot take in."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.kernel import Recorded
from projections import VIEWS, all_views
from projections.view import Row, View
from tests.api.serving import SECRET
from tests.conftest import Database
from tests.faults.installation import Forked, Program, running
from tests.faults.invariants import agreed, at_head
from tests.faults.working import record, work
from tests.projections.histories import random_histories
from tests.projections.running import query
from tests.waiting import wait_until

POISON, BUGGY = 60, "timeline"
HISTORY = random_histories(seed=9, complaints=20)
KIND = type(HISTORY[POISON - 1].event).__name__
CHANGES = {
    "bytes that cannot be read": "data = '{'",
    "a type that nobody knows": "type = 'ComplaintPraised'",
    "a shape of a later release": "schema_version = 99",
}
TAKE_IT_IN = {view.name for view in all_views(SECRET) if KIND in view.event_types}


def with_a_bug(view: View) -> View:
    """The view as a release has it that fails at one event."""

    def fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Any:
        if any(item.position == POISON for item in events):
            raise ZeroDivisionError
        return view.fold(rows, events)

    broken = copy.copy(view)
    broken.fold = fold
    return broken


def work_with_a_bug(uri: str) -> None:
    views = [with_a_bug(view) if view.name == BUGGY else view for view in all_views(SECRET)]
    work(uri, views=views)


@pytest.mark.parametrize("poison", CHANGES)
def test_views_stand_before_what_cannot_be_read_and_go_on_once_it_can(
    poison: str, fresh_database: Database
) -> None:
    record(fresh_database, HISTORY)
    columns = "type, schema_version, data"
    [before] = query(
        fresh_database, f"SELECT {columns} FROM ledger.events WHERE position = {POISON}"
    )
    altered(fresh_database, CHANGES[poison])
    # What nobody knows concerns everybody: who can say that it does not?
    concerned = TAKE_IT_IN if "data" in CHANGES[poison] else set(VIEWS)
    with running(Forked(work, fresh_database.app)):
        wait_until(lambda: is_standing(fresh_database, concerned))
    altered(fresh_database, "type = %s, schema_version = %s, data = %s", *before)
    healed(fresh_database)


def test_a_view_with_a_bug_stands_before_the_event_and_others_go_on(
    fresh_database: Database,
) -> None:
    record(fresh_database, HISTORY)
    with running(Forked(work_with_a_bug, fresh_database.app)):
        wait_until(lambda: is_standing(fresh_database, {BUGGY}))
    healed(fresh_database)


def work_and_park(uri: str) -> None:
    work(uri, parks=[BUGGY], try_again_after=0.2)


def test_a_view_that_parks_counts_what_it_leaves_out_and_takes_it_in_later(
    fresh_database: Database, tmp_path: Path
) -> None:
    record(fresh_database, HISTORY)
    [before] = query(fresh_database, f"SELECT data FROM ledger.events WHERE position = {POISON}")
    altered(fresh_database, CHANGES["bytes that cannot be read"])
    parked = "SELECT view, stream_id, position FROM views.parked"
    stream = HISTORY[POISON - 1].stream_id
    with running(Forked(work_and_park, fresh_database.app)):
        wait_until(lambda: position_of(fresh_database, BUGGY) >= len(HISTORY))
        assert query(fresh_database, parked) == [(BUGGY, stream, POISON)]
    altered(fresh_database, "data = %s", *before)
    with running(Forked(work, fresh_database.app)):
        wait_until(lambda: at_head(fresh_database))
    (tmp_path / "secret").write_text(SECRET.hex())
    logins = {"DATABASE_URL": fresh_database.owner, "DATABASE_URL_APP": fresh_database.app}
    unparking = Program(tmp_path, "unpark", BUGGY, **logins)
    with running(unparking):
        unparking.process.join(60)
    assert unparking.process.exitcode == 0, unparking.said()
    assert query(fresh_database, parked) == []
    healed(fresh_database)


def position_of(database: Database, view: str) -> int:
    found = query(database, f"SELECT position FROM views.positions WHERE view = '{view}'")
    return int(found[0][0]) if found else 0


def altered(database: Database, change: str, *values: Any) -> None:
    """Damage an event, or repair it: events are for ever, so their guard is taken off."""
    with psycopg.connect(database.superuser) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(f"UPDATE ledger.events SET {change} WHERE position = {POISON}", values)


def is_standing(database: Database, concerned: set[str]) -> bool:
    """Whether these stand before the poison and say why, and the others have passed it."""
    found = {
        view: (position, cause is not None)
        for view, position, cause in query(
            database, "SELECT view, position, halted_cause FROM views.positions"
        )
    }
    return all(
        view in found
        and (found[view] == (POISON - 1, True) if view in concerned else found[view][0] >= POISON)
        for view in VIEWS
    )


def healed(database: Database) -> None:
    """A worker of a good release takes in what stood in the way, and all agree."""
    worker = Forked(work, database.app)
    with running(worker):
        wait_until(lambda: at_head(database))
        worker.stop()
    assert query(database, "SELECT view FROM views.positions WHERE halted_cause <> ''") == []
    agreed(database)
