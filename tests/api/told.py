"""What the orders of a plan leave, decided by the rules of the domain without a database."""

from datetime import datetime
from typing import Any
from uuid import UUID

from api.desk import COMMANDS, Desk
from api.simulation.plan import Scenario
from api.simulation.run import order_of
from api.strict import decode
from domain.complaint import COMPLAINT
from domain.complaint.state import Complaint
from domain.kernel import Other, Recorded
from domain.rulebook.defaults import DEFAULT_RULES
from ledger.ids import command_id

History = list[Recorded[Any]]


def told(scenario: Scenario, now: datetime) -> dict[int, tuple[Complaint, History]]:
    """What a story leaves of each complaint, by number; a refusal is raised, silence fails."""
    desk = Desk(None, DEFAULT_RULES, lambda: now)  # type: ignore[arg-type]
    left: dict[int, tuple[Complaint, History]] = {}
    ids: dict[int, UUID] = {}
    for step in scenario.steps:
        order = order_of(step, ids)
        command = decode(COMMANDS[order.command], order.body)
        known_as = command_id(step.client.principal, order.key)
        ids.setdefault(step.complaint, known_as)
        state, history = left.setdefault(step.complaint, (COMPLAINT.initial, []))
        others = {ids[each]: other(left[each][0]) for each in step.names.values()}
        context = desk.context(order, step.client, known_as, others)
        events = COMPLAINT.decide(command, state, context)
        assert events, (scenario.story, step.command)
        for event in events:
            recorded = Recorded(
                partition=0,
                position=len(history) + 1,
                stream_id=ids[step.complaint],
                version=len(history) + 1,
                recorded_at=now,
                event=event,
                metadata=context.metadata(command),
            )
            history.append(recorded)
            state = COMPLAINT.evolve(state, recorded)
        left[step.complaint] = state, history
    return left


def other(state: Complaint) -> Other:
    """What the desk reads of a complaint that an order on another one names."""
    return Other(stage=str(state.stage), customer_id=state.customer_id)
