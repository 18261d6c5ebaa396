"""Prevention 问题预防: a problem that too many complain about calls for more than remedies.

One stream for each problem key; a policy counts and signals, an improvement may follow.
"""

from typing import Annotated, Any
from uuid import UUID, uuid5

import msgspec

from domain.kernel import Command, Context, Decider, Event, Moment, Recorded

_STREAMS = UUID("2f6b2b0e-94e5-4b3e-8a0d-5d3c6b8b7f10")

ProblemKey = Annotated[str, msgspec.Meta(min_length=1, max_length=4000, description="Plain text.")]
Complaints = Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=1000)]
Days = Annotated[int, msgspec.Meta(ge=1, le=3660)]


def stream_of(problem_key: str) -> UUID:
    """The stream of a problem."""
    return uuid5(_STREAMS, problem_key)


# --- commands and events --------------------------------------------------------------------


class SignalPrevention(Command, frozen=True, kw_only=True):
    """Signal that more complaints of one problem came in than the rule allows; for policies."""

    problem_key: ProblemKey
    window_days: Days
    complaint_ids: Complaints
    first_received_at: Moment
    last_received_at: Moment


class PreventionTriggered(Event, frozen=True, kw_only=True):
    """A problem calls for prevention: so many complained about it within the window."""

    problem_key: ProblemKey
    count: Annotated[int, msgspec.Meta(ge=1)]
    window_days: Days
    complaint_ids: Complaints
    first_received_at: Moment
    last_received_at: Moment


# --- state, decide and evolve ---------------------------------------------------------------


class Prevention(msgspec.Struct, frozen=True, kw_only=True):
    """The complaints that were named when the problem was last signalled."""

    complaint_ids: tuple[UUID, ...] = ()


def decide(command: object, state: Prevention, context: Context) -> list[object]:
    """What follows from a command; the same complaints are signalled once."""
    match command:
        case SignalPrevention():
            if tuple(command.complaint_ids) == state.complaint_ids:
                return []
            return [
                PreventionTriggered(
                    problem_key=command.problem_key,
                    count=len(command.complaint_ids),
                    window_days=command.window_days,
                    complaint_ids=command.complaint_ids,
                    first_received_at=command.first_received_at,
                    last_received_at=command.last_received_at,
                )
            ]
    raise TypeError(command)


def evolve(state: Prevention, recorded: Recorded[Any]) -> Prevention:
    """What an event leaves."""
    match recorded.event:
        case PreventionTriggered(complaint_ids=complaint_ids):
            return Prevention(complaint_ids=tuple(complaint_ids))
    return state


PREVENTION = Decider[Prevention](
    name="prevention",
    initial=Prevention(),
    decide=decide,
    evolve=evolve,
    commands=(SignalPrevention,),
    events=(PreventionTriggered,),
)
