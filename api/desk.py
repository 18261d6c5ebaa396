"""The desk: takes an order from a client, checks who may give it, and has the ledger carry it out.

Routes, bulk, import and simulation all hand their orders in here, so that one set of rules holds.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from api.client import Client, utc_now
from api.others import customer_stream, read_of_others, reads_others
from api.roles import may_order
from api.strict import Invalid, NotJson, decode
from domain.complaint import COMPLAINT
from domain.customer import CUSTOMER
from domain.kernel import (
    Actor,
    Context,
    Decider,
    Other,
    Precision,
    Rejected,
    SecondPersonRequired,
    Source,
)
from domain.refusal import REFUSAL, RecordRefusal
from domain.rules import Rules
from ledger.application import Ledger
from ledger.entry import CommandKey, Preview, Receipt
from ledger.ids import command_id, digest, new_stream_id
from ledger.together import Intent

COMMANDS: dict[str, type[Any]] = {command.__name__: command for command in COMPLAINT.commands}
"""Those of complaints."""
CUSTOMER_COMMANDS: dict[str, type[Any]] = {c.__name__: c for c in CUSTOMER.commands}
REGISTER = "RegisterComplaint"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A command as it was sent, where it is to go, and the key that makes it safe to repeat."""

    command: str  # the class name: AssessComplaint
    body: bytes  # the JSON of the command
    key: str  # the idempotency key
    complaint_id: UUID | None = None  # none for RegisterComplaint
    customer_id: str | None = None  # for a command on a customer, and for no other
    address: str | None = None  # how the complaint was addressed, as sent; none: by its id
    expected_version: int | None = None
    on_behalf_of: str | None = None
    correlation_id: str | None = None
    precision: Precision = "instant"
    known_as: UUID | None = None  # the id of the command, where it was worked out before
    is_looked_through: bool = False  # the body is a part of what `decode` has looked through


class Forbidden(Rejected):
    """The role of the key does not allow this."""

    status = 403
    title = "Not allowed for this role"
    title_zh = "该角色无权执行此操作"
    detail = "The role {role} may not use {command}."
    detail_zh = "角色 {role} 无权使用 {command}。"


class Desk:
    """Takes orders; one for a process."""

    def __init__(self, ledger: Ledger, rules: Rules, now: Callable[[], datetime] = utc_now) -> None:
        """Take orders for this ledger under these rules."""
        self.ledger = ledger
        self.rules = rules
        self.now = now
        self._understanding = asyncio.Lock()

    async def take(self, order: Order, client: Client) -> Receipt:
        """Carry an order out. Raises what is wrong with it; then nothing has changed.

        What a rule or the role of the client refuses has left its trace by then.
        """
        try:
            return await self._carry_out(order, client)
        except Rejected as rule:
            await self.leave_trace(rule, order, client)
            raise

    async def take_all(self, orders: Sequence[Order], client: Client) -> list[Receipt | None]:
        """Carry orders on different complaints out together.

        None for one that does not go as plainly as most do: nothing has changed, and `take`
        finds out why. Orders for which others are read are not for here: all would wait with them.
        """
        intents: dict[int, Intent] = {}
        # One group after the other: the first is committed while the next is understood. Side by
        # side, all would be understood at the same time, and then wait for commits together.
        async with self._understanding:
            for index, order in enumerate(orders):
                try:
                    stream_id, command, context = self._said(order, client)
                except (Rejected, Invalid, NotJson):
                    continue
                if not reads_others(command):
                    intents[index] = _intent(order, stream_id, command, context)
        await asyncio.sleep(0)  # others have their turn: 64 orders take half a millisecond
        receipts: list[Receipt | None] = [None] * len(orders)
        taken = await self.ledger.execute_all(list(intents.values()))
        for index, receipt in zip(intents, taken, strict=True):
            receipts[index] = receipt
        return receipts

    async def leave_trace(self, rule: Rejected, order: Order, client: Client) -> None:
        """Record that an order was refused, each time it is; what is nowhere is no rule's matter.

        The trace has an id of its own: the order stays unknown, and may be given again.
        """
        if rule.status == 404:
            return
        trace = new_stream_id()
        refusal = RecordRefusal(
            command=order.command,
            rule=type(rule).__name__,
            status=rule.status,
            four_eyes=rule.facts["rule"] if isinstance(rule, SecondPersonRequired) else None,
            complaint_id=order.complaint_id,
            customer_id=order.customer_id,
        )
        refused = command_id(client.principal, order.key)
        context = replace(self.context(order, client, trace), causation_id=str(refused))
        await self.ledger.execute(
            REFUSAL, trace, refusal, context, digest=digest(trace.bytes), is_new=True
        )

    async def _carry_out(self, order: Order, client: Client) -> Receipt:
        intent = _intent(order, *await self._understood(order, client))
        return await self.ledger.execute(**intent._asdict())

    async def consider(self, order: Order, client: Client) -> Preview:
        """What taking an order would lead to, or raises what is wrong with it; leaves no trace."""
        stream_id, command, context = await self._understood(order, client)
        return await self.ledger.preview(
            _decider(order),
            stream_id,
            command,
            context,
            digest=_digest(order),
            expected_version=order.expected_version,
            is_new=order.command == REGISTER,
        )

    async def _understood(self, order: Order, client: Client) -> tuple[UUID, Any, Context]:
        """The stream an order goes to, the command it says, and what may be known besides."""
        stream_id, command, context = self._said(order, client)
        if reads_others(command):
            read = await read_of_others(self.ledger, command, order.complaint_id, context)
            context = replace(context, **read)
        return stream_id, command, context

    def _said(self, order: Order, client: Client) -> tuple[UUID, Any, Context]:
        """As far as the order itself tells them: nothing is read."""
        if not may_order(client.role, order.command):
            raise Forbidden(role=client.role, command=order.command)
        commands = COMMANDS if order.customer_id is None else CUSTOMER_COMMANDS
        command = decode(
            commands[order.command], order.body, is_looked_through=order.is_looked_through
        )
        known_as = order.known_as or command_id(client.principal, order.key)
        if order.customer_id is not None:
            stream_id = customer_stream(order.customer_id)
        else:
            hint = getattr(command, "customer_id", None) or known_as
            stream_id = order.complaint_id or new_stream_id(hint)
        return stream_id, command, self.context(order, client, known_as)

    async def knows(self, complaint_id: UUID) -> bool:
        """Whether there is such a complaint."""
        first = await self.ledger.history(complaint_id, version=1)
        return bool(first) and type(first[0].event) in COMPLAINT.events

    async def answered(self, order: Order, client: Client) -> Receipt | None:
        """The answer that this order got before; what it is addressed to need not be there now."""
        known_as = command_id(client.principal, order.key)
        return await self.ledger.known(CommandKey(known_as, _digest(order)))

    def context(
        self,
        order: Order,
        client: Client,
        known_as: UUID,
        others: dict[UUID, Other] | None = None,
    ) -> Context:
        """What the decision may know beside the command and the state."""
        return Context(
            facts_of_others=others or {},
            subject_id=order.customer_id,
            now=self.now(),
            actor=Actor(
                id=client.principal, kind=client.kind, role=client.role, unit_id=client.unit_id
            ),
            client_id=client.client_id,
            command_id=known_as,
            rules=self.rules,
            on_behalf_of=order.on_behalf_of,
            correlation_id=order.correlation_id,
            source=_source(client),
            precision=order.precision,
        )


def _decider(order: Order) -> Decider[Any]:
    return COMPLAINT if order.customer_id is None else CUSTOMER


def _intent(order: Order, stream_id: UUID, command: Any, context: Context) -> Intent:
    is_new = order.command == REGISTER
    return Intent(
        _decider(order),
        stream_id,
        command,
        context,
        digest=_digest(order),
        expected_version=order.expected_version,
        is_new=is_new,
        status=201 if is_new else 200,
    )


def _digest(order: Order) -> bytes:
    """What was said: the command, the address and the body, as they were sent."""
    address = order.address or str(order.complaint_id or order.customer_id or "")
    return digest(order.command.encode(), address.encode(), order.body)


def _source(client: Client) -> Source:
    """How far a time told by this client is to be trusted: adapters tell their provider's."""
    match client.role:
        case "import":
            return "import"
        case "integrator" | "simulation":
            return "provider"
    return "caller"
