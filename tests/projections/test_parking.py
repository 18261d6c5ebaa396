"""What a view cannot take in is parked or skipped, counted, and healed: live equals rebuilt."""

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace

from domain.complaint import COMPLAINT
from domain.complaint.contact import ContactRecorded
from domain.complaint.merge import ComplaintMerged
from domain.kernel import Recorded
from domain.policies.policy import Reaction
from domain.policies.tell_survivor_of_merge import TELL_SURVIVOR_OF_MERGE
from domain.rules import Rules
from ledger.migrate import migrate
from projections import all_views, parking
from projections.engine import Runner
from projections.halting import ViewHalted
from projections.lag import State, states_of
from projections.parking import CannotSetAside
from projections.view import Row, View
from tests.conftest import Database
from tests.projections import reacting
from tests.projections.histories import REGISTRY, SECRET, store
from tests.projections.merging import merges, what_survivors_heard
from tests.projections.running import HISTORY, query_all

POISON = next(item for item in HISTORY if isinstance(item.event, ContactRecorded))
VIEWS = {view.name: view for view in all_views(SECRET)}
IsBad = Callable[[Recorded[Any]], bool]


def broken(name: str, is_bad: IsBad) -> View:
    """A view that cannot take some events in."""
    good = VIEWS[name]

    def fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Any:
        if any(map(is_bad, events)):
            raise ValueError("空调不制冷")
        return good.fold(rows, events)

    return View(name, good.tables, COMPLAINT.events, fold)


def bad_at(*positions: int) -> IsBad:
    return lambda item: item.position in positions


def runner(database: Database, *views: View, **options: Any) -> Runner:
    return Runner(database.app, None, REGISTRY, views, **options)


def state(database: Database, name: str) -> State:
    with psycopg.connect(database.app) as connection:
        [found] = states_of(connection, [name])
    return found


def by_hand(database: Database, change: Callable[..., Any], *arguments: Any) -> Any:
    with psycopg.connect(database.app, autocommit=True) as connection:
        return change(connection, *arguments)


def unpark(database: Database, view: View, stream: UUID, partitions: int = 1) -> None:
    by_hand(database, parking.unpark, REGISTRY, view, partitions, stream)


def skip(database: Database, view: str, position: int) -> None:
    by_hand(database, parking.skip, view, (0, position), "a test", "tester")


def rebuilt(database: Database, view: View) -> str:
    running = runner(database, view)
    running.rebuild(view.name)
    return running.digest(view.name)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_a_view_that_parks_passes_one_stream_over_and_heals_when_it_is_unparked(
    fresh_database: Database, batch_size: int
) -> None:
    store(fresh_database.owner, HISTORY)
    good, bad = VIEWS["timeline"], broken("timeline", bad_at(POISON.position))
    running = runner(fresh_database, bad, batch_size=batch_size, parks=["timeline"])
    running.catch_up()
    assert running.halted() == {}
    later = [
        item
        for item in HISTORY
        if item.stream_id == POISON.stream_id and item.position >= POISON.position
    ]
    stands = state(fresh_database, "timeline")
    assert (stands.behind, stands.parked, stands.passed_over) == (0, 1, len(later))
    assert rebuilt(fresh_database, good) == running.digest("timeline"), "it stays parked"

    with pytest.raises(CannotSetAside, match=f"stays parked in timeline: 0:{POISON.position} "):
        unpark(fresh_database, bad, POISON.stream_id)
    unpark(fresh_database, good, POISON.stream_id)
    stands = state(fresh_database, "timeline")
    assert (stands.parked, stands.passed_over) == (0, 0)
    live = running.digest("timeline")
    assert rebuilt(fresh_database, good) == live
    query_all(fresh_database, "DELETE FROM views.timeline; DELETE FROM views.timeline_ends")
    query_all(fresh_database, "DELETE FROM views.positions")
    running = runner(fresh_database, good)
    running.catch_up()
    assert running.digest("timeline") == live, "as if it had never been parked"


def test_a_halted_view_goes_on_once_its_stream_is_parked_or_the_event_skipped(
    fresh_database: Database,
) -> None:
    store(fresh_database.owner, HISTORY)
    for name, change in (
        ("sla", lambda: by_hand(fresh_database, parking.park, VIEWS["sla"], 1, None)),
        ("work", lambda: skip(fresh_database, "work", POISON.position)),
    ):
        bad = broken(name, bad_at(POISON.position))
        with pytest.raises(ViewHalted):
            runner(fresh_database, bad).catch_up()
        stands = state(fresh_database, name)
        assert stands.position == POISON.position - 1
        assert stands.halted_before == "ContactRecorded"
        assert (stands.halted_cause or "").startswith("ValueError in test_parking.py")
        change()
        assert state(fresh_database, name).halted_cause is None
        runner(fresh_database, bad).catch_up()
        stands = state(fresh_database, name)
        assert (stands.behind, stands.parked, stands.skipped) == (
            (0, 1, 0) if name == "sla" else (0, 0, 1)
        )
        live = runner(fresh_database, bad).digest(name)
        assert rebuilt(fresh_database, VIEWS[name]) == live


@pytest.mark.parametrize("seed", range(4))
def test_whatever_was_parked_unparked_and_skipped_live_equals_rebuilt(
    fresh_database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    partitions = chance.choice([1, 4])
    migrate(fresh_database.owner, partitions=partitions)
    name = chance.choice(["complaints", "timeline", "sla", "work", "cycles"])
    good = VIEWS[name]
    cuts = [0, *sorted(chance.sample(range(1, len(HISTORY)), 4)), len(HISTORY)]
    for begin, end in itertools.pairwise(cuts):
        store(fresh_database.owner, HISTORY[begin:end])
        worse = {(item.stream_id, item.version) for item in chance.sample(HISTORY[begin:end], 3)}
        bad = broken(name, lambda item, worse=worse: (item.stream_id, item.version) in worse)
        size = chance.choice([1, 9, 1000])
        runner(fresh_database, bad, batch_size=size, parks=[name]).catch_up()
        with psycopg.connect(fresh_database.app, autocommit=True) as connection:
            for stream in parking.parked_streams(connection, name):
                if chance.random() < 0.3:
                    _skip_what_parked(connection, good, stream)
                if chance.random() < 0.6:
                    _try_to_unpark(connection, good, partitions, stream)
            one = chance.choice(HISTORY[:end]).stream_id
            if one not in parking.parked_streams(connection, name):
                parking.park(connection, good, partitions, one)
    running = runner(fresh_database, good, parks=[name])
    running.catch_up()
    live = running.digest(name)
    running.rebuild(name)
    assert running.digest(name) == live
    assert running.halted() == {}


def _skip_what_parked(connection: psycopg.Connection[Any], view: View, stream: UUID) -> None:
    """The first event of it that is passed over, if there is one yet and it is not skipped yet."""
    found = connection.execute(
        "SELECT e.partition, e.position FROM views.parked AS k JOIN ledger.events AS e"
        " USING (partition, stream_id) WHERE k.view = %(view)s AND stream_id = %(stream)s"
        " AND e.position >= k.position AND (e.partition, e.position) NOT IN"
        " (SELECT partition, position FROM views.skipped WHERE view = %(view)s)"
        " ORDER BY e.position LIMIT 1",
        {"view": view.name, "stream": stream},
    )
    for partition, position in found:
        parking.skip(connection, view.name, (partition, position), "a test", "tester")


def _try_to_unpark(
    connection: psycopg.Connection[Any], view: View, partitions: int, stream: UUID
) -> None:
    try:
        parking.unpark(connection, REGISTRY, view, partitions, stream)
    except CannotSetAside as error:  # without its beginning it cannot be taken in
        assert "stays parked" in str(error)  # noqa: PT017


def test_what_cannot_be_set_aside_is_refused_in_a_line(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY[:50])
    runner(fresh_database, VIEWS["sla"], VIEWS["lookups"]).catch_up()
    nobody = UUID(int=0)
    for message, change, arguments in (
        ("give --stream", parking.park, (VIEWS["sla"], 1, None)),
        ("has no stream", parking.park, (VIEWS["sla"], 1, nobody)),
        ("cannot be parked", parking.park, (VIEWS["lookups"], 1, nobody)),
        ("is not parked", parking.unpark, (REGISTRY, VIEWS["sla"], 1, nobody)),
        ("has taken in 0:7 already", parking.skip, ("sla", (0, 7), "why", "me")),
        ("no event at 0:51", parking.skip, ("sla", (0, 51), "why", "me")),
        ("has no partition 3", parking.skip, ("sla", (3, 1), "why", "me")),
    ):
        with pytest.raises(CannotSetAside, match=message):
            by_hand(fresh_database, change, *arguments)
    assert state(fresh_database, "sla").skipped == 0


def test_an_event_that_no_release_can_read_is_skipped_or_parked(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY[:40])
    query_all(
        fresh_database,
        "ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever;"
        " UPDATE ledger.events SET type = 'ComplaintPraised' WHERE position = 20;"
        r" UPDATE ledger.events SET data = '\xff' WHERE position = 30",
    )
    both = runner(fresh_database, VIEWS["timeline"], VIEWS["sla"], parks=["timeline"])
    with pytest.raises(ViewHalted, match=r"view sla .* position 20 "):
        both.catch_up()
    assert state(fresh_database, "timeline").parked == len(
        {item.stream_id for item in HISTORY if item.position in (20, 30)}
    )
    skip(fresh_database, "sla", 20)
    skip(fresh_database, "sla", 30)
    both.catch_up()
    for name in ("timeline", "sla"):
        live = both.digest(name)
        assert rebuilt(fresh_database, VIEWS[name]) == live


def test_a_database_that_fails_parks_nothing(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY[:20])
    query_all(fresh_database, "ALTER TABLE views.timeline_ends RENAME COLUMN stage TO mislaid")
    with pytest.raises(ViewHalted, match="UndefinedColumn"):
        runner(fresh_database, VIEWS["timeline"], parks=["timeline"]).catch_up()
    assert state(fresh_database, "timeline").parked == 0


def test_a_trigger_that_is_skipped_is_not_reacted_to(fresh_database: Database) -> None:
    story = merges()
    store(fresh_database.owner, story)
    poison = [item for item in story if isinstance(item.event, ComplaintMerged)][7]

    def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
        if trigger.position == poison.position:
            raise ValueError
        return TELL_SURVIVOR_OF_MERGE.react(trigger, rules)

    running = reacting.runner(fresh_database, [replace(TELL_SURVIVOR_OF_MERGE, react=react)])
    with pytest.raises(ViewHalted):
        running.catch_up()
    skip(fresh_database, TELL_SURVIVOR_OF_MERGE.name, poison.position)
    running.catch_up()
    told = [event for events in what_survivors_heard(fresh_database).values() for event in events]
    assert len(told) == len(_triggers(story)) - 1


def _triggers(story: list[Recorded[Any]]) -> list[Recorded[Any]]:
    names = TELL_SURVIVOR_OF_MERGE.event_types
    return [item for item in story if type(item.event).__name__ in names]
