"""A rebuild parks what cannot be taken in as live work does, where the view is to park."""

import pytest

from projections.halting import ViewHalted
from tests.conftest import Database
from tests.projections.histories import store
from tests.projections.running import HISTORY, query, query_all
from tests.projections.test_parking import VIEWS, bad_at, broken, rebuilt, runner, state, unpark


@pytest.mark.parametrize("batch_size", [10, 10_000])
def test_a_rebuild_parks_what_cannot_be_taken_in_and_goes_on_as_live_work_does(
    fresh_database: Database, batch_size: int
) -> None:
    """Two poison events of one stream and one of another; the first of each counts."""
    streams = list(dict.fromkeys(item.stream_id for item in HISTORY))[1:3]
    first, other = ([i.position for i in HISTORY if i.stream_id == one] for one in streams)
    name, is_bad = "timeline", bad_at(first[2], first[4], other[3])
    store(fresh_database.owner, HISTORY)
    runner(fresh_database, VIEWS[name]).catch_up()
    told: list[str] = []
    with pytest.raises(ViewHalted, match=f"position {min(first[2], other[3])} "):
        runner(fresh_database, broken(name, is_bad)).rebuild(name, batch_size)
    assert state(fresh_database, name).parked == 0

    rebuilding = runner(fresh_database, broken(name, is_bad), parks=[name])
    assert rebuilding.rebuild(name, batch_size, tell=told.append) == len(HISTORY)
    found = state(fresh_database, name)
    assert (found.parked, found.passed_over) == (2, len(first[2:]) + len(other[3:]))
    assert "2 streams parked: see `closedloop status`" in told
    parked = "SELECT stream_id, position, type, cause FROM views.parked ORDER BY stream_id"
    by_rebuild, made_anew = query(fresh_database, parked), rebuilding.digest(name)
    assert all(cause.startswith("ValueError in ") for *_, cause in by_rebuild)

    query_all(
        fresh_database,
        "UPDATE views.positions SET position = 0; DELETE FROM views.parked;"
        "DELETE FROM views.timeline; DELETE FROM views.timeline_ends",
    )
    live = runner(fresh_database, broken(name, is_bad), parks=[name], batch_size=batch_size)
    live.catch_up()
    assert (live.digest(name), query(fresh_database, parked)) == (made_anew, by_rebuild)
    for stream in streams:
        unpark(fresh_database, VIEWS[name], stream)
    healed = live.digest(name)
    assert healed == rebuilt(fresh_database, VIEWS[name])


@pytest.mark.parametrize("name", ["timeline", "sla", "preventions"])
@pytest.mark.parametrize("batch_size", [10, 10_000])
def test_a_rebuild_parks_what_a_newer_release_wrote_whatever_the_view_takes_in(
    fresh_database: Database, batch_size: int, name: str
) -> None:
    """Two unknown events of one stream, a poison one before another, and a stream's first."""
    streams = list(dict.fromkeys(item.stream_id for item in HISTORY))[:3]
    first, other, third = ([i.position for i in HISTORY if i.stream_id == s] for s in streams)
    view = broken(name, bad_at(other[1])) if name == "timeline" else VIEWS[name]
    store(fresh_database.owner, HISTORY)
    query_all(
        fresh_database,
        "ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever;"
        "UPDATE ledger.events SET type = 'ComplaintPraised'"
        f" WHERE position IN ({first[2]}, {other[3]});"
        f"UPDATE ledger.events SET schema_version = 99 WHERE position IN ({first[4]}, {third[0]})",
    )
    rebuilding = runner(fresh_database, view, parks=[name])
    assert rebuilding.rebuild(name, batch_size) == len(HISTORY)
    parked = "SELECT stream_id, position, type, cause FROM views.parked ORDER BY stream_id"
    by_rebuild, made_anew = query(fresh_database, parked), rebuilding.digest(name)
    poisoned = other[1] if name == "timeline" else other[3]
    assert sorted(p for _, p, _, _ in by_rebuild) == sorted([first[2], poisoned, third[0]])

    query_all(
        fresh_database,
        "UPDATE views.positions SET position = 0; DELETE FROM views.parked;"
        + ";".join(f"DELETE FROM views.{table.name}" for table in VIEWS[name].tables),
    )
    live = runner(fresh_database, view, parks=[name], batch_size=batch_size)
    live.catch_up()
    assert (live.digest(name), query(fresh_database, parked)) == (made_anew, by_rebuild)
    assert live.rebuild(name, batch_size) == len(HISTORY), "what is parked already is left out"
    assert (live.digest(name), query(fresh_database, parked)) == (made_anew, by_rebuild)


def test_a_rebuild_parks_what_came_since_it_began_too(fresh_database: Database) -> None:
    """Met by live work, which parks it as well, and by the rebuild that catches up."""
    name, half = "timeline", len(HISTORY) // 2
    poison = next(item for item in HISTORY[half:] if item.version > 1)
    store(fresh_database.owner, HISTORY[:half])
    view = broken(name, bad_at(poison.position))
    working = runner(fresh_database, view, parks=[name])
    working.catch_up()
    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        if line == "making indexes":
            store(fresh_database.owner, HISTORY[half:])
            working.catch_up()

    assert working.rebuild(name, tell=tell) == len(HISTORY)
    assert not [line for line in lines if "begins anew" in line]
    assert state(fresh_database, name).parked == 1
    unpark(fresh_database, VIEWS[name], poison.stream_id)
    assert working.digest(name) == rebuilt(fresh_database, VIEWS[name])
