"""Policies come to the same in one partition and in four, in any batches, and as worked out by
hand: event by event in the order of recording, without a database.
"""

import random
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.complaint.identity import CustomerLinked
from domain.complaint.merge import ComplaintMerged
from domain.complaint.repeat import ClassifyRepeat, RepeatClassified
from domain.complaint.vocabulary import Category
from domain.policies.classify_repeat import CLASSIFY_REPEAT
from domain.policies.signal_prevention import SIGNAL_PREVENTION
from domain.prevention import PreventionTriggered
from ledger.migrate import migrate
from projections.engine import Lag, Runner
from projections.lookups import lookups_view
from tests import world
from tests.conftest import Database
from tests.customers import merged, of_customer, split
from tests.projections.histories import REGISTRY, SECRET, store, woven
from tests.projections.reacting import Story, in_stream, runner, stream_of, told
from tests.reacting import orders_of
from tests.spec import RECEIVED

CUSTOMERS = 6
STORIES = (
    world.assessed,
    world.in_progress,
    world.closed,
    world.closed_unreachable,
    world.declined,
    world.merged,
    world.disputed,
    world.reopened,
)
CATEGORIES = [world.CATEGORY] * 3 + [Category(path=["服务体验"], taxonomy_version="2026-01")]


def histories(seed: int, complaints: int) -> list[Story]:
    """Complaints of a few customers, closed, merged, linked; and customers who become one."""
    chance = random.Random(seed)
    ids = [f"c{number}" for number in range(1, CUSTOMERS + 1)]
    stories = [_complaint(chance, number, ids) for number in range(complaints)]
    for customer_id in ids[::2]:
        other, day = chance.choice(ids[1::2]), chance.uniform(20, 150)
        events: list[tuple[float, Any]] = [(day, merged(customer_id, other))]
        if chance.random() < 0.5:
            events.append((day + chance.uniform(1, 50), split(customer_id, other)))
        stories.append(of_customer(customer_id, *events))
    return stories


def _complaint(chance: random.Random, number: int, ids: list[str]) -> Story:
    customer_id = chance.choice([None, *ids])
    story = list(chance.choice(STORIES)())
    for place, item in enumerate(story):
        if place == 0:
            order_ref = chance.choice([None, "O-1", "O-2"])
            event = replace(item.event, customer_id=customer_id, order_ref=order_ref)
        elif place == 1:
            category = chance.choice(CATEGORIES)
            event = replace(
                item.event,
                category=category,
                problem_key=" > ".join(category.path),
                about_handling=chance.choice([None, None, None, True]),
            )
        elif isinstance(item.event, ComplaintMerged):
            event = replace(item.event, target_id=stream_of(chance.randrange(number + 1)))
        else:
            continue
        story[place] = replace(item, event=event)
    told_late = timedelta(days=chance.choice([0, 0, 0, 2]))
    begun = RECEIVED + timedelta(days=chance.uniform(0, 120))
    story = in_stream(number, story, since=begun)
    first = story[0]
    if told_late:
        received = replace(first.metadata, occurred_at=first.recorded_at - told_late)
        story[0] = replace(first, metadata=received)
    if chance.random() < 0.3:
        story.append(_link(chance, story, ids))
    return story


def _link(chance: random.Random, story: Story, ids: list[str]) -> Any:
    last = story[-1]
    before = story[0].event.customer_id
    customer_id = chance.choice([one for one in ids if one != before])
    link = CustomerLinked(customer_id=customer_id, previous_id=before, by="person")
    at = last.recorded_at + timedelta(days=chance.uniform(0, 40))
    return replace(last, event=link, version=last.version + 1, recorded_at=at)


def by_hand(stories: list[Story]) -> tuple[dict[Any, list[Any]], dict[Any, list[Any]]]:
    """What is said of each complaint's class, one after the other, and of each problem."""
    classes: dict[Any, list[Any]] = {}
    problems: dict[Any, list[Any]] = {}
    for trigger in woven(*map(list, stories)):
        for order in orders_of(CLASSIFY_REPEAT, trigger, *stories):
            said = classes.setdefault(order.stream_id, [])
            if not said or said[-1] != told_by(order.command):
                said.append(told_by(order.command))
        for order in orders_of(SIGNAL_PREVENTION, trigger, *stories):
            problems.setdefault(order.stream_id, []).append(order.command.complaint_ids)
    return classes, problems


def told_by(said: ClassifyRepeat | RepeatClassified) -> tuple[Any, ...]:
    return said.repeat_class, said.earlier_id, said.days_since_close, said.after_verified_close


def recorded(database: Database) -> tuple[dict[Any, list[Any]], dict[Any, list[Any]]]:
    """The same, as it stands in the ledger."""
    classes = told(database, RepeatClassified)
    problems = told(database, PreventionTriggered)
    return (
        {stream: [told_by(event) for event in events] for stream, events in classes.items()},
        {stream: [event.complaint_ids for event in found] for stream, found in problems.items()},
    )


@pytest.mark.parametrize(("batch_size", "complaints"), [(1, 12), (7, 30), (1000, 60)])
@pytest.mark.parametrize("partitions", [1, 4])
def test_classes_and_signals_are_the_same_in_any_partitions_and_batches_and_by_hand(
    fresh_database: Database, batch_size: int, complaints: int, partitions: int
) -> None:
    stories = histories(complaints, complaints)
    expected = by_hand(stories)
    migrate(fresh_database.owner, partitions=partitions)
    store(fresh_database.owner, woven(*map(list, stories)))
    judging = Runner(
        fresh_database.app,
        None,
        REGISTRY,
        [lookups_view(SECRET)],
        [CLASSIFY_REPEAT, SIGNAL_PREVENTION],
        secret=SECRET,
        batch_size=batch_size,
    )
    judging.catch_up()
    assert recorded(fresh_database) == expected
    assert set(judging.lag().values()) == {Lag(0, 0.0)}


def test_the_histories_have_every_class_in_them_and_signals_and_second_judgements() -> None:
    classes, problems = by_hand(histories(60, 60))
    kinds = {said[-1][0] for said in classes.values()}
    assert kinds == {"initial", "repeat", "escalated_recomplaint", "related", "unknown"}
    assert problems
    assert any(len(said) > 1 for said in classes.values())


@pytest.mark.parametrize("partitions", [1, 4])
def test_a_rush_of_complaints_signals_its_problem_however_late_it_is_looked_at(
    fresh_database: Database, partitions: int
) -> None:
    """What was recorded after a complaint is not there for it, nor in the way of what was."""
    begun = [RECEIVED + timedelta(hours=number) for number in range(100)]
    stories = [in_stream(number, world.assessed(), at) for number, at in enumerate(begun)]
    migrate(fresh_database.owner, partitions=partitions)
    store(fresh_database.owner, woven(*map(list, stories)))
    runner(fresh_database, [SIGNAL_PREVENTION]).catch_up()
    [signals] = told(fresh_database, PreventionTriggered).values()
    assert [event.complaint_ids for event in signals] == [[stream_of(n) for n in range(6)]]
