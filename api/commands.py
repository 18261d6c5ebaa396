"""The command routes, each made from the Struct of its command; here those of complaints."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec
from msgspec.structs import replace

from api import problems
from api.desk import COMMANDS, REGISTER, Forbidden, Order
from api.examples import EXAMPLES
from api.http import Answer, Asked, Handler, Parameter, Route, as_problem
from api.parameters import (
    ACCEPT_LANGUAGE,
    ADDRESS,
    DRY_RUN,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    ON_BEHALF_OF,
    ErrorsOf,
    idempotency_key,
    if_match,
    is_wanted,
    on_behalf_of,
)
from api.places import AmbiguousAddress
from api.problems import ProblemError, ProblemType, kebab, of_rule
from api.roles import ROLES, is_for_keys, may_order
from domain.complaint import ALLOWED, UnknownComplaint
from domain.complaint.vocabulary import Stage
from domain.customer import UnknownCustomer
from domain.kernel import Moment, NotAllowedAtStage, Rejected
from domain.time.telling import OccurredInFuture
from ledger.deciding import VersionConflict
from ledger.entry import Preview, Receipt
from ledger.ids import tracking_number, write_place


class CommandAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a command: where the complaint stands now and which events were recorded."""

    complaint_id: UUID
    version: int
    position: str
    events: list[str]
    recorded_at: Moment
    tracking_number: str | None = None


class DryRunAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What would become of a command: the events it would record; none of them was."""

    dry_run: Literal[True]
    version: int
    events: list[str]
    complaint_id: UUID | None = None


def routes() -> list[Route]:
    """The route of every command on a complaint that a key can give."""
    return [_route(name, command) for name, command in COMMANDS.items() if is_for_keys(name)]


def _route(name: str, command: type[Any]) -> Route:
    if name == REGISTER:
        return command_route(
            name,
            command,
            path="/v1/complaints",
            handler=_take,
            on_forbidden=_leave_trace,
            refusals=(of_rule(NotAllowedAtStage),),
            status=201,
            headers=("Location",),
        )
    stages = [stage for stage in get_args(Stage) if stage in ALLOWED[command]]
    return command_route(
        name,
        command,
        path=f"/v1/complaints/{{address}}/{kebab(name)}",
        handler=_take,
        on_forbidden=_leave_trace,
        more=f" Allowed at the stages: {', '.join(stages)}.",
        parameters=(ADDRESS, IF_MATCH),
        refusals=(
            of_rule(NotAllowedAtStage),
            problems.VERSION_CONFLICT,
            of_rule(UnknownComplaint),
            of_rule(AmbiguousAddress),
        ),
    )


def command_route(
    name: str,
    command: type[Any],
    *,
    path: str,
    handler: Handler,
    on_forbidden: Callable[[Asked], Awaitable[None]],
    answer: type[Any] = CommandAnswer,
    preview: type[Any] = DryRunAnswer,
    more: str = "",
    parameters: tuple[Parameter, ...] = (),
    refusals: tuple[ProblemType, ...] = (),
    status: int = 200,
    headers: tuple[str, ...] = (),
) -> Route:
    """A route that gives a command; `parameters`, `refusals` and `headers` are its own ones."""
    told = " ".join((command.__doc__ or "").split())
    return Route(
        method="POST",
        path=path,
        operation=name,
        tag="Commands",
        summary=told.replace("`", ""),
        description=told + more,
        handler=handler,
        answer=answer,
        roles=frozenset(role for role in ROLES if may_order(role, name)),
        parameters=(*parameters, DRY_RUN, IDEMPOTENCY_KEY, ON_BEHALF_OF, ACCEPT_LANGUAGE),
        on_forbidden=on_forbidden,
        body=command,
        body_example=EXAMPLES.get(name),
        status=status,
        also=((200, "application/json", preview),),
        headers=("ETag", "Ledger-Position", "Idempotency-Replayed", *headers),
        problems=(
            *ErrorsOf.KEYED,
            *ErrorsOf.BODY,
            problems.BAD_HEADER,
            problems.BAD_QUERY,
            problems.UNKNOWN_QUERY,
            problems.KEY_REUSED,
            of_rule(OccurredInFuture),
            *refusals,
        ),
    )


async def order_of(asked: Asked) -> Order:
    """The order that a request is, as far as it is the same wherever it is addressed to."""
    is_registration = asked.route.operation == REGISTER
    return Order(
        command=asked.route.operation,
        key=idempotency_key(asked),
        expected_version=None if is_registration else if_match(asked),
        on_behalf_of=on_behalf_of(asked),
        correlation_id=str(asked.request.scope.get("request_id", "")) or None,
        body=await asked.body(),
    )


async def _take(asked: Asked) -> Answer:
    """Hand the order in and tell what became of it, or would."""
    is_dry_run, find = is_wanted(asked, "dry_run"), None
    order = await order_of(asked)
    is_registration = order.command == REGISTER
    if not is_registration:
        order = replace(order, address=asked.path("address"))
        find = partial(asked.services.places.complaint, order.address)
    outcome = await carry_out(asked, order, find, is_dry_run=is_dry_run)
    if isinstance(outcome, Preview):
        return _foretold(outcome)
    return answer_of(outcome, is_registration=is_registration)


Find = Callable[[], Awaitable[UUID]]


async def carry_out(
    asked: Asked, order: Order, find: Find | None, *, is_dry_run: bool = False
) -> Receipt | Preview:
    """Have the order carried out, or say why not, with what is known of the complaint.

    `find` looks for the complaint at the order's address; a registration has none.
    """
    desk, complaint_id = asked.services.desk, None
    try:
        if find is not None:
            complaint_id = await find()
            order = replace(order, complaint_id=complaint_id)
        if is_dry_run:
            return await desk.consider(order, asked.who)
        return await desk.take(order, asked.who)
    except Exception as caught:
        error = caught
        if (
            order.customer_id is not None
            and isinstance(error, VersionConflict)
            and not error.actual
        ):
            error = UnknownCustomer()
        is_nowhere = isinstance(error, Rejected) and complaint_id is None and find is not None
        # The address names nothing now; what was carried out before is answered all the same.
        if is_nowhere and (receipt := await desk.answered(order, asked.who)) is not None:
            return Preview.of(receipt) if is_dry_run else receipt
        problem = as_problem(error)
        problem.extra.setdefault("command", order.command)
        if complaint_id is not None and problem.problem.status != 404:
            problem.extra.setdefault("complaint_id", str(complaint_id))
        raise problem from error


def _foretold(preview: Preview) -> Answer:
    """What would become of a command as it is answered over HTTP."""
    content = DryRunAnswer(
        dry_run=True,
        version=preview.version,
        events=list(preview.events),
        complaint_id=preview.stream_id,
    )
    if preview.stream_id is None:
        return Answer(content=content)
    position = write_place(preview.partition, preview.position)
    headers = {"ETag": f'"{preview.version}"', "Ledger-Position": position}
    return Answer(content=content, headers=headers)


async def _leave_trace(asked: Asked) -> None:
    """Record that a role may not give this order; nothing of the request has to be right for it."""
    name = asked.route.operation
    if asked.request.query_params.get("dry_run") == "true":  # nothing was ordered
        return
    desk, complaint_id, person = asked.services.desk, None, None
    with suppress(ProblemError):  # an ill-formed name is nobody's
        person = on_behalf_of(asked)
    if name != REGISTER:
        with suppress(ProblemError, Rejected):  # it names no complaint
            complaint_id = await asked.services.places.complaint(asked.path("address"))
    if complaint_id is not None and not await desk.knows(complaint_id):
        complaint_id = None
    order = Order(
        command=name,
        body=b"",
        key=asked.headers.get("Idempotency-Key", ""),
        complaint_id=complaint_id,
        on_behalf_of=person,
        correlation_id=str(asked.request.scope.get("request_id", "")) or None,
    )
    await desk.leave_trace(Forbidden(role=asked.who.role, command=name), order, asked.who)


def answer_of(receipt: Receipt, *, is_registration: bool) -> Answer:
    """A receipt as it is answered over HTTP."""
    position = write_place(receipt.partition, receipt.position)
    headers = {"ETag": f'"{receipt.version}"', "Ledger-Position": position}
    if receipt.is_replay:
        headers["Idempotency-Replayed"] = "true"
    if is_registration:
        headers["Location"] = f"/v1/complaints/{receipt.stream_id}"
    content = told_of(receipt, is_registration=is_registration)
    return Answer(content=content, status=receipt.status, headers=headers)


def told_of(receipt: Receipt, *, is_registration: bool) -> CommandAnswer:
    """A receipt as clients read it."""
    place = receipt.partition, receipt.position
    return CommandAnswer(
        complaint_id=receipt.stream_id,
        version=receipt.version,
        position=write_place(*place),
        events=list(receipt.events),
        recorded_at=receipt.recorded_at,
        tracking_number=tracking_number(*place) if is_registration else None,
    )
