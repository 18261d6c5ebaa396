"""Pausing 计时暂停: a clock stands still while nothing can be done before the customer moves.

Which clocks may, for which reasons and for how long in a cycle is the rulebook's to say. A pause
ends with the cycle it was made in; how much of it counts is worked out where clocks are judged.
"""

from typing import Any

from msgspec.structs import replace

from domain.complaint.state import OPEN, AllowedAt, Complaint
from domain.kernel import Code, Command, Context, Event, ReasonText, Recorded, Rejected
from domain.rules import ClockName

# --- commands -------------------------------------------------------------------------------


class PauseClock(Command, frozen=True, kw_only=True):
    """Let a clock stand still while the customer is waited for, and say for what reason."""

    clock: ClockName
    reason_code: Code
    reason_text: ReasonText


class ResumeClock(Command, frozen=True, kw_only=True):
    """Let a clock that stands still run on."""

    clock: ClockName


# --- events ---------------------------------------------------------------------------------


class ClockPaused(Event, frozen=True, kw_only=True):
    """A clock stands still from here on, for this reason."""

    clock: ClockName
    reason_code: Code


class ClockResumed(Event, frozen=True, kw_only=True):
    """A clock that stood still runs on."""

    clock: ClockName


# --- rejections -----------------------------------------------------------------------------


class ClockNeverPauses(Rejected):
    """The rulebook lets this clock run whatever is waited for."""

    title = "The clock never pauses"
    title_zh = "该时限不可暂停"
    detail = "The rulebook has no pause for the clock {clock}."
    detail_zh = "规则集未规定时限 {clock} 可以暂停。"


class NoReasonToPause(Rejected):
    """A clock pauses only for a reason that means that the customer is waited for."""

    title = "No reason to pause"
    title_zh = "暂停理由不成立"
    detail = "{reason_code} pauses no clock {clock}; the reasons are: {reasons}."
    detail_zh = "{reason_code} 不能作为暂停时限 {clock} 的理由；可用的理由：{reasons}。"


class ClockNotRunning(Rejected):
    """A clock that was stopped, or never started, neither pauses nor resumes."""

    title = "The clock is not running"
    title_zh = "该时限未在计时"
    detail = "The clock {clock} is not running."
    detail_zh = "时限 {clock} 未在计时。"


class ClockAlreadyPaused(Rejected):
    """A clock that stands still is not paused again."""

    title = "The clock is paused already"
    title_zh = "该时限已暂停"
    detail = "The clock {clock} is paused already."
    detail_zh = "时限 {clock} 已处于暂停状态。"


class ClockNotPaused(Rejected):
    """Only a clock that somebody paused is resumed; an answer ends the wait for it by itself."""

    title = "The clock is not paused"
    title_zh = "该时限未暂停"
    detail = "Nobody has paused the clock {clock}."
    detail_zh = "没有人暂停过时限 {clock}。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (ClockPaused, ClockResumed)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    PauseClock: ClockPaused,
    ResumeClock: ClockResumed,
}
ALLOWED: AllowedAt = {PauseClock: OPEN, ResumeClock: OPEN}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case PauseClock(clock=clock, reason_code=reason):
            rule = context.rules.service_level(clock).pause
            if rule is None:
                raise ClockNeverPauses(clock=clock)
            if reason not in rule.reasons:
                known = ", ".join(sorted(rule.reasons))
                raise NoReasonToPause(clock=clock, reason_code=reason, reasons=known)
            _require_running(clock, state)
            if _in_cycle(clock, state) in state.paused:
                raise ClockAlreadyPaused(clock=clock)
            return [ClockPaused(clock=clock, reason_code=reason)]
        case ResumeClock(clock=clock):
            _require_running(clock, state)
            if _in_cycle(clock, state) not in state.paused:
                raise ClockNotPaused(clock=clock)
            return [ClockResumed(clock=clock)]
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case ClockPaused(clock=clock):
            return replace(state, paused=state.paused | {_in_cycle(clock, state)})
        case ClockResumed(clock=clock):
            return replace(state, paused=state.paused - {_in_cycle(clock, state)})
    return state


def _in_cycle(clock: str, state: Complaint) -> tuple[str, int]:
    """The clock with the cycle it is of: only resolving starts anew in each."""
    return clock, state.cycle if clock == "resolve" else 1


def _require_running(clock: str, state: Complaint) -> None:
    """Complaints of an import start no clock; what is resolved is resolved for its cycle."""
    is_resolved = clock == "resolve" and state.last_resolved_cycle == state.cycle
    if state.is_imported or is_resolved:
        raise ClockNotRunning(clock=clock)
