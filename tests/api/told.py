"""What the orders of a plan leave, decided by the rules of the domain without a database."""

from datetime import datetime
from typing import Any
from uuid import UUID

from api.desk import COMMANDS, CUSTOMER_COMMANDS, Desk, Order
from api.simulation.plan import Scenario
from api.simulation.run import order_of
from api.strict import decode
from domain.complaint import COMPLAINT
from domain.complaint.state import Complaint
from domain.customer import CUSTOMER
from domain.customer.state import Customer
from domain.kernel import Context, Decider, Other, Recorded
from domain.rulebook.defaults import DEFAULT_RULES
from ledger.ids import command_id

History = list[Recorded[Any]]


def told(scenario: Scenario, now: datetime) -> dict[int, tuple[Complaint, History]]:
    """What a story leaves of each complaint, by number; a refusal is raised, silence fails."""
    return told_of_all(scenario, now)[0]


def told_of_all(
    scenario: Scenario, now: datetime
) -> tuple[dict[int, tuple[Complaint, History]], dict[str, tuple[Customer, History]]]:
    """What a story leaves of its complaints, and of the customers something is recorded of."""
    desk = Desk(None, DEFAULT_RULES, lambda: now)  # type: ignore[arg-type]
    left: dict[int, tuple[Complaint, History]] = {}
    customers: dict[str, tuple[Customer, History]] = {}
    ids: dict[int, UUID] = {}
    for step in scenario.steps:
        order = order_of(step, ids)
        known_as = command_id(step.client.principal, order.key)
        others = {ids[each]: other(left[each][0]) for each in step.names.values()}
        context = desk.context(order, step.client, known_as, others)
        if step.customer_id is not None:
            person, known = customers.get(step.customer_id, (CUSTOMER.initial, []))
            person = _decided(CUSTOMER, person, known, order, context, known_as)
            customers[step.customer_id] = person, known
        else:
            stream_id = ids.setdefault(step.complaint, known_as)
            state, history = left.get(step.complaint, (COMPLAINT.initial, []))
            state = _decided(COMPLAINT, state, history, order, context, stream_id)
            left[step.complaint] = state, history
    return left, customers


def _decided(
    decider: Decider[Any],
    state: Any,
    history: History,
    order: Order,
    context: Context,
    stream_id: UUID,
) -> Any:
    commands = COMMANDS | CUSTOMER_COMMANDS
    command = decode(commands[order.command], order.body)
    events = decider.decide(command, state, context)
    assert events, (order.key, order.command)
    for event in events:
        recorded = Recorded(
            partition=0,
            position=len(history) + 1,
            stream_id=stream_id,
            version=len(history) + 1,
            recorded_at=context.now,
            event=event,
            metadata=context.metadata(command),
        )
        history.append(recorded)
        state = decider.evolve(state, recorded)
    return state


def other(state: Complaint) -> Other:
    """What the desk reads of a complaint that an order on another one names."""
    return Other(stage=str(state.stage), customer_id=state.customer_id)
