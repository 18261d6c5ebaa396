"""Customers over HTTP: the commands on one, who they are now, and everything recorded of them."""

import re
from contextlib import suppress
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec.structs import replace

from api import problems
from api.commands import carry_out, command_route, order_of
from api.desk import CUSTOMER_COMMANDS, Forbidden, Order
from api.document.reading import EventDocument, allowed, event_document
from api.document.shape import Allowed
from api.http import Answer, Asked, Parameter, Route
from api.others import customer_stream, survivor_of
from api.parameters import (
    ACCEPT_LANGUAGE,
    IF_MATCH,
    ErrorsOf,
    is_wanted,
    on_behalf_of,
    whole_number,
)
from api.problems import ProblemError, kebab, language_of, of_rule
from api.roles import READ_COMPLAINTS, READ_HISTORY, READ_PERSONAL
from domain.customer import CUSTOMER, CustomerIsMerged, UnknownCustomer, allowed_customer_commands
from domain.customer.profile import Groups
from domain.customer.state import Customer, Identification, Segment, Verification
from domain.kernel import Identifier, Moment, Recorded, fold, personal
from domain.personal import redact
from ledger.entry import Preview, Receipt
from ledger.ids import write_place

_IDENTIFIER: str = get_args(Identifier)[1].pattern

CUSTOMER_ID = Parameter(
    name="customer_id",
    place="path",
    description="The customer: the organisation's own stable id, never a phone number or a name.",
    schema={"type": "string", "pattern": _IDENTIFIER},
    is_required=True,
    example="c-10293",
)
_READ = (problems.UNKNOWN_QUERY, *ErrorsOf.KEYED, of_rule(UnknownCustomer))
_PLACE = ("ETag", "Ledger-Position")


class CustomerAnswer(msgspec.Struct, kw_only=True):
    """What became of a command: where the customer stands and which events were recorded."""

    customer_id: str
    version: int
    position: str
    events: list[str]
    recorded_at: Moment


class CustomerDryRun(msgspec.Struct, kw_only=True):
    """What would become of a command on a customer: the events it would record; none was."""

    dry_run: Literal[True]
    customer_id: str
    version: int
    events: list[str]


class CustomerTier(msgspec.Struct, kw_only=True):
    """The tier of a customer, as a source has it."""

    tier: str
    source: str


class CustomerGroups(msgspec.Struct, kw_only=True):
    """特殊群体: the groups needing extra support that a customer belongs to."""

    groups: Groups
    source: str


class CustomerDocument(msgspec.Struct, kw_only=True):
    """A customer as they stand; handles and special groups only for roles with the right to them.

    `canonical_customer_id` is who they are now: the one whom the merges lead to, else themselves.
    """

    customer_id: str
    canonical_customer_id: str
    merged_into: str | None
    version: int
    position: str
    identified: list[Identification]
    verification: Verification | None
    tier: CustomerTier | None
    segment: Segment | None
    # marked as a whole: that somebody belongs to a group at all is sensitive
    special_groups: Annotated[CustomerGroups | None, personal()] = None
    allowed_commands: dict[str, Allowed]


class CustomerHistory(msgspec.Struct, kw_only=True):
    """A page of the events of one customer, in order; `next` continues after it."""

    customer_id: str
    version: int
    events: list[EventDocument]
    next: int | None = None


def routes() -> list[Route]:
    """The routes of customers."""
    commands = [_command(name, command) for name, command in CUSTOMER_COMMANDS.items()]
    return [*commands, _customer_route(), _history_route()]


# --- commands -------------------------------------------------------------------------------


def _command(name: str, command: type[Any]) -> Route:
    return command_route(
        name,
        command,
        path=f"/v1/customers/{{customer_id}}/{kebab(name)}",
        handler=_take,
        on_forbidden=_leave_trace,
        answer=CustomerAnswer,
        preview=CustomerDryRun,
        more=" The first command on a customer needs nothing recorded before.",
        parameters=(CUSTOMER_ID, IF_MATCH),
        refusals=(
            problems.VERSION_CONFLICT,
            of_rule(UnknownCustomer),
            of_rule(CustomerIsMerged),
        ),
    )


async def _take(asked: Asked) -> Answer:
    """Hand the order in and tell what became of it, or would."""
    is_dry_run = is_wanted(asked, "dry_run")
    order = replace(await order_of(asked), customer_id=_customer_id(asked))
    outcome = await carry_out(asked, order, None, is_dry_run=is_dry_run)
    return _answer(outcome, str(order.customer_id))


def _answer(outcome: Receipt | Preview, customer_id: str) -> Answer:
    position = write_place(outcome.partition, outcome.position)
    headers = {"ETag": f'"{outcome.version}"', "Ledger-Position": position}
    events = list(outcome.events)
    if isinstance(outcome, Preview):
        content: Any = CustomerDryRun(
            dry_run=True, customer_id=customer_id, version=outcome.version, events=events
        )
        return Answer(content=content, headers=headers)
    if outcome.is_replay:
        headers["Idempotency-Replayed"] = "true"
    content = CustomerAnswer(
        customer_id=customer_id,
        version=outcome.version,
        position=position,
        events=events,
        recorded_at=outcome.recorded_at,
    )
    return Answer(content=content, headers=headers)


async def _leave_trace(asked: Asked) -> None:
    """Record that a role may not give this order; nothing of the request has to be right for it."""
    if asked.request.query_params.get("dry_run") == "true":  # nothing was ordered
        return
    person, name = None, asked.route.operation
    with suppress(ProblemError):  # an ill-formed name is nobody's
        person = on_behalf_of(asked)
    order = Order(
        command=name,
        body=b"",
        key=asked.headers.get("Idempotency-Key", ""),
        on_behalf_of=person,
        correlation_id=str(asked.request.scope.get("request_id", "")) or None,
    )
    refusal = Forbidden(role=asked.who.role, command=name)
    await asked.services.desk.leave_trace(refusal, order, asked.who)


# --- reading --------------------------------------------------------------------------------


def _customer_route() -> Route:
    return Route(
        method="GET",
        path="/v1/customers/{customer_id}",
        operation="GetCustomer",
        tag="Customers",
        summary="A customer as they stand, who they are now, and the commands allowed.",
        handler=_get,
        answer=CustomerDocument,
        roles=READ_COMPLAINTS,
        parameters=(CUSTOMER_ID, ACCEPT_LANGUAGE),
        headers=_PLACE,
        problems=_READ,
    )


def _history_route() -> Route:
    return Route(
        method="GET",
        path="/v1/customers/{customer_id}/history",
        operation="GetCustomerHistory",
        tag="Customers",
        summary="Every event of a customer, in order, with who, when and where in the ledger.",
        handler=_history,
        answer=CustomerHistory,
        roles=READ_HISTORY,
        parameters=(
            CUSTOMER_ID,
            Parameter(
                name="after",
                place="query",
                description="Only events after this version.",
                schema={"type": "integer", "minimum": 0, "maximum": 2147483647},
            ),
            Parameter(
                name="limit",
                place="query",
                description="How many at most.",
                schema={"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
            ),
            ACCEPT_LANGUAGE,
        ),
        headers=_PLACE,
        problems=(problems.BAD_QUERY, *_READ),
    )


def _customer_id(asked: Asked) -> str:
    """The customer of the path; what can be no id names nobody."""
    customer_id = asked.path("customer_id")
    if re.fullmatch(_IDENTIFIER, customer_id, re.ASCII) is None:
        raise UnknownCustomer
    return customer_id


async def _events(asked: Asked) -> list[Recorded[Any]]:
    history = await asked.services.ledger.history(customer_stream(_customer_id(asked)))
    if not history:
        raise UnknownCustomer
    return history


async def _get(asked: Asked) -> Answer:
    history = await _events(asked)
    state, last = fold(CUSTOMER, history), history[-1]
    found = _document(state, asked)
    found.position = write_place(last.partition, last.position)
    found.canonical_customer_id = await survivor_of(asked.services.ledger, found.customer_id)
    headers = {"ETag": f'"{found.version}"', "Ledger-Position": found.position}
    may_read = asked.who.role in READ_PERSONAL
    return Answer(content=found if may_read else redact(found), headers=headers)


def _document(state: Customer, asked: Asked) -> CustomerDocument:
    assert state.customer_id is not None
    groups = state.special_groups
    return CustomerDocument(
        customer_id=state.customer_id,
        canonical_customer_id=state.customer_id,
        merged_into=state.merged_into,
        version=state.version,
        position="",
        identified=list(state.identified),
        verification=state.verification,
        tier=CustomerTier(tier=state.tier[0], source=state.tier[1]) if state.tier else None,
        segment=state.segment,
        special_groups=CustomerGroups(groups=list(groups[0]), source=groups[1]) if groups else None,
        allowed_commands=allowed(
            allowed_customer_commands(state), asked.who, language_of(asked.request)
        ),
    )


async def _history(asked: Asked) -> Answer:
    after = whole_number(asked, "after", 0, 0, 2**31 - 1)
    limit = whole_number(asked, "limit", 50, 1, 200)
    history = await _events(asked)
    page = [recorded for recorded in history if recorded.version > after][:limit]
    last = history[-1]
    content = CustomerHistory(
        customer_id=last.event.customer_id,
        version=last.version,
        events=[event_document(recorded, asked.who) for recorded in page],
        next=page[-1].version if page and page[-1].version < last.version else None,
    )
    position = write_place(last.partition, last.position)
    return Answer(
        content=content, headers={"ETag": f'"{last.version}"', "Ledger-Position": position}
    )
