"""Whole lives of complaints in few words: received, classed, closed and what came of it, in days.

A life is told event by event, so that each says when it happened; `tests.world` has the long story.
"""

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.assessment import ComplaintAccepted
from domain.complaint.closure import ComplaintReopened
from domain.complaint.handling import AssignmentSignedFor
from domain.complaint.repeat import RepeatClassified
from domain.complaint.resolution import ComplaintResolved, SatisfactionRecorded
from domain.complaint.state import ComplaintClosed
from domain.kernel import Actor, Metadata, Recorded
from projections import all_views
from projections.engine import Runner
from tests import world
from tests.conftest import Database
from tests.projections.folding import ANN, in_order, told
from tests.projections.histories import REGISTRY, SECRET, in_stream, store, woven

DAY = 24 * 60
RULE = "section-10@1"
OTHERS = Actor(id="caller-9", kind="person", role="agent")  # handles none of the complaints
Happened = tuple[float, Any] | tuple[float, Any, Actor]  # on which day, what, by whom


def stream(number: int) -> UUID:
    """The id of the complaint with this number; its last byte decides its partition."""
    return UUID(f"01957a6e-0000-7000-8000-{number:012x}")


def life(
    number: int,
    *later: Happened,
    received: float = 0,
    repeat_class: str | None = "initial",
    earlier: int | None = None,
    unit: str | None = "east",
    person: str | None = None,
    **facts: Any,
) -> list[Recorded[Any]]:
    """A complaint from its receipt on: classed, taken on, and what came later, each on its day."""
    events = [told(world.registered(**facts)[0].event, received * DAY)]
    if repeat_class is not None:
        events.append(told(classed(repeat_class, earlier), received * DAY + 1))
    if unit is not None:
        events.append(told(ComplaintAccepted(unit_id=unit), received * DAY + 2))
    if person is not None:
        signed = AssignmentSignedFor(unit_id=unit or "unknown", person_id=person)
        events.append(told(signed, received * DAY + 3))
    for item in later:
        events.append(told(item[1], item[0] * DAY, by=item[2] if len(item) == 3 else ANN))
    return in_stream(number, in_order(events))


def classed(repeat_class: str, earlier: int | None = None, **more: Any) -> RepeatClassified:
    """The class of a complaint, by the number of the earlier one."""
    return RepeatClassified(
        repeat_class=repeat_class,  # type: ignore[arg-type]
        rule_version=RULE,
        earlier_id=None if earlier is None else stream(earlier),
        **more,
    )


def closed(reason: str = "verified") -> ComplaintClosed:
    """It was closed."""
    return ComplaintClosed(reason=reason)  # type: ignore[arg-type]


def reopened(cycle: int = 2) -> ComplaintReopened:
    """It was opened again."""
    return ComplaintReopened(cycle=cycle, reason_code="problem-returned")


def resolved(cycle: int = 1) -> ComplaintResolved:
    """The work of the cycle was done."""
    return ComplaintResolved(cycle=cycle)


def answered(score: int, cycle: int = 1, **more: Any) -> SatisfactionRecorded:
    """The customer answered."""
    told: dict[str, Any] = {"by": "customer", "channel": "sms", **more}
    return SatisfactionRecorded(cycle=cycle, score=score, **told)


def judged(chance: random.Random, history: list[Recorded[Any]]) -> list[list[Recorded[Any]]]:
    """Random histories, apart again, most of them classed at the end against another one."""
    streams: dict[UUID, list[Recorded[Any]]] = {}
    for item in history:
        streams.setdefault(item.stream_id, []).append(item)
    known = list(streams)
    for stream_id, events in streams.items():
        repeat_class = chance.choice(
            [None, "unknown", "initial", "related", "repeat", "repeat", "escalated_recomplaint"]
        )
        earlier = chance.choice(known)
        if repeat_class is None or earlier == stream_id:
            continue
        event = RepeatClassified(
            repeat_class=repeat_class,  # type: ignore[arg-type]
            rule_version=RULE,
            earlier_id=None if repeat_class in ("unknown", "initial") else earlier,
            is_external=chance.random() < 0.2,
        )
        last = events[-1]
        at = last.recorded_at + timedelta(minutes=1)
        events.append(
            replace(last, event=event, version=last.version + 1, recorded_at=at, metadata=BY_RULE)
        )
    return list(streams.values())


BY_RULE = Metadata(actor=Actor(id="classify-repeat", kind="system", role="policy"), client_id="p")


def lived(database: Database, lives: Iterable[list[Recorded[Any]]]) -> None:
    """Store lives as they were recorded, and bring the views up to them."""
    if events := woven(*lives):
        store(database.owner, events)
    Runner(database.app, None, REGISTRY, all_views(SECRET)).catch_up()
