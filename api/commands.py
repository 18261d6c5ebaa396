"""The command routes: one for each command of the complaint slice, made from its Struct."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from api import problems
from api.desk import COMMANDS, REGISTER, Order
from api.examples import EXAMPLES
from api.http import (
    ACCEPT_LANGUAGE,
    ADDRESS,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    ON_BEHALF_OF,
    Answer,
    Asked,
    ErrorsOf,
    Route,
    idempotency_key,
    if_match,
)
from api.problems import kebab, of_rule
from api.roles import ROLES, may_order
from domain.complaint import ALLOWED, OccurredInFuture, UnknownComplaint
from domain.kernel import NotAllowedAtStage, Rejected
from ledger.entry import Receipt
from ledger.ids import tracking_number, write_token


class CommandAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a command: where the complaint stands now and which events were recorded."""

    complaint_id: UUID
    version: int
    position: str
    events: list[str]
    recorded_at: datetime
    tracking_number: str | None = None


def routes() -> list[Route]:
    """The route of every command."""
    return [_route(name, command) for name, command in COMMANDS.items()]


def _route(name: str, command: type[Any]) -> Route:
    is_registration = name == REGISTER
    path = "/v1/complaints" if is_registration else f"/v1/complaints/{{address}}/{kebab(name)}"
    stages = ALLOWED[command]
    description = "" if is_registration else f"Allowed at the stages: {', '.join(sorted(stages))}."

    async def handle(asked: Asked) -> Answer:
        return await _take(asked, name)

    conditional = () if is_registration else (ADDRESS, IF_MATCH)
    return Route(
        method="POST",
        path=path,
        operation=name,
        tag="Commands",
        summary=(command.__doc__ or "").strip().partition("\n")[0],
        description=description,
        handler=handle,
        answer=CommandAnswer,
        roles=frozenset(role for role in ROLES if may_order(role, name)),
        parameters=(*conditional, IDEMPOTENCY_KEY, ON_BEHALF_OF, ACCEPT_LANGUAGE),
        body=command,
        body_example=EXAMPLES.get(name),
        status=201 if is_registration else 200,
        problems=(
            *ErrorsOf.KEYED,
            *ErrorsOf.BODY,
            problems.BAD_HEADER,
            problems.BAD_QUERY,
            problems.KEY_REUSED,
            of_rule(OccurredInFuture),
            of_rule(NotAllowedAtStage),
            *(() if is_registration else (problems.VERSION_CONFLICT, of_rule(UnknownComplaint))),
        ),
    )


async def _take(asked: Asked, name: str) -> Answer:
    """Hand the order in and tell what became of it."""
    key = idempotency_key(asked)
    expected_version = if_match(asked) if name != REGISTER else None
    on_behalf_of = asked.header("On-Behalf-Of", r"[A-Za-z0-9._:-]{1,64}", "a staff id")
    body = await asked.body()
    complaint_id = None
    if name != REGISTER:
        complaint_id = await asked.services.places.complaint(asked.request.path_params["address"])
    order = Order(
        command=name,
        body=body,
        key=key,
        complaint_id=complaint_id,
        expected_version=expected_version,
        on_behalf_of=on_behalf_of,
        correlation_id=str(asked.request.scope.get("request_id", "")) or None,
    )
    try:
        receipt = await asked.services.desk.take(order, asked.who)
    except Rejected as rejected:
        extra = {"complaint_id": str(complaint_id)} if complaint_id is not None else {}
        raise problems.of_rejection(rejected, **extra) from rejected
    return answer_of(receipt, is_registration=name == REGISTER)


def answer_of(receipt: Receipt, *, is_registration: bool) -> Answer:
    """A receipt as it is answered over HTTP."""
    position = write_token({receipt.partition: receipt.position})
    headers = {"ETag": f'"{receipt.version}"', "Ledger-Position": position}
    if receipt.is_replay:
        headers["Idempotency-Replayed"] = "true"
    content = CommandAnswer(
        complaint_id=receipt.stream_id,
        version=receipt.version,
        position=position,
        events=list(receipt.events),
        recorded_at=receipt.recorded_at,
    )
    if is_registration:
        headers["Location"] = f"/v1/complaints/{receipt.stream_id}"
        content.tracking_number = tracking_number(receipt.partition, receipt.position)
    return Answer(content=content, status=receipt.status, headers=headers)
