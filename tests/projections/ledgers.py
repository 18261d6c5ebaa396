"""Whole ledgers made at random, and lived through with the policies at work in between.

Complaints that the decider allowed are given to a few customers who complain again about the same
and other things, months apart; customers turn out to be one, or two; facts come late; persons
correct what a policy said.
"""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from msgspec.structs import replace

from domain.complaint.assessment import ComplaintAccepted, ComplaintAssessed
from domain.complaint.closure import ComplaintReopened
from domain.complaint.handling import AssignmentSignedFor
from domain.complaint.identity import CustomerLinked
from domain.complaint.intake import ComplaintRegistered
from domain.complaint.merge import ComplaintMerged, ComplaintUnmerged, MergeReceived
from domain.complaint.repeat import RepeatClassified
from domain.complaint.resolution import ResolutionDisputed, SatisfactionRecorded
from domain.complaint.state import ComplaintClosed
from domain.complaint.vocabulary import Category, Complainant
from domain.kernel import Actor, Metadata, Recorded
from tests import world
from tests.conftest import Database
from tests.projections.customer_histories import random_customers
from tests.projections.folding import ANN, SHOP, after, imported, in_order, told
from tests.projections.histories import (
    BEGIN,
    PEOPLE,
    in_stream,
    random_histories,
    store,
    woven,
)
from tests.projections.lives import DAY, answered, closed, reopened, resolved, stream
from tests.projections.reacting import runner

CUSTOMERS = 4
CATEGORIES = [("产品质量", "空调"), ("产品质量", "空调"), ("服务体验",), ("配送", "晚到")]
CLASSES = ("initial", "repeat", "related", "escalated_recomplaint", "unknown")
NATURES = ("complaint",) * 8 + ("enquiry",)
REASONS = (
    *("verified",) * 4,
    *("final_position", "unreachable", "settled_outside", "withdrawn", "duplicate"),
)
FACTS = {
    "declined": world.declined()[-2].event,
    "withdrawn": world.withdrawn()[-2].event,
    "duplicate": world.merged()[-2].event,
}
LI = Actor(id="li", kind="person", role="agent")
CHEF = Actor(id="chef", kind="person", role="supervisor")
LATE = (ComplaintRegistered, ComplaintClosed, ComplaintReopened, SatisfactionRecorded)
Events = list[Recorded[Any]]


def random_ledger(seed: int, worked_on: int = 25, lived: int = 45) -> Events:
    """The complaints of a few customers and what became known of these, as recorded."""
    chance = random.Random(seed)
    streams: dict[UUID, Events] = {}
    for item in random_histories(seed, worked_on):
        streams.setdefault(item.stream_id, []).append(item)
    for number in range(lived):
        story = _imported(chance) if number % 9 == 0 else _lived(chance)
        streams[stream(number)] = in_stream(number, in_order(story))
    known = list(streams)
    lives = [_entwined(chance, events, known) for events in streams.values()]
    return woven(*lives, random_customers(seed, CUSTOMERS))


def live(database: Database, ledger: Events, chance: random.Random, parts: int = 4) -> None:
    """Record a ledger in parts, with views and policies brought up to each of them."""
    with psycopg.connect(database.owner) as connection:
        connection.execute(  # what policies say is recorded when what they heard last was
            "CREATE OR REPLACE FUNCTION ledger.clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
            f" AS $$SELECT timestamptz '{BEGIN.isoformat()}' - interval '1 year'$$".encode()
        )
    cuts = sorted(chance.sample(range(1, len(ledger)), parts - 1))
    for begin, end in zip([0, *cuts], [*cuts, len(ledger)], strict=True):
        store(database.owner, _renumbered(database, ledger[begin:end]))
        runner(database).catch_up()


def _renumbered(database: Database, events: Events) -> Events:
    """Events as the next ones of their streams: policies may have added some."""
    with psycopg.connect(database.owner) as connection:
        rows = connection.execute(
            "SELECT stream_id, max(version) FROM ledger.events GROUP BY stream_id"
        ).fetchall()
    versions: dict[UUID, int] = dict(rows)
    found = []
    for item in events:
        versions[item.stream_id] = versions.get(item.stream_id, 0) + 1
        found.append(replace(item, version=versions[item.stream_id]))
    return found


def _lived(chance: random.Random) -> Events:
    """A complaint from its receipt to what may be its end, over weeks, in a few cycles."""
    unit, person = chance.choice(["east", "west"]), chance.choice([ANN, LI])
    at = chance.uniform(0, 60 * DAY)
    story = [told(world.registered(nature=chance.choice(NATURES))[0].event, at)]

    def then(*events: Any, days: float, by: Actor = CHEF) -> None:
        nonlocal at
        at += chance.uniform(0.0005, days) * DAY
        story.extend(told(event, at, by=by) for event in events)

    def end(reason: str) -> None:
        facts = [FACTS[reason]] if reason in FACTS else []
        then(*facts, closed(reason), days=2)
        if reason == "duplicate" and chance.random() < 0.4:
            undone: Any = {"stage": "assessed", "reason_code": "another"}
            then(ComplaintUnmerged(target_id=stream(0), **undone), days=9)

    severity: Any = chance.choice([None, "general", "important", "major"])
    if chance.random() < 0.9:
        then(world.assessed(severity=severity)[1].event, days=0.02, by=CHEF)
    if chance.random() < 0.2:
        end(chance.choice(["declined", "withdrawn", "duplicate"]))
        return story
    then(ComplaintAccepted(unit_id=unit), days=1)
    then(AssignmentSignedFor(unit_id=unit, person_id=person.id), days=0.1, by=person)
    for cycle in range(1, 4):
        then(resolved(cycle), days=2, by=chance.choice([person, CHEF]))
        for _ in range(chance.choice([0, 1, 1, 2, 3])):
            apart = chance.choice([{}, {"result": 4}, {"result": 1, "process": 5}])
            about = cycle + chance.choice([0] * 9 + [1])  # a cycle that nobody has resolved
            answer = answered(chance.randint(1, 5), about, sub_scores=apart)
            then(answer, days=chance.choice([1, 20]), by=chance.choice([person, SHOP, SHOP]))
        if chance.random() < 0.3:
            then(ResolutionDisputed(cycle=cycle), days=5)
            continue
        end(chance.choice(REASONS))
        if chance.random() < 0.5 or story[-1].event != closed("verified"):
            return story
        then(reopened(cycle + 1), days=chance.choice([9, 200]))
    return story


def _imported(chance: random.Random) -> Events:
    """A complaint taken over from another system, with times as vague as it tells them."""
    received = after(chance.uniform(0, 60 * DAY)).replace(hour=0, minute=0)
    end = received + timedelta(days=chance.uniform(1, 90))
    story = [imported(world.registered()[0].event, received, "day")]
    story.append(imported(resolved(), end, chance.choice(["day", "unknown"])))
    story.append(imported(answered(4), end, "day"))
    story.append(imported(closed("imported"), end, chance.choice(["day", "unknown"])))
    if chance.random() < 0.8:
        story.append(told(world.assessed()[1].event, 100 * DAY, by=CHEF))
    return story


def _entwined(chance: random.Random, events: Events, known: list[UUID]) -> Events:
    """A complaint as one among others, of a customer who has more of them."""
    shift = timedelta(days=chance.choice([0, 0, 40, 100, 200]))
    target = chance.choice([other for other in known if other != events[0].stream_id])
    customer_id: str | None = None
    found: Events = []
    for item in events:
        event = _of_others(chance, item.event, target, shift)
        if isinstance(event, ComplaintRegistered):
            customer_id = event.customer_id
        elif isinstance(event, CustomerLinked):
            event = replace(event, customer_id=_other(chance, customer_id), previous_id=customer_id)
            customer_id = event.customer_id
        at = item.recorded_at + shift
        metadata = _told(chance, item, shift, found)
        found.append(replace(item, event=event, recorded_at=at, metadata=metadata))
    return _corrected(chance, found, target, customer_id)


def _of_others(chance: random.Random, event: Any, target: UUID, shift: timedelta) -> Any:
    """An event as it is where there are other complaints."""
    match event:
        case ComplaintRegistered():
            role: Any = chance.choice(["customer", "customer", "representative", "reporter"])
            return replace(
                event,
                customer_id=chance.choice([None, *_names()]),
                order_ref=chance.choice([None, "O-1", "O-2"]),
                outside_body_ref=chance.choice([None, "12315-1"]),
                complainant=event.complainant and Complainant(role=role),
            )
        case ComplaintAssessed():
            path = list(chance.choice(CATEGORIES))
            is_about = chance.choice([None, None, True])
            return replace(
                event,
                category=Category(path=path, taxonomy_version="2026-01"),
                problem_key=" > ".join(path),
                about_handling=is_about,
                about_handling_of=chance.choice([None, target]) if is_about else None,
            )
        case ComplaintMerged() | ComplaintUnmerged():
            return replace(event, target_id=target)
        case MergeReceived(source_received_at=received_at) if received_at is not None:
            return replace(event, source_received_at=received_at + shift)
    return event


def _told(chance: random.Random, item: Recorded[Any], shift: timedelta, before: Events) -> Metadata:
    """When it is told to have happened: some things days before they were recorded."""
    said = item.metadata.occurred_at
    if said is not None:
        said += shift
    if isinstance(item.event, LATE) and not item.is_imported and chance.random() < 0.15:
        earlier = (said or item.recorded_at + shift) - timedelta(days=2)
        # of two answers the first to be given may be the last to be recorded
        stages = [one for one in before if not isinstance(one.event, SatisfactionRecorded)]
        said = max([earlier, *(one.occurred_at for one in stages)])
    return replace(item.metadata, occurred_at=said)


def _corrected(
    chance: random.Random, events: Events, target: UUID, customer_id: str | None
) -> Events:
    """A complaint of which a person may have the last word, or all but the last."""
    if chance.random() < 0.75:
        return events
    repeat_class: Any = chance.choice(CLASSES)
    event = RepeatClassified(
        repeat_class=repeat_class,
        rule_version="by-hand",
        earlier_id=None if repeat_class in ("initial", "unknown") else target,
        is_external=chance.random() < 0.3,
        reason_code="looked-into",
    )
    last = events[-1]
    metadata = Metadata(actor=chance.choice(PEOPLE), client_id="client")
    for minutes, said in (
        (chance.randrange(1, 30_000), event),
        (
            chance.randrange(30_000, 60_000),
            CustomerLinked(
                customer_id=_other(chance, customer_id), previous_id=customer_id, by="person"
            ),
        ),
    )[: chance.choice([1, 1, 2])]:
        at = last.recorded_at + timedelta(minutes=minutes)
        version = events[-1].version + 1
        more = replace(last, event=said, recorded_at=at, version=version, metadata=metadata)
        events = [*events, more]
    return events


def _names() -> list[str]:
    return [f"customer-{number}" for number in range(1, CUSTOMERS + 1)]


def _other(chance: random.Random, customer_id: str | None) -> str:
    return chance.choice([name for name in _names() if name != customer_id])
