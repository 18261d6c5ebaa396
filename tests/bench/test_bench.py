"""What the bench stands on: a ledger like a real one, a fair baseline, and an honest verdict."""

from itertools import islice

import psycopg
import pytest

from api.registry import registry
from bench import history, library
from bench.__main__ import status
from bench.figures import FIGURES, Measured, Note, named
from bench.history import History
from bench.places import SECRET, Database
from bench.views import digest, keeping
from ledger.embedded import Embedded
from ledger.registry import COLUMNS
from projections import VIEWS, all_views
from tests import conftest
from tests.conftest import new_database

COMPLAINTS, EVENTS = 8, 300


def place(database: conftest.Database) -> Database:
    return Database(database.name, database.owner, database.app)


@pytest.fixture(scope="module")
def told(database: conftest.Database) -> History:
    """A few complaints, simulated."""
    return history.original(place(database), COMPLAINTS)


def test_the_ledger_that_is_made_is_dense_and_can_be_read(
    told: History, fresh_database: conftest.Database
) -> None:
    assert len(told) < EVENTS, "there is more than one copy"
    assert history.load(place(fresh_database), told.events(EVENTS)) == EVENTS
    with psycopg.connect(fresh_database.owner) as connection:
        rows = connection.execute(f"SELECT {COLUMNS} FROM ledger.events ORDER BY position")
        recorded = [registry().decode(row) for row in rows]
    assert [one.position for one in recorded] == list(range(1, EVENTS + 1))
    versions: dict[object, int] = {}
    for one in recorded:
        assert one.version == versions.get(one.stream_id, 0) + 1
        versions[one.stream_id] = one.version
    streams = [one.stream_id for one in recorded[:-1]]
    apart = sum(one != other.stream_id for one, other in zip(streams, recorded[1:], strict=True))
    assert apart > EVENTS / 4, "streams are interleaved"


def test_copies_share_no_stream_and_no_customer_and_are_the_same_each_time(told: History) -> None:
    first, second = list(told.copy(1)), list(told.copy(2))
    assert first == list(told.copy(1))
    assert not {row.stream_id for row in first} & {row.stream_id for row in second}
    assert not any(b"demo-customer-1-" in row.data for row in second)
    assert any(b"demo-customer-2-" in row.data for row in second)


@pytest.mark.parametrize("name", ["complaints", "customers"])
def test_the_librarys_runner_and_ours_leave_the_same_rows(
    name: str,
    told: History,
    server: Embedded,
    migrated: str,
) -> None:
    [view] = [view for view in all_views(SECRET) if view.name == name]
    theirs, mine = (place(new_database(server, migrated)) for _ in range(2))
    with library.following(theirs, view) as stock, keeping(mine, [view]) as ours:
        rows = told.events(2 * len(told))
        for _ in range(2):
            leg = list(islice(rows, len(told)))
            assert stock.events_per_second(history.load(theirs, leg)) > 0
            assert ours.seconds(leg) > 0
    assert digest(theirs, view) == digest(mine, view)


def test_a_figure_that_is_short_makes_the_status_1() -> None:
    faster = Measured(FIGURES["commands"], ((100.0, 1600.0), (100.0, 1500.0), (100.0, 10.0)))
    slower = Measured(FIGURES["commands"], ((100.0, 1600.0), (100.0, 1400.0), (100.0, 10.0)))
    assert (faster.ratio, faster.is_short) == (15.0, False), "the median counts"
    assert (slower.ratio, slower.is_short) == (14.0, True)
    longer = Measured(FIGURES["load"], ((1.0, 0.31),))
    assert longer.is_short, "of a time, less is better"
    note = Note("cpu", "something", "1 us")
    assert status([faster, note]) == 0
    assert status([faster, note, longer]) == 1
    assert status([slower]) == 1


def test_every_view_has_its_figures_and_an_unknown_name_is_refused() -> None:
    assert named(["live"]) == {f"live/{view}" for view in VIEWS}
    assert {f"rebuild/{view}" for view in VIEWS} < named([])
    with pytest.raises(ValueError, match="no figure is called liv"):
        named(["liv"])
