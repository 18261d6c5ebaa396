"""Refusals 拒绝: that somebody ordered what a rule or their role forbids is a fact of its own.

Each stands on a stream of its own, so that refusals never wait for each other nor for the
complaint. Of the order no more is kept than its name: what it said was refused and is gone.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec

from domain.kernel import Code, Command, Context, Decider, Event, Identifier, Recorded

Name = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Z][A-Za-z]{0,63}(?!\n)$", description="The name of a command or of a rule."
    ),
]
Status = Annotated[int, msgspec.Meta(ge=400, le=499)]

# --- commands and events --------------------------------------------------------------------


class RecordRefusal(Command, frozen=True, kw_only=True):
    """Keep the trace of an order that was refused, by which rule, and on what."""

    command: Name
    rule: Name
    status: Status
    four_eyes: Code | None = None
    complaint_id: UUID | None = None
    customer_id: Identifier | None = None


class CommandRefused(Event, frozen=True, kw_only=True):
    """An order was refused by a rule or for the role of who gave it; `four_eyes` names the one."""

    command: Name
    rule: Name
    status: Status
    four_eyes: Code | None = None
    complaint_id: UUID | None = None
    customer_id: Identifier | None = None

    schema_version: ClassVar[int] = 2
    # Version 1 did not say for which customer an order was.
    upcasts: ClassVar[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: dict}


# --- state, decide and evolve ---------------------------------------------------------------


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the trace is there."""

    is_recorded: bool = False


def decide(command: object, state: Refusal, context: Context) -> list[object]:
    """What follows from a command: the trace, once."""
    match command:
        case RecordRefusal():
            if state.is_recorded:
                return []
            return [
                CommandRefused(
                    command=command.command,
                    rule=command.rule,
                    status=command.status,
                    four_eyes=command.four_eyes,
                    complaint_id=command.complaint_id,
                    customer_id=command.customer_id,
                )
            ]
    raise TypeError(command)


def evolve(state: Refusal, recorded: Recorded[Any]) -> Refusal:
    """What an event leaves."""
    match recorded.event:
        case CommandRefused():
            return Refusal(is_recorded=True)
    return state


REFUSAL = Decider[Refusal](
    name="refusal",
    initial=Refusal(),
    decide=decide,
    evolve=evolve,
    commands=(RecordRefusal,),
    events=(CommandRefused,),
)
