"""A customer 客户: who they are, by what they are known, and who they turned out to be.

Ids of customers are the organisation's own (a CRM's), so nobody is registered here: the stream of
a customer begins with the first thing that is recorded of them. On a customer who was merged into
another one nothing is recorded but that the merge is undone, or that a handle is not theirs.
"""

from datetime import datetime
from types import ModuleType
from typing import Any

from msgspec.structs import replace

from domain.customer import identity, merge, profile
from domain.customer.identity import ReleaseHandle
from domain.customer.merge import MergeCustomers, SplitCustomer
from domain.customer.state import Customer
from domain.kernel import Context, Decider, Recorded, Rejected
from domain.time.telling import events_told, refuse_backdated, refuse_future

_FILES: tuple[ModuleType, ...] = (identity, merge, profile)
_OF_COMMAND = {command: module for module in _FILES for command in module.COMMANDS}
_OF_EVENT = {event: module for module in _FILES for event in module.EVENTS}

_RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    command: event
    for module in _FILES
    for command, event in zip(module.COMMANDS, module.EVENTS, strict=True)
}

# --- rejections -----------------------------------------------------------------------------


class UnknownCustomer(Rejected):
    """Nothing is recorded of a customer of this id."""

    status = 404
    title = "Unknown customer"
    title_zh = "客户不存在"
    detail = "Nothing is recorded of a customer of this id."
    detail_zh = "没有该 id 的客户记录。"


class CustomerIsMerged(Rejected):
    """Of a customer who was merged into another one nothing more is recorded."""

    title = "The customer was merged"
    title_zh = "该客户已被合并"
    detail = "{command} is not possible: the customer was merged into {into_id}."
    detail_zh = "无法执行 {command}：该客户已合并到 {into_id}。"


# --- decide ---------------------------------------------------------------------------------


def decide(command: Any, state: Customer, context: Context) -> list[Any]:
    """What follows from a command, or the rule that forbids it."""
    customer_id = context.subject_id or state.customer_id
    if customer_id is None:
        raise UnknownCustomer
    if any(events_told(command, _RECORDS[type(command)], state.told, context)):
        return []
    if isinstance(command, MergeCustomers) and command.into_id == state.merged_into:
        return []
    refuse_future(command, context)
    refuse_backdated(command, context)
    if (forbidden := _forbidden(type(command), state)) is not None:
        raise forbidden
    events: list[Any] = _OF_COMMAND[type(command)].decide(command, customer_id, state, context)
    if events and command.reason_text is not None:
        events[0] = replace(events[0], reason_text=command.reason_text)
    return events


def allowed_customer_commands(state: Customer) -> dict[type[Any], Rejected | None]:
    """Each command with the rule that forbids it at present, as far as no body is needed."""
    return {command: _forbidden(command, state) for command in _OF_COMMAND}


def _forbidden(command: type[Any], state: Customer) -> Rejected | None:
    if state.merged_into is not None and command not in (SplitCustomer, ReleaseHandle):
        return CustomerIsMerged(command=command.__name__, into_id=state.merged_into)
    rule = getattr(_OF_COMMAND[command], "forbidden", None)
    return rule(command, state) if rule else None


# --- evolve ---------------------------------------------------------------------------------


def evolve(state: Customer, recorded: Recorded[Any]) -> Customer:
    """What an event leaves."""
    after: Customer = _OF_EVENT[type(recorded.event)].evolve(state, recorded)
    told: datetime | None = recorded.metadata.occurred_at
    return replace(
        after,
        customer_id=recorded.event.customer_id,
        version=recorded.version,
        told=after.told if told is None else (*after.told, (told, recorded.event)),
    )


CUSTOMER = Decider[Customer](
    name="customer",
    initial=Customer(),
    decide=decide,
    evolve=evolve,
    commands=tuple(_OF_COMMAND),
    events=tuple(_OF_EVENT),
)
